#include "actors/address_rules.hpp"
#include "net/address_scope.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace timenode::net;
using enum address_scope;

namespace {

ip_address ip(const char* text) {
  return ip_address::parse(text).value();
}

}  // namespace

TEST_CASE("an address tells from where it can be reached") {
  const std::pair<const char*, address_scope> cases[]{
      {"8.8.8.8", global},
      {"172.15.255.255", global},
      {"172.32.0.0", global},
      {"100.63.255.255", global},
      {"100.128.0.0", global},
      {"198.17.255.255", global},
      {"198.20.0.0", global},
      {"223.255.255.255", global},
      {"2a00:1450::1", global},
      {"2600::1", global},
      {"127.0.0.1", loopback},
      {"127.255.255.255", loopback},
      {"::1", loopback},
      {"169.254.1.1", link_local},
      {"fe80::1", link_local},
      {"febf::1", link_local},
      {"10.0.0.1", private_use},
      {"172.16.0.1", private_use},
      {"172.31.255.255", private_use},
      {"192.168.255.1", private_use},
      {"fc00::1", private_use},
      {"fdff::1", private_use},
      {"100.64.0.1", shared},
      {"100.127.255.255", shared},
      {"192.0.2.1", documentation},
      {"198.51.100.1", documentation},
      {"203.0.113.1", documentation},
      {"2001:db8::1", documentation},
      {"3fff:fff::1", documentation},
      {"0.0.0.0", reserved},
      {"0.1.2.3", reserved},
      {"192.0.0.8", reserved},
      {"192.88.99.1", reserved},
      {"198.18.0.1", reserved},
      {"198.19.255.255", reserved},
      {"224.0.0.1", reserved},
      {"240.0.0.1", reserved},
      {"255.255.255.255", reserved},
      {"::", reserved},
      {"100::1", reserved},
      {"64:ff9b::808:808", reserved},
      {"2001::1", reserved},
      {"2002:a00:1::1", reserved},
      {"fec0::1", reserved},
      {"ff02::1", reserved},
      {"4000::1", reserved},
  };
  for (const auto& [text, scope] : cases)
    CHECK_MESSAGE(scope_of(ip(text)) == scope, text);
}

TEST_CASE("addresses of one owner are one group, and every local address is its own") {
  CHECK(group_of(ip("20.1.2.3")) == group_of(ip("20.1.200.1")));
  CHECK(group_of(ip("20.1.2.3")) != group_of(ip("20.2.2.3")));
  CHECK(group_of(ip("2a00:1450:1::1")) == group_of(ip("2a00:1450:ffff::1")));
  CHECK(group_of(ip("2a00:1450::1")) != group_of(ip("2a00:1451::1")));
  for (const auto* text : {"127.0.0.2", "10.1.2.3", "192.168.1.1", "100.64.1.1", "fd00::1"})
    CHECK(group_of(ip(text)) == ip(text));
}

TEST_CASE("a public node, or one that does not know where it is, dials no address because a "
          "stranger named it, unless "
          "it is public") {
  for (const auto& ours : {std::optional{ip("8.8.8.8")}, std::optional<ip_address>{}}) {
    for (const auto* text :
         {"127.0.0.1", "10.0.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "192.0.2.1",
          "198.18.0.1", "0.0.0.0", "224.0.0.1", "::1", "fe80::1", "fd00::1", "2002:a00:1::1"})
      CHECK_MESSAGE(!is_possible_peer(ip(text), ours), text);
    CHECK(is_possible_peer(ip("20.1.2.3"), ours));
  }
  CHECK_FALSE(is_possible_peer(ip("8.8.8.8"), ip("8.8.8.8")));
}

TEST_CASE("a node in a private network or on loopback may have neighbours there, and no others "
          "that are local") {
  CHECK(is_possible_peer(ip("127.0.0.2"), ip("127.0.0.1")));
  CHECK(is_possible_peer(ip("10.1.2.3"), ip("192.168.0.1")));
  CHECK_FALSE(is_possible_peer(ip("127.0.0.2"), ip("10.0.0.1")));
  CHECK_FALSE(is_possible_peer(ip("10.0.0.1"), ip("127.0.0.1")));
  CHECK(is_possible_peer(ip("20.1.2.3"), ip("127.0.0.1")));
}
