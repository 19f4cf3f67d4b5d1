#include "net/slots.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace timenode;
using namespace timenode::net;

namespace {

slot_holder stranger(int number, std::int64_t since = 0) {
  slot_holder result;
  result.ip = *ip_address::parse("10." + std::to_string(number) + ".0.1");
  result.since = since;
  return result;
}

slot_holder masternode(int number) {
  auto result = stranger(number);
  result.masternode = true;
  return result;
}

} // namespace

TEST_CASE("anyone has a place while there is room") {
  CHECK(decide_slot(stranger(1), {}, 10).admitted);
}

TEST_CASE("strangers never take the 40 % that are kept for masternodes") {
  std::vector<slot_holder> holders;
  for (int i = 0; i < 6; ++i)
    holders.push_back(stranger(i, i));
  const auto decision = decide_slot(stranger(99), holders, 10);
  CHECK(decision.admitted);
  CHECK(decision.evict);
  CHECK(decide_slot(masternode(99), holders, 10).admitted);
  CHECK_FALSE(decide_slot(masternode(99), holders, 10).evict);
}

TEST_CASE("when all is full the youngest stranger that never proved useful makes room") {
  std::vector<slot_holder> holders;
  for (int i = 0; i < 6; ++i)
    holders.push_back(stranger(i, 100 + i));
  holders[5].useful = true;
  CHECK(decide_slot(stranger(99, 200), holders, 10).evict == holders[4].ip);
}

TEST_CASE("of strangers, those of the largest address group go first") {
  std::vector<slot_holder> holders;
  for (int i = 0; i < 4; ++i)
    holders.push_back(stranger(i, 100));
  for (int i = 1; i <= 2; ++i) {
    auto x = stranger(50, 10);
    x.ip = *ip_address::parse("10.50.0." + std::to_string(i));
    holders.push_back(x);
  }
  const auto evicted = decide_slot(stranger(99, 200), holders, 10).evict;
  REQUIRE(evicted);
  CHECK(evicted->group() == "10.50.0.0/16");
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
  CHECK(decide_slot(chosen, holders, 1).admitted);
}

TEST_CASE("a connected masternode is given up for nobody") {
  std::vector<slot_holder> holders;
  for (int i = 0; i < 10; ++i)
    holders.push_back(masternode(i));
  CHECK_FALSE(decide_slot(masternode(99), holders, 10).admitted);
  CHECK_FALSE(decide_slot(stranger(99), holders, 10).admitted);
  CHECK_FALSE(decide_slot(stranger(99), holders, 10).reason.empty());
}
