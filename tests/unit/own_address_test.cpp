// Which address is our own: told, seen at our sockets, or heard from peers.

#include "net/own_address.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace timenode::net;
using source = own_address::source;

namespace {

ip_address ip(const char* text) {
  return ip_address::parse(text).value();
}

/// Peers in groups of their own.
const auto peer_1 = ip("20.1.0.1");
const auto peer_2 = ip("20.2.0.1");
const auto peer_3 = ip("20.3.0.1");
const auto peer_4 = ip("20.4.0.1");
const auto ours = ip("30.0.0.7");

}  // namespace

TEST_CASE("what the operator says is not asked again") {
  own_address x{ours, source::configured};
  CHECK_FALSE(x.dialed(peer_1, ip("40.0.0.1")));
  for (const auto& peer : {peer_1, peer_2, peer_3})
    CHECK_FALSE(x.told(peer, ip("40.0.0.1")));
  CHECK(x.ip() == ours);
  CHECK(x.how() == source::configured);
}

TEST_CASE("not to know is a legal state, and says why") {
  own_address x;
  CHECK_FALSE(x.ip());
  CHECK(x.how() == source::unknown);
  CHECK(x.explain().find("external_address") != std::string_view::npos);
}

TEST_CASE("a public address at our end of a dial is ours at once") {
  own_address x;
  CHECK(x.dialed(peer_1, ours));
  CHECK(x.ip() == ours);
  CHECK(x.how() == source::socket);
  CHECK_FALSE(x.dialed(peer_2, ours));
}

TEST_CASE("an address behind a translator, or of a test network, is not taken for ours") {
  own_address x;
  CHECK_FALSE(x.dialed(peer_1, ip("192.168.1.5")));
  CHECK_FALSE(x.dialed(peer_2, ip("10.0.0.5")));
  CHECK_FALSE(x.dialed(peer_3, ip("127.0.0.1")));
  CHECK_FALSE(x.dialed(ip("127.0.0.2"), ip("127.0.0.1")));
  CHECK_FALSE(x.ip());
}

TEST_CASE("a dial that reached ourselves proves our address, whatever kind it is") {
  own_address x;
  CHECK(x.dialed(ip("127.0.0.1"), ip("127.0.0.1")));
  CHECK(x.ip() == ip("127.0.0.1"));
  CHECK(x.how() == source::met_self);
  CHECK_FALSE(x.dialed(peer_1, ours));
}

TEST_CASE(
    "three peers of different groups that agree are believed, two or three neighbours are not") {
  own_address x;
  CHECK_FALSE(x.told(peer_1, ours));
  CHECK_FALSE(x.told(peer_2, ours));
  CHECK_FALSE(x.told(ip("20.2.0.2"), ours));
  CHECK_FALSE(x.told(ip("20.2.9.9"), ours));
  CHECK(x.told(peer_3, ours));
  CHECK(x.ip() == ours);
  CHECK(x.how() == source::peers);
}

TEST_CASE("peers that do not agree are believed only if two thirds of their groups do") {
  own_address x;
  x.told(peer_1, ip("40.0.0.1"));
  x.told(peer_2, ip("40.0.0.2"));
  x.told(peer_3, ours);
  x.told(peer_4, ours);
  x.told(ip("20.5.0.1"), ours);
  CHECK_FALSE(x.ip());  // three of five
  x.told(ip("20.6.0.1"), ours);
  CHECK(x.ip() == ours);  // four of six
}

TEST_CASE("peers cannot talk us into an address that nobody can have") {
  own_address x;
  for (const auto* nonsense :
       {"10.0.0.1", "127.0.0.1", "0.0.0.0", "224.0.0.1", "192.0.2.1", "fe80::1"})
    for (const auto& peer : {peer_1, peer_2, peer_3, peer_4})
      x.told(peer, ip(nonsense));
  CHECK_FALSE(x.ip());
  // Nor do neighbours on a local network know how the world sees us.
  for (const auto* neighbour : {"192.168.0.1", "192.168.1.1", "10.0.0.1"})
    x.told(ip(neighbour), ours);
  CHECK_FALSE(x.ip());
}

TEST_CASE("our own sockets are believed before peers") {
  own_address x;
  for (const auto& peer : {peer_1, peer_2, peer_3})
    x.told(peer, ip("40.0.0.1"));
  CHECK(x.ip() == ip("40.0.0.1"));
  CHECK(x.dialed(peer_1, ours));
  CHECK(x.ip() == ours);
}

TEST_CASE(
    "an address that changed is noticed by the new connections, and stays while there are none") {
  own_address x;
  x.dialed(peer_1, ours);
  x.dialed(peer_2, ours);
  CHECK_FALSE(x.gone(peer_1));
  CHECK_FALSE(x.gone(peer_2));
  CHECK(x.ip() == ours);
  CHECK(x.dialed(peer_1, ip("30.0.0.8")));
  CHECK(x.ip() == ip("30.0.0.8"));
}

TEST_CASE("a machine with two public addresses keeps to one of them") {
  own_address x;
  x.dialed(peer_1, ours);
  CHECK_FALSE(x.dialed(peer_2, ip("30.0.0.8")));
  CHECK(x.ip() == ours);
  CHECK(x.dialed(peer_3, ip("30.0.0.8")));  // most dials come from there
  CHECK_FALSE(x.dialed(peer_4, ours));      // as many: no change
  CHECK(x.ip() == ip("30.0.0.8"));
}
