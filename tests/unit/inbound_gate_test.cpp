// Who of those that connect is listened to: rates, groups, and whose handshake makes room.

#include "net/inbound_gate.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace timenode;
using namespace timenode::net;

namespace {

constexpr monotonic_ns second = 1'000'000'000;

/// A public address; every one of `group` 0..255 is a group of its own.
ip_address at(int group, int host = 1) {
  return ip_address::from_v4({20, static_cast<std::uint8_t>(group),
                              static_cast<std::uint8_t>(host / 256),
                              static_cast<std::uint8_t>(host % 256)});
}

inbound_limits small_limits() {
  return {.handshakes = 8, .per_second = 10, .burst = 100, .share_of_group = 0.25};
}

struct fixture {
  explicit fixture(inbound_limits limits = small_limits()) : gate{limits} {}

  /// Somebody connects. Returns its number, 0 if it is refused; what it pushed out is finished, as the registry does.
  link_id connect(const ip_address& ip, bool favoured = false) {
    last = gate.arrived(ip, favoured, now);
    if (last.refused)
      return 0;
    if (last.drop) {
      gate.finished(*last.drop);
      dropped.insert(*last.drop);
    }
    gate.begun(++last_id, ip, favoured);
    return last_id;
  }

  inbound_gate gate;
  inbound_gate::decision last;
  std::set<link_id> dropped;
  monotonic_ns now = second;
  link_id last_id = 0;
};

}  // namespace

TEST_CASE("silent handshakes keep nobody out: the oldest of them makes room for who comes next") {
  fixture x;
  link_id first = 0;
  for (int i = 0; i < 8; ++i) {
    const auto id = x.connect(at(i));
    first = first == 0 ? id : first;
  }
  CHECK(x.dropped.empty());
  CHECK(x.gate.under_way() == 8);
  CHECK(x.connect(at(100)) != 0);
  CHECK(x.dropped == std::set<link_id>{first});
  CHECK(x.gate.under_way() == 8);
}

TEST_CASE("the group that has most silent handshakes loses one, not the one that came first") {
  fixture x{{.handshakes = 8, .per_second = 10, .burst = 100, .share_of_group = 0.75}};
  const auto honest = x.connect(at(1));
  std::set<link_id> flood;
  for (int i = 0; i < 6; ++i)
    flood.insert(x.connect(at(2, i)));
  x.connect(at(3));
  CHECK(x.connect(at(4)) != 0);
  REQUIRE(x.dropped.size() == 1);
  CHECK(*x.dropped.begin() == *flood.begin());
  CHECK_FALSE(x.dropped.contains(honest));
}

TEST_CASE("one address group holds no more than its share of the handshakes, and pushes out only "
          "its own") {
  fixture x;
  const auto honest = x.connect(at(1));
  for (int i = 0; i < 20; ++i)
    CHECK(x.connect(at(2, i)) != 0);
  CHECK(x.gate.under_way() == 3);  // the honest one, and a quarter of eight
  CHECK_FALSE(x.dropped.contains(honest));
}

TEST_CASE("finished handshakes give their place back, and unknown numbers do nothing") {
  fixture x;
  for (int round = 0; round < 10; ++round)
    for (int i = 0; i < 8; ++i)
      x.gate.finished(x.connect(at(i)));
  CHECK(x.dropped.empty());
  CHECK(x.gate.under_way() == 0);
  x.gate.finished(12345);
  x.gate.finished(1);
  CHECK(x.gate.under_way() == 0);
}

TEST_CASE("connections beyond the rate are refused, and let in again as time goes on") {
  fixture x{{.handshakes = 1000, .per_second = 10, .burst = 20, .share_of_group = 1}};
  int admitted = 0;
  for (int i = 0; i < 100; ++i)
    admitted += x.connect(at(i)) != 0;
  CHECK(admitted == 20);
  CHECK(x.last.refused == inbound_refusal::rate);
  x.now += second;
  admitted = 0;
  for (int i = 0; i < 100; ++i)
    admitted += x.connect(at(i)) != 0;
  CHECK(admitted == 10);
}

TEST_CASE(
    "a group that connects too often is refused by itself and takes nothing from the others") {
  fixture x{{.handshakes = 1000, .per_second = 10, .burst = 40, .share_of_group = 0.25}};
  int admitted = 0;
  for (int i = 0; i < 1000; ++i)
    admitted += x.connect(at(1, i)) != 0;
  CHECK(admitted == 10);
  CHECK(x.last.refused == inbound_refusal::group_rate);
  for (int i = 2; i < 30; ++i)
    CHECK(x.connect(at(i)) != 0);
}

TEST_CASE("on a local network each address is a group of its own") {
  fixture x{{.handshakes = 100, .per_second = 10, .burst = 100, .share_of_group = 0.05}};
  int admitted = 0;
  for (int i = 1; i <= 100; ++i)
    admitted += x.connect(ip_address::from_v4({127, 0, 0, static_cast<std::uint8_t>(i)})) != 0;
  CHECK(admitted == 100);
}

TEST_CASE("those that we want or trust get in whatever happens, and make no room") {
  fixture x;
  const auto friendly = x.connect(at(1), true);
  for (int i = 0; i < 1000; ++i)
    x.connect(at(i % 250, 7));
  for (int i = 0; i < 50; ++i)
    CHECK(x.connect(at(2, 1000 + i), true) != 0);
  CHECK_FALSE(x.dropped.contains(friendly));
  x.gate.finished(friendly);
  CHECK(x.gate.under_way() == 8 + 50);
}

TEST_CASE("a flood from everywhere leaves each handshake a second, and costs bounded memory") {
  fixture x{inbound_limits{}};
  const auto began = x.now;
  const auto honest = [&] {  // connects when the flood has gone on for a while
    for (int i = 0; x.now < began + 20 * second; ++i, x.now += second / 2000)
      x.connect(ip_address::from_v4({static_cast<std::uint8_t>(1 + i % 100),
                                     static_cast<std::uint8_t>(i / 100 % 250), 1, 1}));
    link_id id = 0;
    for (; id == 0; x.now += second / 2000)
      id = x.connect(at(77));
    return id;
  }();
  const auto let_in = x.now;
  for (int i = 0; !x.dropped.contains(honest) && i < 100'000; ++i, x.now += second / 2000)
    x.connect(ip_address::from_v4(
        {static_cast<std::uint8_t>(1 + i % 100), static_cast<std::uint8_t>(i / 100 % 250), 2, 1}));
  CHECK(x.now - let_in > second);
  CHECK(x.gate.under_way() <= 257);
}

TEST_CASE("a larger node takes a whole network back at once") {
  fixture x{inbound_limits::for_peers(5000)};
  int admitted = 0;
  for (int i = 0; i < 5000; ++i)
    admitted += x.connect(ip_address::from_v4({127, 1, static_cast<std::uint8_t>(i / 250),
                                               static_cast<std::uint8_t>(i % 250 + 1)})) != 0;
  CHECK(admitted == 5000);
  CHECK(x.dropped.empty());
}
