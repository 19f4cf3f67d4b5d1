#include "chain/store_codec.hpp"
#include "tests/unit/chain_support.hpp"

#include <limits>
#include <random>

using namespace timenode;
using namespace timenode::test;

namespace {

chain::coin_group some_coins() {
  return {{0, {0, {}}},
          {1, {1, {1}}},
          {127, {127, byte_string(127, 7)}},
          {128, {128, byte_string(128, 8)}},
          {std::numeric_limits<std::uint32_t>::max(),
           {std::numeric_limits<amount>::max(), byte_string(1000, 9)}}};
}

chain::block_undo some_undo() {
  chain::block_undo result;
  std::uint8_t n = 0;
  for (const auto& [vout, coin] : some_coins())
    result.spent.push_back({{{{++n, 2, 3}}, vout}, coin});
  return result;
}

chain::block_certificate some_certificate() {
  return {{{1, 2}}, 77, {{"203.0.113.1", byte_string(64, 5)}, {"", {}}, {"2001:db8::1", {1}}}};
}

}  // namespace

TEST_CASE("records of the store decode to what was encoded") {
  std::string bytes = "what was there before";
  chain::encode_coins(some_coins(), bytes);
  CHECK(must(chain::decode_coins(bytes)) == some_coins());
  chain::encode_undo(some_undo(), bytes);
  CHECK(must(chain::decode_undo(bytes)).spent == some_undo().spent);
  chain::encode_undo({}, bytes);
  CHECK(bytes.size() == 1);
  CHECK(must(chain::decode_undo(bytes)).spent.empty());
  chain::encode_certificate(some_certificate(), bytes);
  CHECK(must(chain::decode_certificate(77, bytes)) == some_certificate());
  const chain_tip tip{1, {{2}}, -3, ~std::uint64_t{0}};
  CHECK(must(chain::decode_tip(chain::encode_tip(tip))) == tip);
  for (const std::uint64_t height : {std::uint64_t{0}, std::uint64_t{255}, ~std::uint64_t{0}})
    CHECK(must(chain::decode_height(chain::encode_height(height))) == height);
}

TEST_CASE("heights sort as text in their own order") {
  const auto text = [](std::uint64_t x) {
    const auto bytes = chain::encode_height(x);
    return std::string{bytes.begin(), bytes.end()};
  };
  for (const std::uint64_t x : {0ull, 1ull, 127ull, 128ull, 255ull, 256ull, 65'535ull, 1ull << 40})
    CHECK(text(x) < text(x + 1));
}

TEST_CASE("a usual record is a few bytes longer than its script") {
  std::string bytes;
  chain::encode_coins({{0, {9'000'900'090, byte_string(38, 'T')}}}, bytes);
  CHECK(bytes.size() == 38 + 8);
}

TEST_CASE("records cut short, too long or with absurd lengths do not decode") {
  std::string coins;
  chain::encode_coins(some_coins(), coins);
  std::string undo;
  chain::encode_undo(some_undo(), undo);
  for (std::size_t size = 0; size < coins.size(); ++size)
    CHECK_FALSE(chain::decode_coins(std::span{coins}.first(size)).has_value());
  for (std::size_t size = 0; size < undo.size(); ++size)
    CHECK_FALSE(chain::decode_undo(std::span{undo}.first(size)).has_value());
  CHECK_FALSE(chain::decode_coins(coins + "x").has_value());
  CHECK_FALSE(chain::decode_undo(undo + "x").has_value());
  std::string certificate;
  chain::encode_certificate(some_certificate(), certificate);
  for (std::size_t size = 0; size < certificate.size(); ++size)
    CHECK_FALSE(chain::decode_certificate(77, std::span{certificate}.first(size)).has_value());
  CHECK_FALSE(chain::decode_certificate(77, certificate + "x").has_value());
  CHECK_FALSE(
      chain::decode_certificate(77, std::string(32, 'x') + std::string(9, '\xff') + "\x01"));
  const std::string huge(9, '\xff');
  for (const auto& tail : {"\x01", "\x7f", "\xff"}) {
    CHECK_FALSE(chain::decode_coins(huge + tail).has_value());
    CHECK_FALSE(chain::decode_undo(huge + tail).has_value());
  }
  CHECK_FALSE(chain::decode_coins(std::string(1, '\0')).has_value());  // A group is never empty.
  CHECK_FALSE(chain::decode_tip(std::string(55, 'x')).has_value());
  CHECK_FALSE(chain::decode_tip(std::string(57, 'x')).has_value());
  CHECK_FALSE(chain::decode_height(std::string(7, 'x')).has_value());
}

TEST_CASE("random bytes never decode to more than they hold") {
  std::mt19937 random{7};
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random() % 60, '\0');
    for (auto& byte : bytes)
      byte = static_cast<char>(random());
    if (const auto coins = chain::decode_coins(bytes))
      CHECK(coins->size() <= bytes.size());
    if (const auto undo = chain::decode_undo(bytes))
      CHECK(undo->spent.size() <= bytes.size());
  }
}
