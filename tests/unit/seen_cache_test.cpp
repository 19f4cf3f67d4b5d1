// Which flooded items count as new, and that what is remembered is bounded.

#include "actors/seen_cache.hpp"

#include <doctest/doctest.h>

using namespace timenode;

namespace {

constexpr monotonic_ns second = 1'000'000'000;

hash256 item(std::uint32_t number) {
  return item_hash(std::to_string(number));
}

}  // namespace

TEST_CASE("an item is new once, for as long as it is remembered") {
  seen_cache cache;
  CHECK(cache.add(item(1), 0));
  CHECK_FALSE(cache.add(item(1), 0));
  CHECK_FALSE(cache.add(item(1), seen_for - 1));
  CHECK(cache.add(item(1), seen_for));
  CHECK(cache.add(item(2), 0));
}

TEST_CASE("an ignored item may come again after ten seconds, and counts as seen until then") {
  seen_cache cache;
  cache.add(item(1), 0);
  cache.ignored(item(1), 5 * second);
  CHECK(cache.contains(item(1), 14 * second));
  CHECK_FALSE(cache.add(item(1), 14 * second));
  CHECK(cache.add(item(1), 15 * second));
}

TEST_CASE("an item that nobody judged may come again at once") {
  seen_cache cache;
  cache.add(item(1), 0);
  cache.forget(item(1));
  CHECK(cache.add(item(1), 0));
}

TEST_CASE("our own item is new although it was ignored from someone else, and is not new twice") {
  seen_cache cache;
  cache.add(item(1), 0);
  cache.ignored(item(1), 0);
  CHECK(cache.add_own(item(1), second));
  CHECK_FALSE(cache.add_own(item(1), second));
  CHECK_FALSE(cache.add(item(1), second));
}

TEST_CASE("a flood of items never takes more room than the limit, and pushes out the oldest") {
  seen_cache cache{100, 10};
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    CHECK(cache.add(item(i), i));
    CHECK(cache.size() <= 110);
  }
  CHECK_FALSE(cache.contains(item(9'899), 10'000));
  CHECK(cache.contains(item(9'900), 10'000));
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    cache.ignored(item(i), i);
    CHECK(cache.size() <= 110);
  }
}

TEST_CASE("items whose time is over make room for new ones before any other goes") {
  seen_cache cache{3, 3};
  cache.add(item(1), 0);
  cache.add(item(2), seen_for / 2);
  cache.add(item(3), seen_for / 2);
  cache.add(item(4), seen_for);
  CHECK(cache.contains(item(2), seen_for));
  CHECK(cache.contains(item(3), seen_for));
  CHECK(cache.contains(item(4), seen_for));
  CHECK(cache.size() == 3);
}

TEST_CASE("an item is known by its encoded line") {
  // SHA-256 of "abc", from FIPS 180-2.
  const auto hash = item_hash("abc");
  CHECK(hash[0] == 0xba);
  CHECK(hash[1] == 0x78);
  CHECK(hash[31] == 0xad);
}

TEST_CASE("evidence is short and printable") {
  CHECK(evidence_of("{\"Ping\":1}\n") == "{\"Ping\":1}");
  CHECK(evidence_of("a\tb\x1b[31m\xc3\xa4") == "a.b.[31m..");
  CHECK(evidence_of(std::string(10'000, 'x')).size() == 120);
  CHECK(evidence_of("").empty());
}
