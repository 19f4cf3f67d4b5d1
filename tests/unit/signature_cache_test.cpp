#include "chain/keys.hpp"
#include "chain/signature_cache.hpp"

#include <doctest/doctest.h>

#include <set>
#include <span>

using namespace timenode;

namespace {

signature signature_of(std::uint8_t x) {
  signature result{};
  result[0] = x;
  return result;
}

}  // namespace

TEST_CASE("a signature is remembered with its key and message, and for no others") {
  chain::signature_cache cache;
  const byte_string message{1, 2, 3};
  public_key key{};
  key[31] = 9;
  const auto mark = cache.mark_of(key, message, signature_of(1));
  CHECK_FALSE(cache.contains(mark));
  cache.add(mark);
  CHECK(cache.contains(cache.mark_of(key, message, signature_of(1))));
  CHECK_FALSE(cache.contains(cache.mark_of(key, message, signature_of(2))));
  CHECK_FALSE(cache.contains(cache.mark_of(public_key{}, message, signature_of(1))));
  for (const auto& other : {byte_string{}, byte_string{1, 2}, byte_string{1, 2, 3, 0}})
    CHECK_FALSE(cache.contains(cache.mark_of(key, other, signature_of(1))));
}

TEST_CASE("the marks of two caches differ, so that nobody can work out what takes whose place") {
  const chain::signature_cache a, b;
  CHECK(a.mark_of({}, {}, {}) != b.mark_of({}, {}, {}));
}

TEST_CASE("a cache keeps the last ones, and no more than it has places") {
  chain::signature_cache cache;
  const auto mark = [&cache](std::uint32_t i) {
    const byte_string message{static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i >> 8)};
    return cache.mark_of({}, message, {});
  };
  constexpr std::uint32_t count = 2 * chain::signature_cache::places;
  std::uint32_t first = 0, last = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    cache.add(mark(i));
    CHECK(cache.contains(mark(i)));
  }
  for (std::uint32_t i = 0; i < count / 2; ++i) {
    first += cache.contains(mark(i)) ? 1 : 0;
    last += cache.contains(mark(count / 2 + i)) ? 1 : 0;
  }
  CHECK(first + last <= chain::signature_cache::places);
  CHECK(last > count / 4);  // 63 % by chance
  CHECK(first < last);
}

TEST_CASE(
    "a signature that verified once is right again, and the same with one bit changed is not") {
  const auto key = chain::key_pair::generate();
  byte_string message{1, 2, 3};
  const auto good = key.sign(message);
  for (int i = 0; i < 3; ++i)
    CHECK(chain::verify(key.public_key(), message, good));
  auto bad = good;
  bad[40] = static_cast<std::uint8_t>(bad[40] ^ 1);
  for (int i = 0; i < 3; ++i)
    CHECK_FALSE(chain::verify(key.public_key(), message, bad));
  message[1] = 7;
  CHECK_FALSE(chain::verify(key.public_key(), message, good));
}
