#include "app/host_names.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace timenode;
using namespace timenode::app;

namespace {

/// No system looks it up: a label has at most 63 letters.
const std::string impossible = std::string(64, 'x') + ".example";

}  // namespace

TEST_CASE("host names: a name becomes the addresses that the system has for it, with its port") {
  node_config x;
  x.bootstrap_hosts = {{"localhost", 77}};
  x.external_host = host_name{"localhost", 78};
  CHECK(resolve_hosts(x).empty());
  CHECK(x.bootstrap_hosts.empty());
  CHECK_FALSE(x.external_host);
  REQUIRE_FALSE(x.bootstrap_peers.empty());
  CHECK(std::all_of(x.bootstrap_peers.begin(), x.bootstrap_peers.end(),
                    [](const auto& peer) { return peer.ip.is_loopback() && peer.port == 77; }));
  REQUIRE(x.external_address);
  CHECK(x.external_address->port == 78);
}

TEST_CASE("host names: a name that leads to a known address adds nothing") {
  node_config x;
  x.bootstrap_hosts = {{"localhost", 77}};
  resolve_hosts(x);
  const auto once = x.bootstrap_peers;
  x.bootstrap_hosts = {{"localhost", 77}};
  resolve_hosts(x);
  CHECK(x.bootstrap_peers == once);
}

TEST_CASE("host names: a name that is not found is left out with a warning, the others stay") {
  node_config x;
  const auto known = endpoint::parse("192.0.2.1:5", 0).value();
  x.bootstrap_peers = {known};
  x.bootstrap_hosts = {{impossible, 77}};
  x.external_host = host_name{impossible, 78};
  const auto notices = resolve_hosts(x);
  REQUIRE(notices.size() == 2);
  for (const auto& notice : notices) {
    CHECK(notice.level == log_level::warn);
    CHECK(notice.text.find(impossible) != std::string::npos);
  }
  CHECK(x.bootstrap_peers == std::vector{known});
  CHECK_FALSE(x.external_address);
}
