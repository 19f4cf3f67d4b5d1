#include "chain/bincode.hpp"
#include "chain/hashes.hpp"
#include "chain/leader.hpp"
#include "chain/sha256.hpp"
#include "tests/unit/chain_support.hpp"

using namespace timenode;
using namespace timenode::test;

TEST_CASE("SHA-256 gives the known hashes") {
  // FIPS 180-2, appendix B, and the empty message.
  CHECK(chain::to_hex(chain::sha256({})) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(chain::to_hex(chain::sha256_hasher{}.update("abc").finish()) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  chain::sha256_hasher million;
  for (int i = 0; i < 1000; ++i)
    million.update(std::string(1000, 'a'));
  CHECK(chain::to_hex(million.finish()) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("SHA-256 in pieces equals SHA-256 at once, and integers go in little-endian") {
  byte_string bytes;
  for (std::size_t size = 0; size < 200; ++size) {
    const auto whole = chain::sha256(bytes);
    for (const auto cut : {size / 3, size / 2, size}) {
      chain::sha256_hasher hasher;
      hasher.update(std::span{bytes}.first(cut)).update(std::span{bytes}.subspan(cut));
      CHECK(hasher.finish() == whole);
    }
    bytes.push_back(static_cast<std::uint8_t>(size * 7));
  }
  const byte_string numbers{4, 3, 2,    1,    8,    7,    6,    5,    4,    3,
                            2, 1, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  chain::sha256_hasher hasher;
  hasher.update_le(std::uint32_t{0x01020304})
      .update_le(std::uint64_t{0x0102030405060708})
      .update_le(std::int64_t{-2});
  CHECK(hasher.finish() == chain::sha256(numbers));
}

TEST_CASE("block hashes and transaction ids are the vectors'") {
  auto all = vectors().at("blocks");
  all.push_back(vectors().at("genesis").at("testnet"));
  all.push_back(vectors().at("genesis").at("mainnet"));
  for (const auto& vector : all) {
    const auto block = block_from(vector.at("block"));
    CHECK(chain::to_hex(chain::block_hash(block.header)) == vector.at("hash"));
    REQUIRE(block.transactions.size() == vector.at("txids").size());
    for (std::size_t i = 0; i < block.transactions.size(); ++i)
      CHECK(chain::to_hex(chain::txid(block.transactions[i])) == vector.at("txids").at(i));
  }
  for (const auto& vector : vectors().at("transactions"))
    CHECK(chain::to_hex(chain::txid(transaction_from(vector.at("tx")))) == vector.at("txid"));
}

TEST_CASE("an unusually large transaction hashes as any other") {
  transaction tx;
  tx.outputs.push_back({1, byte_string(1'000'000, 7)});
  byte_string bytes;
  chain::encode(tx, bytes);
  CHECK(chain::txid(tx) == chain::sha256(bytes));
  CHECK(chain::txid(tx) == chain::sha256(bytes));
}

TEST_CASE("merkle roots are the vectors'") {
  for (const auto& vector : vectors().at("merkle")) {
    std::vector<hash256> txids;
    for (const auto& txid : vector.at("txids"))
      txids.push_back(bytes_from_hex<hash256>(txid));
    CHECK(chain::to_hex(chain::merkle_root(txids)) == vector.at("root"));
  }
}

TEST_CASE("each block of the real chain names the hash of the one before it, and its merkle root") {
  const auto& blocks = real_chain();
  REQUIRE(blocks.size() == 2001);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto& header = blocks[i]->header;
    CHECK(header.height == i);
    if (i > 0)
      CHECK(header.previous_hash == chain::block_hash(blocks[i - 1]->header));
    const std::vector<hash256> txids{chain::txid(blocks[i]->transactions.at(0))};
    CHECK(header.merkle_root == chain::merkle_root(txids));
  }
}

TEST_CASE("the genesis blocks are the vectors'") {
  for (const auto network : {network_id::testnet, network_id::mainnet}) {
    const auto& vector = vectors().at("genesis").at(std::string{to_string(network)});
    const auto& genesis = chain::genesis_block(network);
    CHECK(*genesis.block == block_from(vector.at("block")));
    CHECK(chain::to_hex(genesis.hash) == vector.at("hash"));
    CHECK(chain::to_hex(genesis.txids.at(0)) == vector.at("txids").at(0));
    CHECK(genesis.bytes * 2 == vector.at("block_bincode_hex").get<std::string>().size());
    CHECK(&genesis == &chain::genesis_block(network));
  }
  CHECK(*real_chain().at(0) == *chain::genesis_block(network_id::testnet).block);
}

TEST_CASE(
    "the leader of each height is the vectors', in whatever order the masternodes are given") {
  const auto& vector = vectors().at("bft_leaders");
  auto addresses = vector.at("masternodes").get<std::vector<std::string>>();
  for (const auto& expected : vector.at("by_height")) {
    const std::uint64_t height = expected.at("height");
    CHECK(chain::leader_of(height, addresses) == expected.at("leader").get<std::string>());
    std::rotate(addresses.begin(), addresses.begin() + 1, addresses.end());
  }
  CHECK_FALSE(chain::leader_of(1, {}).has_value());
  CHECK(chain::leader_of(1, {"192.0.2.1"}) == "192.0.2.1");
}

TEST_CASE("hexadecimal text is read in both cases and refused when it is anything else") {
  const auto hash = chain::sha256({});
  const auto text = chain::to_hex(hash);
  CHECK(chain::from_hex<hash256>(text) == hash);
  std::string upper = text;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  CHECK(chain::from_hex<hash256>(upper) == hash);
  CHECK_FALSE(chain::from_hex<hash256>(text.substr(1)).has_value());
  CHECK_FALSE(chain::from_hex<hash256>(text + "00").has_value());
  CHECK_FALSE(chain::from_hex<hash256>("g" + text.substr(1)).has_value());
  CHECK_FALSE(chain::bytes_from_hex("123").has_value());
  CHECK(chain::bytes_from_hex("")->empty());
}
