#include "chain/output_watches.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace timenode::chain;

namespace {

const auto alice = *ip_address::parse("10.0.0.1");
const auto bob = *ip_address::parse("10.0.0.2");

outpoint output(std::uint8_t n) {
  outpoint result;
  result.txid[0] = n;
  result.vout = n;
  return result;
}

byte_string script(std::string_view text) {
  return {text.begin(), text.end()};
}

using watchers = std::vector<ip_address>;

}  // namespace

TEST_CASE("who watches an output or the address that it pays hears of it, once") {
  output_watches x;
  REQUIRE(x.subscribe(alice, {"a", {"TIME0one"}, {output(1), output(1)}}));
  REQUIRE(x.subscribe(alice, {"b", {"TIME0one"}, {}}));
  REQUIRE(x.subscribe(bob, {"a", {"TIME0two"}, {output(1)}}));
  const auto one = script("TIME0one");
  const auto two = script("TIME0two");
  CHECK(x.watchers_of(output(1), &one) == watchers{alice, bob});
  CHECK(x.watchers_of(output(2), &one) == watchers{alice});
  CHECK(x.watchers_of(output(2), &two) == watchers{bob});
  CHECK(x.watchers_of(output(1), nullptr) == watchers{alice, bob});
  CHECK(x.watchers_of(output(2), nullptr).empty());
  CHECK(x.subscriptions() == 3);
}

TEST_CASE("what two subscriptions watch is watched until both have ended") {
  output_watches x;
  REQUIRE(x.subscribe(alice, {"a", {}, {output(1)}}));
  REQUIRE(x.subscribe(alice, {"b", {}, {output(1)}}));
  x.unsubscribe(alice, "a");
  x.unsubscribe(alice, "a");
  x.unsubscribe(alice, "nothing");
  x.unsubscribe(bob, "b");
  CHECK(x.watchers_of(output(1), nullptr) == watchers{alice});
  x.unsubscribe(alice, "b");
  CHECK(x.watchers_of(output(1), nullptr).empty());
  CHECK(x.empty());
}

TEST_CASE("a subscription of the same id takes the place of the earlier one") {
  output_watches x;
  REQUIRE(x.subscribe(alice, {"a", {}, {output(1)}}));
  REQUIRE(x.subscribe(alice, {"a", {}, {output(2)}}));
  CHECK(x.watchers_of(output(1), nullptr).empty());
  CHECK(x.watchers_of(output(2), nullptr) == watchers{alice});
  CHECK(x.subscriptions() == 1);
}

TEST_CASE("with a peer all its subscriptions go, and nobody else's") {
  output_watches x;
  REQUIRE(x.subscribe(alice, {"a", {"TIME0one"}, {output(1)}}));
  REQUIRE(x.subscribe(bob, {"a", {}, {output(1)}}));
  x.forget(alice);
  x.forget(alice);
  const auto one = script("TIME0one");
  CHECK(x.watchers_of(output(1), &one) == watchers{bob});
  x.forget(bob);
  CHECK(x.empty());
}

TEST_CASE("a peer watches no more than is allowed, and one wish too many leaves the others as they "
          "were") {
  output_watches x;
  const auto many = std::vector<std::string>(max_watched_per_peer, "TIME0one");
  REQUIRE(x.subscribe(alice, {"a", many, {}}));
  CHECK_FALSE(x.subscribe(alice, {"b", {}, {output(1)}}));
  CHECK(x.watchers_of(output(1), nullptr).empty());
  // In the place of the first there is room.
  CHECK(x.subscribe(alice, {"a", {}, {output(1)}}));
  for (std::size_t i = 1; i < max_subscriptions_per_peer; ++i)
    CHECK(x.subscribe(alice, {std::to_string(i), {}, {output(2)}}));
  CHECK_FALSE(x.subscribe(alice, {"more", {}, {output(3)}}));
  CHECK(x.subscribe(alice, {"1", {}, {output(4)}}));
  CHECK(x.watchers_of(output(4), nullptr) == watchers{alice});
  CHECK_FALSE(x.subscribe(bob, {std::string(max_subscription_id_bytes + 1, 'x'), {}, {}}));
  CHECK_FALSE(x.subscribe(bob, {"a", {std::string(max_watched_address_bytes + 1, 'x')}, {}}));
  CHECK(x.watchers_of(output(2), nullptr) == watchers{alice});
}
