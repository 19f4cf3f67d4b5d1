#include "net/direction.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <string>

using namespace timenode;

TEST_CASE("direction: the protocol's 144 cases") {
  std::ifstream file{TIMENODE_TEST_DATA "/vectors.json"};
  REQUIRE(file);
  auto cases = nlohmann::json::parse(file).at("direction");
  REQUIRE(cases.size() == 144);
  for (const auto& x : cases) {
    auto local = x.at("local").get<std::string>();
    auto peer = x.at("peer").get<std::string>();
    CAPTURE(local);
    CAPTURE(peer);
    CHECK(net::local_dials(local, peer) == x.at("local_dials").get<bool>());
  }
}

TEST_CASE("direction: of two different addresses exactly one dials") {
  const auto texts = {"9.9.9.9",         "10.0.0.1", "192.0.2.1",   "192.0.2.10",
                      "255.255.255.255", "::1",      "2001:db8::1", "2001:db8::10"};
  for (auto a : texts)
    for (auto b : texts) {
      auto x = ip_address::parse(a).value();
      auto y = ip_address::parse(b).value();
      CHECK(net::local_dials(x, y) == (x > y));
      CHECK((net::local_dials(x, y) != net::local_dials(y, x)) == (x != y));
    }
}

TEST_CASE("direction: numbers decide, not texts") {
  CHECK(net::local_dials("10.0.0.1", "9.9.9.9"));
  CHECK_FALSE(net::local_dials("9.9.9.9", "10.0.0.1"));
  CHECK(net::local_dials("::1", "255.255.255.255"));
}

TEST_CASE("direction: an IPv4-mapped address is the IPv4 address") {
  CHECK_FALSE(net::local_dials("::ffff:9.9.9.9", "10.0.0.1"));
  CHECK_FALSE(net::local_dials("::ffff:9.9.9.9", "9.9.9.9"));
}

TEST_CASE("direction: texts that are no addresses are compared as texts") {
  CHECK(net::local_dials("node-b", "node-a"));
  CHECK_FALSE(net::local_dials("node-a", "node-a"));
  CHECK(net::local_dials("node-a", "10.0.0.1"));
}

TEST_CASE("direction: who does not know its own address may dial anyone") {
  CHECK(net::local_dials(std::nullopt, "255.255.255.255"));
  CHECK(net::local_dials(std::nullopt, "node-a"));
}
