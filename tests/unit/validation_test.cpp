#include "chain/bincode.hpp"
#include "chain/validation.hpp"
#include "tests/unit/chain_support.hpp"

#include <limits>

using namespace timenode;
using namespace timenode::test;

namespace {

const chain_tip parent{41, {{1, 2, 3}}, 1'764'600'000, 0};

block good_block() {
  return make_block(parent,
                    {make_transaction({{{{9}}, 0}}, {5}), make_transaction({{{{9}}, 1}}, {5})});
}

// The reason why the block is refused after the change; its merkle root is made to fit.
template <class Change>
std::string refusal(Change change) {
  auto x = good_block();
  change(x);
  const auto result = chain::check_block(seal(std::move(x)));
  return result ? "accepted" : result.error().reason;
}

std::string placement(const block& x, const chain::parent_info& on, std::int64_t now) {
  checked_block checked;
  checked.block = std::make_shared<const block>(x);
  const auto result = chain::check_on_parent(checked, on, now);
  return result ? "accepted" : result.error().reason;
}

const chain::parent_info on_parent{parent.height, parent.hash, parent.timestamp};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("every block of the real chain passes, with its hash, ids and size") {
  for (std::size_t i = 1; i < real_chain().size(); ++i) {
    const auto& x = checked_chain()[i - 1];
    CHECK(x.block == real_chain()[i]);
    CHECK(x.hash == chain::block_hash(x.block->header));
    CHECK(x.txids.size() == 1);
    CHECK(x.bytes == chain::encoded_size(*x.block));
    const auto& before = real_chain()[i - 1];
    CHECK(chain::check_on_parent(
              x,
              {before->header.height, chain::block_hash(before->header), before->header.timestamp},
              x.block->header.timestamp)
              .has_value());
  }
}

TEST_CASE("a block made by the rules passes") {
  CHECK(refusal([](block&) {}) == "accepted");
}

TEST_CASE("no block, and a block at height 0, are refused") {
  CHECK(chain::check_block(nullptr).error().reason == "there is no block");
  for (const auto network : {network_id::testnet, network_id::mainnet})
    CHECK(chain::check_block(chain::genesis_block(network).block).error().reason ==
          "block 0: height 0 belongs to the genesis block, which cannot be replaced");
}

TEST_CASE("a block without transactions is refused") {
  CHECK(refusal([](block& x) { x.transactions.clear(); }) ==
        "block 42: there is no transaction, so nothing pays the rewards");
}

TEST_CASE("the first transaction, and only it, has no inputs") {
  CHECK(refusal([](block& x) { x.transactions[0].inputs.push_back({}); }) ==
        "block 42: the first transaction has 1 inputs; it must be the coinbase, which has none");
  CHECK(refusal([](block& x) { x.transactions[2].inputs.clear(); }) ==
        "block 42: transaction 2 has no inputs; only the first may have none");
  CHECK(refusal([](block& x) { std::swap(x.transactions[0], x.transactions[1]); }) ==
        "block 42: the first transaction has 1 inputs; it must be the coinbase, which has none");
  CHECK(refusal([](block& x) { x.transactions.push_back(x.transactions[0]); }) ==
        "block 42: transaction 3 has no inputs; only the first may have none");
}

TEST_CASE(
    "the rewards add up to 100 TIME within 0.01 %, whatever the header calls the block reward") {
  const auto pay = [](amount first) {
    return refusal([&](block& x) {
      x.masternode_rewards = {{"a", first}, {"b", 4'000'000'000}};
      x.transactions[0].outputs = {{first, {'a'}}, {4'000'000'000, {'b'}}};
    });
  };
  CHECK(pay(6'000'000'000) == "accepted");
  CHECK(pay(5'999'000'000) == "accepted");
  CHECK(pay(6'001'000'000) == "accepted");
  CHECK(pay(5'998'999'999) ==
        "block 42: the masternode rewards add up to 9998999999 units, not to 10000000000 within "
        "1000000");
  CHECK(pay(6'001'000'001) ==
        "block 42: the masternode rewards add up to 10001000001 units, not to 10000000000 within "
        "1000000");
  CHECK(pay(std::numeric_limits<amount>::max()) ==
        "block 42: the masternode rewards add up to more than 2^64");
  CHECK(refusal([](block& x) {
          x.masternode_rewards.clear();
          x.transactions[0].outputs.clear();
        }) ==
        "block 42: the masternode rewards add up to 0 units, not to 10000000000 within 1000000");
  for (const amount said : {amount{0}, chain::block_subsidy + 1234, ~amount{0}})
    CHECK(refusal([&](block& x) { x.header.block_reward = said; }) == "accepted");
}

TEST_CASE("the coinbase pays exactly the listed rewards, in order") {
  CHECK(refusal([](block& x) { x.transactions[0].outputs.pop_back(); }) ==
        "block 42: the coinbase has 2 outputs for 3 rewards");
  CHECK(refusal([](block& x) {
          x.transactions[0].outputs.push_back({1, {'x'}});
        }) == "block 42: the coinbase has 4 outputs for 3 rewards");
  CHECK(refusal([](block& x) { ++x.transactions[0].outputs[1].value; }) ==
        "block 42: coinbase output 1 pays 3333333334 units, the reward listed is 3333333333");
  CHECK(refusal([](block& x) { x.transactions[0].outputs[2].script_pubkey[0] ^= 1; }) ==
        "block 42: coinbase output 2 pays another address than the reward listed");
  CHECK(refusal([](block& x) {
          std::swap(x.transactions[0].outputs[0].script_pubkey,
                    x.transactions[0].outputs[1].script_pubkey);
        }) == "block 42: coinbase output 0 pays another address than the reward listed");
}

TEST_CASE("addresses with bytes above 127 compare as bytes") {
  CHECK(refusal([](block& x) {
          x.masternode_rewards[0].first = "\xff";
          x.transactions[0].outputs[0].script_pubkey = {0xff};
        }) == "accepted");
}

TEST_CASE("outputs that add up to more than an amount can hold are refused") {
  CHECK(refusal([](block& x) {
          x.transactions[1].outputs = {{~amount{0}, {}}, {1, {}}};
        }) == "block 42: the outputs of transaction 1 add up to more than 2^64");
}

TEST_CASE("an output is not spent twice in a block") {
  const auto twice = "block 42: output 09" + std::string(62, '0') + ":0 is spent twice";
  CHECK(refusal([](block& x) { x.transactions[2].inputs[0].previous_output.vout = 0; }) == twice);
  CHECK(refusal([](block& x) {
          x.transactions[1].inputs.push_back(x.transactions[1].inputs[0]);
        }) == twice);
  // A transaction that comes twice spends twice, so it cannot hide behind an equal merkle root.
  CHECK(refusal([](block& x) { x.transactions.push_back(x.transactions[1]); }) == twice);
}

TEST_CASE("a merkle root that is not the transactions' is refused") {
  auto x = *seal(good_block());
  x.header.merkle_root[5] ^= 1;
  const auto result = chain::check_block(std::make_shared<const block>(x));
  REQUIRE_FALSE(result.has_value());
  CHECK(contains(result.error().reason, "block 42: the merkle root is "));
  CHECK(contains(result.error().reason, chain::to_hex(x.header.merkle_root)));
}

TEST_CASE("a block has at most 2,000,000 bytes, and may have as many") {
  const auto padded = [](std::size_t size) {
    return refusal([&](block& x) {
      auto& script = x.transactions[1].inputs[0].script_sig;
      script.clear();
      script.resize(size - chain::encoded_size(x));
    });
  };
  CHECK(padded(2'000'000) == "accepted");
  CHECK(padded(2'000'001) == "block 42: it has 2000001 bytes, more than 2000000");
}

TEST_CASE("a block whose text fits into no message is none, though its bytes are few enough") {
  // Inputs have 48 bytes each, and up to 218 characters.
  const auto with_inputs = [](std::size_t count) {
    return refusal([count](block& x) {
      transaction tx;
      tx.version = 1;
      for (std::size_t i = 0; i < count; ++i) {
        hash256 txid;
        txid.fill(200);
        for (std::size_t j = 0; j < 8; ++j)
          txid[j] = static_cast<std::uint8_t>(100 + (i >> (4 * j)) % 16);
        tx.inputs.push_back({{txid, 0xffffffff}, {}, 0xffffffff});
      }
      x.transactions.push_back(std::move(tx));
    });
  };
  CHECK(with_inputs(35'000) == "accepted");
  const auto refused = with_inputs(41'000);
  CHECK(contains(refused, "block 42: its text has 8"));
  CHECK(contains(refused, "more than 8384512: it fits into no message"));
  // As many bytes of script have four characters each at most.
  CHECK(refusal([](block& x) {
          transaction tx;
          tx.version = 1;
          tx.inputs.push_back({{}, byte_string(1'990'000, 255), 0});
          x.transactions.push_back(std::move(tx));
        }) == "accepted");
}

TEST_CASE("a block follows on its parent by height and hash") {
  const auto x = good_block();
  CHECK(placement(x, on_parent, late) == "accepted");
  auto other = on_parent;
  other.height = 40;
  CHECK(placement(x, other, late) == "block 42: it does not follow on height 40");
  other.height = 42;
  CHECK(placement(x, other, late) == "block 42: it does not follow on height 42");
  auto first = x;
  first.header.height = 0;
  other.height = ~std::uint64_t{0};
  CHECK(placement(first, other, late) ==
        "block 0: it does not follow on height 18446744073709551615");
  other = on_parent;
  other.hash[0] = 7;
  CHECK(contains(placement(x, other, late), "block 42: its previous hash is 010203"));
  CHECK(contains(placement(x, other, late), "block 41 is 070203"));
}

TEST_CASE("a timestamp is above the parent's and at most 600 s ahead of the clock") {
  const auto at = [](std::int64_t timestamp, std::int64_t now) {
    auto x = good_block();
    x.header.timestamp = timestamp;
    return placement(x, on_parent, now);
  };
  CHECK(at(parent.timestamp + 1, late) == "accepted");
  CHECK(at(parent.timestamp, late) ==
        "block 42: its timestamp 1764600000 is not above its parent's, 1764600000");
  CHECK(contains(at(std::numeric_limits<std::int64_t>::min(), late), "is not above its parent's"));
  CHECK(at(late + 600, late) == "accepted");
  CHECK(at(late + 601, late) ==
        "block 42: its timestamp 2000000601 is more than 600 s ahead of our clock, 2000000000");
  CHECK(contains(at(std::numeric_limits<std::int64_t>::max(), -5), "is more than 600 s ahead"));
  CHECK(at(std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::max()) ==
        "accepted");
}
