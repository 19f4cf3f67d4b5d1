#include "chain/bincode.hpp"
#include "tests/unit/chain_support.hpp"

using namespace timenode;
using namespace timenode::test;

namespace {

std::string hex_of(const auto& x) {
  byte_string bytes;
  chain::encode(x, bytes);
  CHECK(bytes.size() == chain::encoded_size(x));
  return chain::to_hex(bytes);
}

}  // namespace

TEST_CASE("transactions encode to the vectors' bytes and decode from them") {
  for (const auto& vector : vectors().at("transactions")) {
    const auto tx = transaction_from(vector.at("tx"));
    CHECK(hex_of(tx) == vector.at("bincode_hex"));
    const auto bytes = chain::bytes_from_hex(vector.at("bincode_hex").get<std::string>());
    const auto decoded = chain::decode_transaction(*bytes);
    REQUIRE(decoded.has_value());
    CHECK(*decoded == tx);
  }
}

TEST_CASE("blocks and headers encode to the vectors' bytes and decode from them") {
  auto all = vectors().at("blocks");
  all.push_back(vectors().at("genesis").at("testnet"));
  all.push_back(vectors().at("genesis").at("mainnet"));
  for (const auto& vector : all) {
    const auto block = block_from(vector.at("block"));
    CHECK(hex_of(block) == vector.at("block_bincode_hex"));
    CHECK(chain::to_hex(chain::encode_header(block.header)) == vector.at("header_bincode_hex"));
    const auto bytes = chain::bytes_from_hex(vector.at("block_bincode_hex").get<std::string>());
    const auto decoded = chain::decode_block(*bytes);
    REQUIRE(decoded.has_value());
    CHECK(*decoded == block);
    const auto header = chain::decode_header(std::span{*bytes}.first(chain::header_bytes));
    REQUIRE(header.has_value());
    CHECK(*header == block.header);
  }
}

TEST_CASE("every block of the real chain survives encoding and decoding") {
  byte_string bytes;
  for (const auto& x : real_chain()) {
    bytes.clear();
    chain::encode(*x, bytes);
    const auto decoded = chain::decode_block(bytes);
    REQUIRE(decoded.has_value());
    CHECK(*decoded == *x);
  }
}

TEST_CASE("a block cut short anywhere, or with a byte too many, does not decode") {
  byte_string bytes;
  chain::encode(block_from(vectors().at("blocks").at(1).at("block")), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_FALSE(chain::decode_block(std::span{bytes}.first(size)).has_value());
  bytes.push_back(0);
  const auto longer = chain::decode_block(bytes);
  REQUIRE_FALSE(longer.has_value());
  CHECK(longer.error().reason.find("has 1 bytes behind it") != std::string::npos);
}

TEST_CASE("a length that cannot be true is refused before memory is taken for it") {
  byte_string bytes;
  chain::encode(block_from(vectors().at("blocks").at(1).at("block")), bytes);
  // The number of transactions follows the header.
  for (std::size_t i = 0; i < 8; ++i)
    bytes[chain::header_bytes + i] = 0xff;
  const auto decoded = chain::decode_block(bytes);
  REQUIRE_FALSE(decoded.has_value());
  CHECK(decoded.error().reason.find("transactions at byte 100") != std::string::npos);
  CHECK(decoded.error().reason.find("claims 18446744073709551615 elements") != std::string::npos);
}

TEST_CASE("any single damaged byte decodes to something else or not at all") {
  byte_string bytes;
  const auto original = block_from(vectors().at("blocks").at(1).at("block"));
  chain::encode(original, bytes);
  for (auto& byte : bytes) {
    byte = static_cast<std::uint8_t>(byte ^ 0x81);
    const auto decoded = chain::decode_block(bytes);
    CHECK_FALSE((decoded.has_value() && *decoded == original));
    byte = static_cast<std::uint8_t>(byte ^ 0x81);
  }
}
