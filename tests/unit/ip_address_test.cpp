#include "messages/ip_address.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <unordered_set>
#include <vector>

using namespace timenode;

namespace {

ip_address ip(std::string_view text) {
  auto result = ip_address::parse(text);
  REQUIRE_MESSAGE(result, text);
  return *result;
}

}  // namespace

TEST_CASE("addresses are parsed and written in canonical form") {
  CHECK(ip("192.0.2.1").to_string() == "192.0.2.1");
  CHECK(ip("0.0.0.0").to_string() == "0.0.0.0");
  CHECK(ip("255.255.255.255").to_string() == "255.255.255.255");
  CHECK(ip("2001:DB8:0:0:0:0:0:1").to_string() == "2001:db8::1");
  CHECK(ip("2001:db8:0:1:1:1:1:1").to_string() == "2001:db8:0:1:1:1:1:1");
  CHECK(ip("2001:0:0:1:0:0:0:1").to_string() == "2001:0:0:1::1");
  CHECK(ip("::").to_string() == "::");
  CHECK(ip("::1").to_string() == "::1");
  CHECK(ip("[2001:db8::1]").to_string() == "2001:db8::1");
  CHECK(ip("fe80::1%eth0") == ip("fe80::1"));
  CHECK(ip("[fe80::1%eth0]") == ip("fe80::1"));
}

TEST_CASE("an IPv4-mapped address is the IPv4 address") {
  CHECK(ip("::ffff:192.0.2.1") == ip("192.0.2.1"));
  CHECK(ip("[::FFFF:c000:0201]") == ip("192.0.2.1"));
  CHECK(ip("::ffff:192.0.2.1").is_v4());
  CHECK(ip("::ffff:192.0.2.1").to_string() == "192.0.2.1");
  CHECK(ip_address::from_v6(ip("192.0.2.1").v6_bytes()) == ip("192.0.2.1"));
  // Compatible and translated forms are addresses of their own.
  CHECK(ip("::192.0.2.1") != ip("192.0.2.1"));
  CHECK(ip("64:ff9b::192.0.2.1") != ip("192.0.2.1"));
}

TEST_CASE("bytes go in and come out in network order") {
  CHECK(ip_address::from_v4({192, 0, 2, 1}) == ip("192.0.2.1"));
  CHECK(ip("192.0.2.1").v4_bytes() == std::array<std::uint8_t, 4>{192, 0, 2, 1});
  auto bytes = ip("2001:db8::1").v6_bytes();
  CHECK(bytes[0] == 0x20);
  CHECK(bytes[1] == 0x01);
  CHECK(bytes[15] == 1);
  CHECK(ip_address::from_v6(bytes) == ip("2001:db8::1"));
}

TEST_CASE("what is not an address is refused") {
  for (std::string_view text : {"",
                                " ",
                                "1.2.3",
                                "1.2.3.4.5",
                                "01.2.3.4",
                                "1.2.3.256",
                                "1.2.3.-4",
                                "1.2.3.4 ",
                                " 1.2.3.4",
                                "1.2.3.4\n",
                                "0x1.2.3.4",
                                "1.2.3.4:80",
                                "[1.2.3.4]",
                                "1.2.3.4%eth0",
                                "localhost",
                                "example.org",
                                ":",
                                ":::",
                                "1::2::3",
                                "2001:db8::1 ",
                                "2001:db8::g",
                                "[2001:db8::1",
                                "2001:db8::1]",
                                "[]",
                                "[::1]:80",
                                "%eth0",
                                "::ffff:1.2.3",
                                "12345::",
                                "1:2:3:4:5:6:7:8:9",
                                "16909060"})
    CHECK_MESSAGE(!ip_address::parse(text), text);
  CHECK(!ip_address::parse(std::string_view{"1.2.3.4\0", 8}));
  CHECK(!ip_address::parse(std::string_view{"::1\0", 4}));
  CHECK(!ip_address::parse(std::string(100'000, ':')));
}

TEST_CASE("an address is read from a view that has no terminator") {
  std::string_view text = "192.0.2.15";
  CHECK(ip_address::parse(text.substr(0, 9)) == ip("192.0.2.1"));
}

TEST_CASE("addresses are ordered as the direction rule wants") {
  std::vector<ip_address> ascending{
      ip("0.0.0.0"),     ip("9.0.0.0"),      ip("10.0.0.0"),        ip("10.0.0.9"), ip("10.0.0.10"),
      ip("192.0.2.1"),   ip("255.0.0.0"),    ip("255.255.255.255"), ip("::"),       ip("::1"),
      ip("2001:db8::1"), ip("2001:db8::10"), ip("2001:db8:1::")};
  auto shuffled = ascending;
  std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937{1});
  std::sort(shuffled.begin(), shuffled.end());
  CHECK(shuffled == ascending);
  CHECK(std::adjacent_find(ascending.begin(), ascending.end()) == ascending.end());
}

TEST_CASE("special addresses are told apart") {
  CHECK(ip_address{}.is_unspecified());
  CHECK(ip_address{} == ip("0.0.0.0"));
  CHECK(ip("::").is_unspecified());
  CHECK(!ip("0.0.0.1").is_unspecified());
  CHECK(ip("127.0.0.1").is_loopback());
  CHECK(ip("127.255.0.1").is_loopback());
  CHECK(ip("::1").is_loopback());
  CHECK(ip("::ffff:127.0.0.1").is_loopback());
  CHECK(!ip("128.0.0.1").is_loopback());
  CHECK(!ip("::2").is_loopback());
  for (auto host : {"192.0.2.1", "127.0.0.1", "223.255.255.255", "2001:db8::1", "fe80::1", "::1"})
    CHECK_MESSAGE(ip(host).is_unicast(), host);
  for (auto other : {"0.0.0.0", "::", "224.0.0.1", "239.1.2.3", "255.255.255.255", "ff02::1"})
    CHECK_MESSAGE(!ip(other).is_unicast(), other);
}

TEST_CASE("an address is in the group of its operator") {
  CHECK(ip("192.0.2.1").group() == "192.0.0.0/16");
  CHECK(ip("192.0.255.9").group() == "192.0.0.0/16");
  CHECK(ip("192.1.2.1").group() == "192.1.0.0/16");
  CHECK(ip("2001:db8:1:2::3").group() == "2001:db8::/32");
  CHECK(ip("2001:db9::").group() == "2001:db9::/32");
  CHECK(ip("::ffff:192.0.2.1").group() == "192.0.0.0/16");
}

TEST_CASE("equal addresses have equal hashes, neighbours different ones") {
  std::hash<ip_address> hash;
  CHECK(hash(ip("::ffff:192.0.2.1")) == hash(ip("192.0.2.1")));
  std::unordered_set<std::size_t> low_bits;
  for (unsigned i = 0; i < 256; ++i)
    low_bits.insert(hash(ip_address::from_v4({10, 0, 0, static_cast<std::uint8_t>(i)})) % 1024);
  // 226 of 256 is what random numbers would give.
  CHECK(low_bits.size() > 200);
}

TEST_CASE("endpoints are parsed with and without a port") {
  CHECK(endpoint::parse("192.0.2.1:24100", 0) == endpoint{ip("192.0.2.1"), 24100});
  CHECK(endpoint::parse("192.0.2.1", 24100) == endpoint{ip("192.0.2.1"), 24100});
  CHECK(endpoint::parse("[2001:db8::1]:1", 24100) == endpoint{ip("2001:db8::1"), 1});
  CHECK(endpoint::parse("[2001:db8::1]", 24100) == endpoint{ip("2001:db8::1"), 24100});
  CHECK(endpoint::parse("2001:db8::1", 24100) == endpoint{ip("2001:db8::1"), 24100});
  CHECK(endpoint::parse("[fe80::1%eth0]:65535", 0) == endpoint{ip("fe80::1"), 65535});
  CHECK(endpoint::parse("[::ffff:192.0.2.1]:7", 0) == endpoint{ip("192.0.2.1"), 7});
}

TEST_CASE("an endpoint that is none says why") {
  auto why = [](std::string_view text, std::uint16_t default_port = 24100) {
    auto result = endpoint::parse(text, default_port);
    REQUIRE_MESSAGE(!result, text);
    return result.error().reason;
  };
  for (auto port :
       {"", "0", "00", "01", "65536", "-1", "+1", "1 ", " 1", "0x1", "a", "99999999999999"}) {
    CHECK(why(std::string{"192.0.2.1:"} + port).ends_with("a number from 1 to 65535"));
    CHECK(why(std::string{"[2001:db8::1]:"} + port).ends_with("a number from 1 to 65535"));
  }
  CHECK(why("192.0.2.1", 0) == "'192.0.2.1' lacks a port");
  CHECK(why("[::1") == "'[::1' has a '[' without a ']'");
  CHECK(why("[::1]80") == "'[::1]80' has something other than a port behind its ']'");
  CHECK(why("example.org:80").find("names are not resolved") != std::string::npos);
  for (auto text : {"", ":", ":80", "[]:80", "192.0.2.1:80:90", "192.0.2:80", "[192.0.2.1]:80"})
    CHECK(why(text).find("is not an IP address") != std::string::npos);
  // What others send is not repeated at length.
  CHECK(why(std::string(100'000, 'x')).size() < 200);
}

TEST_CASE("endpoints are written so that they can be parsed again") {
  for (auto text : {"192.0.2.1:24100", "[2001:db8::1]:1", "[::]:65535"})
    CHECK(endpoint::parse(text, 0)->to_string() == text);
}
