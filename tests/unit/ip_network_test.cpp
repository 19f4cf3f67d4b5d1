#include "messages/ip_network.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace timenode;

namespace {

ip_address ip(const char* text) {
  return ip_address::parse(text).value();
}

std::string parsed(const char* text) {
  const auto x = ip_network::parse(text);
  return x ? x->to_string() : "no: " + x.error().reason;
}

}  // namespace

TEST_CASE("a network is written as an address with the number of bits, a mask, or alone") {
  CHECK(parsed("192.0.2.7") == "192.0.2.7/32");
  CHECK(parsed("192.0.2.0/24") == "192.0.2.0/24");
  CHECK(parsed("192.0.2.0/255.255.255.0") == "192.0.2.0/24");
  CHECK(parsed("10.0.0.0/0.0.0.0") == "0.0.0.0/0");
  CHECK(parsed("2001:db8::1") == "2001:db8::1/128");
  CHECK(parsed("2001:db8::/32") == "2001:db8::/32");
}

TEST_CASE("bits behind the mask are dropped, since operators write the address that they saw") {
  CHECK(parsed("192.0.2.7/24") == "192.0.2.0/24");
  CHECK(parsed("192.0.2.7/30") == "192.0.2.4/30");
  CHECK(parsed("192.0.2.7/0") == "0.0.0.0/0");
  CHECK(parsed("2001:db8:ffff::1/33") == "2001:db8:8000::/33");
}

TEST_CASE("an IPv4-mapped network is the IPv4 network") {
  CHECK(parsed("::ffff:192.0.2.7") == "192.0.2.7/32");
  CHECK(parsed("::ffff:192.0.2.0/120") == "192.0.2.0/24");
  CHECK(parsed("::ffff:192.0.2.0/24").starts_with("no: "));
}

TEST_CASE("what is no network is refused with the text and the reason") {
  for (const auto* text : {"", "/", "/24", "192.0.2.7/", "192.0.2.7/33", "192.0.2.7/-1",
                           "192.0.2.7/+1", "192.0.2.7/8 ", "192.0.2.7/255.0.255.0",
                           "2001:db8::/129", "2001:db8::/255.0.0.0", "example.org/24", "192.0.2"}) {
    const auto x = parsed(text);
    CHECK_MESSAGE(x.starts_with("no: "), text << " gave " << x);
    CHECK(x.find(text) != x.npos);
  }
}

TEST_CASE("a network holds its own addresses and no others, and never those of the other family") {
  const auto net = ip_network::parse("192.0.2.64/26").value();
  CHECK(net.contains(ip("192.0.2.64")));
  CHECK(net.contains(ip("192.0.2.127")));
  CHECK_FALSE(net.contains(ip("192.0.2.63")));
  CHECK_FALSE(net.contains(ip("192.0.2.128")));
  CHECK_FALSE(net.contains(ip("::1")));
  CHECK(ip_network::parse("0.0.0.0/0")->contains(ip("203.0.113.9")));
  CHECK_FALSE(ip_network::parse("0.0.0.0/0")->contains(ip("2001:db8::1")));
  CHECK(ip_network::parse("2001:db8::/32")->contains(ip("2001:db8:1::1")));
  CHECK_FALSE(ip_network::parse("2001:db8::/32")->contains(ip("2001:db9::1")));
  CHECK(ip_network{ip("192.0.2.7")}.contains(ip("::ffff:192.0.2.7")));
}

TEST_CASE("people see a single address without its bits") {
  CHECK(ip_network{ip("192.0.2.7")}.to_short_string() == "192.0.2.7");
  CHECK(ip_network::parse("192.0.2.0/24")->to_short_string() == "192.0.2.0/24");
  CHECK(ip_network{ip("192.0.2.7")}.is_host());
}
