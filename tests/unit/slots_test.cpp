// Who gets a place when places are few, and who goes for it.

#include "net/slots.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace timenode;
using namespace timenode::net;

namespace {

constexpr monotonic_ns second = 1'000'000'000;

/// In an address group of its own.
slot_holder stranger(int number, monotonic_ns since = 0) {
  slot_holder result;
  result.ip = *ip_address::parse("20." + std::to_string(number) + ".0.1");
  result.since = since;
  return result;
}

slot_holder neighbour(int group, int number, monotonic_ns since = 0) {
  auto result = stranger(group, since);
  result.ip = ip_address::from_v4(
      {20, static_cast<std::uint8_t>(group), 1, static_cast<std::uint8_t>(number)});
  return result;
}

slot_holder masternode(int number, monotonic_ns since = 0) {
  auto result = stranger(number, since);
  result.masternode = true;
  return result;
}

slot_holder useful(slot_holder x) {
  x.useful = true;
  return x;
}

std::vector<slot_holder> strangers(int count) {
  std::vector<slot_holder> result;
  for (int i = 0; i < count; ++i)
    result.push_back(stranger(i, 100 + i));
  return result;
}

}  // namespace

// -- room -------------------------------------------------------------------------------

TEST_CASE("anyone has a place while there is room") {
  CHECK(decide_slot(stranger(1), {}, 10).admitted);
  const auto nine = strangers(9);
  CHECK(decide_slot(stranger(99), nine, 10).admitted);
  CHECK_FALSE(decide_slot(stranger(99), nine, 10).evict);
}

TEST_CASE("when all is full the youngest stranger that never proved useful makes room") {
  auto holders = strangers(10);
  holders[9] = useful(holders[9]);
  const auto decision = decide_slot(stranger(99, 200), holders, 10);
  CHECK(decision.admitted);
  CHECK(decision.evict == holders[8].ip);
  CHECK(decision.reason.find("10 places") != std::string::npos);
}

TEST_CASE("peers that all proved useful are given up for no stranger") {
  auto holders = strangers(10);
  for (auto& x : holders)
    x = useful(x);
  const auto decision = decide_slot(stranger(99, 200), holders, 10);
  CHECK_FALSE(decision.admitted);
  CHECK_FALSE(decision.reason.empty());
}

TEST_CASE("configured peers take no place, are always admitted and never evicted") {
  std::vector<slot_holder> holders;
  for (int i = 0; i < 50; ++i) {
    holders.push_back(stranger(i));
    holders.back().configured = true;
  }
  CHECK(decide_slot(stranger(99), holders, 10).admitted);
  CHECK_FALSE(decide_slot(stranger(99), holders, 10).evict);
  auto chosen = stranger(98);
  chosen.configured = true;
  CHECK(decide_slot(chosen, strangers(5), 1).admitted);
}

TEST_CASE("a trusted peer always gets a place, even a useful one's, and keeps it") {
  auto holders = strangers(10);
  for (auto& x : holders)
    x = useful(x);
  auto friendly = stranger(99);
  friendly.trusted = true;
  const auto decision = decide_slot(friendly, holders, 10);
  CHECK(decision.admitted);
  CHECK(decision.evict == holders[9].ip);
  for (auto& x : holders)
    x.trusted = true;
  CHECK_FALSE(decide_slot(stranger(99), holders, 10).admitted);
}

// -- masternodes --------------------------------------------------------------------------

TEST_CASE("a masternode gets a place even of a useful stranger, while masternodes hold less than "
          "their share") {
  auto holders = strangers(10);
  for (auto& x : holders)
    x = useful(x);
  const auto decision = decide_slot(masternode(99), holders, 10);
  CHECK(decision.admitted);
  CHECK(decision.privileged);
  CHECK(decision.evict == holders[9].ip);
}

TEST_CASE(
    "masternodes beyond their share are strangers: whoever runs hundreds does not get all places") {
  std::vector<slot_holder> holders;
  for (int i = 0; i < 10; ++i)
    holders.push_back(masternode(i, 100 + i));  // 4 of 10 are the share
  const auto decision = decide_slot(stranger(99, 500), holders, 10);
  CHECK(decision.admitted);
  CHECK(decision.evict == holders[9].ip);  // the youngest of the six beyond
  CHECK(decide_slot(masternode(98, 500), holders, 10).evict == holders[9].ip);
  CHECK_FALSE(decide_slot(masternode(98, 500), holders, 10).privileged);
}

TEST_CASE("within their share connected masternodes are given up for nobody") {
  std::vector<slot_holder> holders;
  for (int i = 0; i < 4; ++i)
    holders.push_back(masternode(i, 1000 + i));
  for (int i = 4; i < 10; ++i)
    holders.push_back(useful(stranger(i)));
  CHECK_FALSE(decide_slot(stranger(99), holders, 10).admitted);
  CHECK_FALSE(decide_slot(masternode(99), holders, 10).admitted);
  for (int i = 0; i < 4; ++i)
    CHECK(decide_slot(stranger(99), holders, 10).evict != holders[static_cast<std::size_t>(i)].ip);
}

TEST_CASE("strangers take every place that no masternode wants") {
  CHECK_FALSE(decide_slot(stranger(99), strangers(9), 10).evict);
}

// -- groups ---------------------------------------------------------------------------------

TEST_CASE("of strangers, those of the largest address group go first") {
  auto holders = strangers(7);
  for (int i = 1; i <= 3; ++i)
    holders.push_back(neighbour(50, i, 10));
  const auto evicted = decide_slot(stranger(99, 200), holders, 10).evict;
  REQUIRE(evicted);
  CHECK(evicted->group() == "20.50.0.0/16");
}

TEST_CASE("strangers of one group hold no more than a quarter of the places, and then take only "
          "each other's") {
  CHECK(group_limit(10) == 8);
  CHECK(group_limit(125) == 32);
  std::vector<slot_holder> holders{stranger(1, 5)};
  for (int i = 0; i < 8; ++i)
    holders.push_back(neighbour(50, i, 100 + i));
  const auto decision = decide_slot(neighbour(50, 99, 500), holders, 10);  // one place is free
  CHECK(decision.admitted);
  CHECK(decision.evict == holders.back().ip);
  for (auto& x : holders)
    x = useful(x);
  CHECK_FALSE(decide_slot(neighbour(50, 99), holders, 10).admitted);
  CHECK(decide_slot(stranger(2), holders, 10).admitted);
}

TEST_CASE("the group's share limits strangers only, and no local network") {
  std::vector<slot_holder> holders;
  for (int i = 0; i < 30; ++i)
    holders.push_back(neighbour(50, i));
  auto x = neighbour(50, 99);
  x.masternode = true;
  CHECK_FALSE(decide_slot(x, holders, 100).evict);
  std::vector<slot_holder> local;
  for (int i = 1; i <= 90; ++i) {
    local.push_back(stranger(0));
    local.back().ip = ip_address::from_v4({127, 0, 0, static_cast<std::uint8_t>(i)});
  }
  auto next = stranger(0);
  next.ip = *ip_address::parse("127.0.0.200");
  CHECK_FALSE(decide_slot(next, local, 100).evict);
}

// -- attackers --------------------------------------------------------------------------------

TEST_CASE("whoever dials us cannot push out the oldest of those that we dialed") {
  std::vector<slot_holder> holders;
  for (int i = 0; i < 10; ++i) {
    holders.push_back(stranger(i, 100 + i));
    holders.back().dialed = true;
  }
  for (int i = 0; i < 2; ++i) {  // two beyond the eight that are protected
    const auto decision = decide_slot(stranger(90 + i, 900 + i), holders, 10);
    REQUIRE(decision.evict);
    auto gone = std::ranges::find(holders, *decision.evict, &slot_holder::ip);
    REQUIRE(gone != holders.end());
    CHECK(gone->since >= 108);
    *gone = useful(stranger(90 + i, 900 + i));
  }
  CHECK_FALSE(decide_slot(stranger(99, 999), holders, 10).admitted);
}

TEST_CASE("strangers that come and go all the time cost nobody his place but now and then") {
  slot_policy policy{10};
  const auto holders = strangers(10);
  int admitted = 0;
  const monotonic_ns hour = 3600 * second;
  for (monotonic_ns now = second; now < hour; now += second / 10)
    admitted += policy.decide(stranger(99, now), holders, now).admitted;
  CHECK(admitted > 25);
  CHECK(admitted <= 4 + 30);
  // A masternode gets in whenever it comes.
  CHECK(policy.decide(masternode(98), holders, hour).admitted);
}
