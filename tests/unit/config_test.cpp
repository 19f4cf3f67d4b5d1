#include "app/config.hpp"
#include "chain/keys.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace timenode;
using namespace timenode::app;

namespace {

const std::filesystem::path home{"/home/someone"};

node_config defaults() {
  return make_config({}, {}, home).value();
}

endpoint at(const char* text) {
  return endpoint::parse(text, 0).value();
}

std::string reason(const settings& over, const settings& under = {}) {
  const auto x = make_config(over, under, home);
  REQUIRE_FALSE(x);
  return x.error().reason;
}

std::string own_address(network_id network) {
  return chain::address_of(chain::key_pair::from_seed({}).public_key(), network);
}

}  // namespace

TEST_CASE("config: without any setting everything has its default") {
  const auto x = defaults();
  CHECK(x.network == network_id::testnet);
  CHECK(x.listen == at("0.0.0.0:24100"));
  CHECK_FALSE(x.external_address);
  CHECK(x.max_peers == 125);
  CHECK(x.bootstrap_peers.empty());
  CHECK(x.rpc_listen == at("127.0.0.1:24101"));
  CHECK(x.data_dir == "/home/someone/.timenode/testnet");
  CHECK(chain_directory(x) == "/home/someone/.timenode/testnet/chain");
  CHECK(x.logging == logging_config{});
  CHECK_FALSE(x.masternode.enabled);
  CHECK(x.masternode.tier == wire::masternode_tier::free);
  CHECK(x.masternode.key_file == "/home/someone/.timenode/testnet/masternode.key");
  CHECK(x.metrics.enabled);
  CHECK(x.metrics.listen == at("127.0.0.1:24102"));
}

TEST_CASE("config: ports and directory follow the network") {
  settings over;
  over.network = network_id::mainnet;
  const auto x = make_config(over, {}, home).value();
  CHECK(x.listen == at("0.0.0.0:24000"));
  CHECK(x.rpc_listen == at("127.0.0.1:24001"));
  CHECK(x.metrics.listen == at("127.0.0.1:24002"));
  CHECK(x.data_dir == "/home/someone/.timenode");
}

TEST_CASE("config: the command line goes over the file, key by key") {
  settings file;
  file.network = network_id::mainnet;
  file.listen = endpoint{at("192.0.2.1:1").ip, 0};
  file.max_peers = 7;
  file.bootstrap_peers = {at("192.0.2.7:5")};
  file.level = log_level::debug;
  settings line;
  line.network = network_id::testnet;
  line.bootstrap_peers = {at("192.0.2.8:6")};
  line.level = log_level::error;
  const auto x = make_config(line, file, home).value();
  CHECK(x.network == network_id::testnet);
  // The file's address, the port of the command line's network.
  CHECK(x.listen == at("192.0.2.1:24100"));
  CHECK(x.max_peers == 7);
  CHECK(x.bootstrap_peers == std::vector{at("192.0.2.8:6")});
  CHECK(x.logging.level == log_level::error);
}

TEST_CASE("config: an address on the command line switches a service on, with its own port") {
  settings file;
  file.rpc.enabled = false;
  file.rpc.port = 999;
  file.metrics.enabled = false;
  settings line;
  CHECK_FALSE(make_config(line, file, home)->rpc_listen);
  line.rpc.ip = at("127.0.0.5:1").ip;
  const auto x = make_config(line, file, home).value();
  CHECK(x.rpc_listen == at("127.0.0.5:24101"));
  CHECK_FALSE(x.metrics.enabled);
}

TEST_CASE("config: switching a service off on the command line goes over an address in the file") {
  settings file;
  file.rpc.ip = at("127.0.0.5:1").ip;
  file.rpc.enabled = true;
  settings line;
  line.rpc.enabled = false;
  CHECK_FALSE(make_config(line, file, home)->rpc_listen);
}

TEST_CASE("config: peers without a port have that of the network, whatever we listen on") {
  settings line;
  line.listen = at("0.0.0.0:5555");
  line.external_address = endpoint{at("198.51.100.9:1").ip, 0};
  line.bootstrap_peers = {endpoint{at("192.0.2.7:5").ip, 0}, host_name{"seed.example", 0},
                          host_name{"other.example", 77}};
  const auto x = make_config(line, {}, home).value();
  CHECK(x.external_address == at("198.51.100.9:5555"));
  CHECK(x.bootstrap_peers == std::vector{at("192.0.2.7:24100")});
  CHECK(x.bootstrap_hosts ==
        std::vector{host_name{"seed.example", 24100}, host_name{"other.example", 77}});
}

TEST_CASE("config: a peer that is named twice is one") {
  settings line;
  line.bootstrap_peers = {at("192.0.2.7:24100"), endpoint{at("192.0.2.7:5").ip, 0}};
  CHECK(make_config(line, {}, home)->bootstrap_peers.size() == 1);
}

TEST_CASE("config: ~ is the home directory, at the beginning only") {
  settings line;
  line.data_dir = "~/nodes/a~b";
  line.key_file = "~";
  line.log_file = "~/log";
  const auto x = make_config(line, {}, home).value();
  CHECK(x.data_dir == "/home/someone/nodes/a~b");
  CHECK(x.masternode.key_file == "/home/someone");
  CHECK(x.logging.file == "/home/someone/log");
  line.data_dir = "~other/x";
  CHECK(make_config(line, {}, home)->data_dir == "~other/x");
}

TEST_CASE("config: without a home directory only whole paths do") {
  settings line;
  const auto x = make_config(line, {}, {});
  REQUIRE_FALSE(x);
  CHECK(x.error().reason.find("HOME is not set") != std::string::npos);
  line.data_dir = "/var/lib/timenode";
  CHECK(make_config(line, {}, {})->masternode.key_file == "/var/lib/timenode/masternode.key");
}

TEST_CASE("config: a log file is used if it is wanted or nothing else is said") {
  settings file;
  file.log_file = "/x.log";
  CHECK(make_config({}, file, home)->logging.file == "/x.log");
  file.log_to_file = false;
  CHECK_FALSE(make_config({}, file, home)->logging.file);
  settings line;
  line.log_file = "/y.log";
  CHECK(make_config(line, file, home)->logging.file == "/y.log");
}

TEST_CASE("config: two listeners on one port are refused by name to who is about to listen, and to "
          "nobody else") {
  settings line;
  line.listen = at("127.0.0.1:5000");
  line.rpc.ip = at("127.0.0.1:1").ip;
  line.rpc.port = 5000;
  const auto checked = [&line] {
    const auto x = make_config(line, {}, home);
    REQUIRE(x);
    return check_listeners(*x);
  };
  REQUIRE_FALSE(checked());
  const auto why = checked().error().reason;
  CHECK(why.find("port 5000 is wanted twice") == 0);
  CHECK(why.find("network.listen_address") != std::string::npos);
  CHECK(why.find("rpc.listen_address") != std::string::npos);
  // An unspecified address takes the port of all.
  line.listen = at("0.0.0.0:5000");
  CHECK_FALSE(checked());
  line.listen = at("127.0.0.2:5000");
  CHECK(checked());
}

TEST_CASE("config: a reward address must be of the network") {
  settings line;
  line.reward_address = own_address(network_id::testnet);
  CHECK(make_config(line, {}, home)->masternode.reward_address == line.reward_address);
  line.network = network_id::mainnet;
  CHECK(reason(line).find("mainnet") != std::string::npos);
}

TEST_CASE("config: an address is an IP with or without a port") {
  CHECK(parse_address("192.0.2.1") == endpoint{at("192.0.2.1:1").ip, 0});
  CHECK(parse_address("192.0.2.1:80") == at("192.0.2.1:80"));
  CHECK(parse_address("::1") == endpoint{at("[::1]:1").ip, 0});
  CHECK(parse_address("[::1]") == endpoint{at("[::1]:1").ip, 0});
  CHECK(parse_address("[::1]:80") == at("[::1]:80"));
  for (const auto* wrong : {"", ":80", "host", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536",
                            "192.0.2.1:x", "192.0.2.256", "[::1", "[::1]80"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_address(wrong));
  }
}

TEST_CASE("config: a peer is an address or a host name, never a mistyped address") {
  CHECK(parse_peer("192.0.2.1:80") == peer_setting{at("192.0.2.1:80")});
  CHECK(parse_peer("seed1.time-coin.io:24000") ==
        peer_setting{host_name{"seed1.time-coin.io", 24000}});
  CHECK(parse_peer("localhost") == peer_setting{host_name{"localhost", 0}});
  for (const auto* wrong : {"", "192.0.2.256", "192.0.2", "1", "-x.example", "a b",
                            "host:", "host:0", "host:70000", "host:1:2", "http://host/"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_peer(wrong));
  }
  CHECK_FALSE(parse_peer(std::string(300, 'a')));
}

TEST_CASE("config: words are read in upper and lower case") {
  CHECK(parse_network("MainNet") == network_id::mainnet);
  CHECK_FALSE(parse_network("regtest"));
  CHECK(parse_log_level("WARN") == log_level::warn);
  CHECK_FALSE(parse_log_level("loud"));
  CHECK(parse_log_format("pretty") == log_format::text);
  CHECK(parse_log_format("JSON") == log_format::json);
  CHECK(parse_tier("Gold") == wire::masternode_tier::gold);
  CHECK_FALSE(parse_tier("platinum"));
}

TEST_CASE("config: another block time makes a private network, which wants signatures, and is none "
          "of mainnet") {
  settings line;
  CHECK(make_config(line, {}, "/h")->consensus == chain::consensus_rules{});
  line.block_time_seconds = 5;
  line.first_masternodes = 4;
  line.present_set_at = 0;
  const auto x = make_config(line, {}, "/h");
  REQUIRE(x);
  CHECK(x->consensus.block_time == 5);
  CHECK(x->consensus.is_private());
  CHECK(x->consensus.require_signatures);
  CHECK(x->consensus.first_masternodes == 4);
  CHECK_FALSE(x->consensus.present_set_at);
  CHECK(x->consensus.wanted_first() == 4);
  line.first_masternodes = 0;
  CHECK(make_config(line, {}, "/h")->consensus.wanted_first() == 3);
  CHECK_FALSE(chain::consensus_rules{}.wanted_first());
  line.require_signatures = false;
  CHECK_FALSE(make_config(line, {}, "/h")->consensus.require_signatures);
  line.network = network_id::mainnet;
  const auto refused = make_config(line, {}, "/h");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().reason.find("consensus.block_time_seconds = 5 is for private networks") ==
        0);
  line.block_time_seconds = 600;
  CHECK(make_config(line, {}, "/h"));
}
