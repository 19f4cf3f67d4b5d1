#include "app/config_file.hpp"
#include "app/config_keys.hpp"
#include "chain/keys.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

using namespace timenode;
using namespace timenode::app;

namespace {

file_settings read(const std::string& text) {
  auto x = parse_config(text, "a.toml");
  if (!x)
    FAIL(x.error().reason);
  return std::move(*x);
}

std::string refusal(const std::string& text) {
  const auto x = parse_config(text, "a.toml");
  REQUIRE_FALSE(x);
  return x.error().reason;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

endpoint at(const char* text) {
  return endpoint::parse(text, 0).value();
}

/// The file that the deployed daemon comes with, in its form if not in its words.
constexpr auto daemon_file = R"([node]
name = "a node"
version = "0.1.0"
network = "mainnet"

[network]
listen_address = "0.0.0.0"  # the port follows from the network
max_peers = 50
enable_upnp = false
enable_peer_discovery = true
bootstrap_peers = [
    "seed1.time-coin.io:24000",
    "192.0.2.7",
]

[rpc]
enabled = true
listen_address = "127.0.0.1"
allow_origins = ["http://localhost:3000"]

[storage]
backend = "sled"
data_dir = "./data/mainnet"
cache_size_mb = 512

[consensus]
voting_timeout_ms = 3000
min_masternodes = 10
quorum_percentage = 67

[block]
block_time_seconds = 600
max_block_size_kb = 2048
max_transactions_per_block = 50000

[logging]
level = "info"
format = "json"
output = "file"
file_path = "./logs/mainnet-node.log"

[masternode]
enabled = false
wallet_address = ""
collateral_txid = ""
tier = "free"

[security]
enable_rate_limiting = true
max_requests_per_second = 1000
api_key = ""

[metrics]
enabled = false
prometheus_port = 9090
)";

}  // namespace

TEST_CASE("config file: the deployed daemon's file is taken as it is, without a warning") {
  const auto x = read(daemon_file);
  CHECK(x.said.network == network_id::mainnet);
  CHECK(x.said.listen == endpoint{{}, 0});
  CHECK(x.said.max_peers == 50);
  CHECK(x.said.bootstrap_peers == std::vector<peer_setting>{host_name{"seed1.time-coin.io", 24000},
                                                            endpoint{at("192.0.2.7:1").ip, 0}});
  CHECK(x.said.rpc.enabled == true);
  CHECK(x.said.rpc.ip == at("127.0.0.1:1").ip);
  CHECK(x.said.data_dir == "./data/mainnet");
  CHECK(x.said.level == log_level::info);
  CHECK(x.said.format == log_format::json);
  CHECK(x.said.log_to_file == true);
  CHECK(x.said.log_file == "./logs/mainnet-node.log");
  CHECK(x.said.masternode == false);
  CHECK_FALSE(x.said.reward_address);
  CHECK(x.said.metrics.enabled == false);
  CHECK(x.said.metrics.port == 9090);

  // One line, at info, for all that is not used.
  REQUIRE(x.notices.size() == 1);
  CHECK(x.notices[0].level == log_level::info);
  CHECK(contains(x.notices[0].text, "node.name"));
  CHECK(contains(x.notices[0].text, "security.api_key"));
  CHECK_FALSE(contains(x.notices[0].text, "max_peers"));
}

TEST_CASE("config file: the sample in deploy/ has every key, and the defaults") {
  const std::string file{TIMENODE_TEST_DATA "/../../deploy/timenode.toml"};
  const auto x = read_config_file(file);
  REQUIRE(x);
  CHECK(x->notices.empty());
  CHECK(make_config({}, x->said, "/home/x") == make_config({}, {}, "/home/x"));

  std::ifstream in{file};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  for (const auto key : used_keys()) {
    // The deployed daemon's words for what has another name here.
    if (key == "masternode.wallet_address" || key == "metrics.prometheus_port")
      continue;
    const auto dot = key.find('.');
    const auto section = text.find("\n[" + std::string{key.substr(0, dot)} + "]\n");
    CAPTURE(key);
    REQUIRE(section != text.npos);
    const auto line = text.find("\n" + std::string{key.substr(dot + 1)} + " = ", section);
    CHECK(line < text.find("\n[", section + 2));
  }
}

TEST_CASE("config file: every key has its effect") {
  const auto address =
      chain::address_of(chain::key_pair::from_seed({}).public_key(), network_id::testnet);
  const auto x =
      read("[node]\nnetwork = \"TESTNET\"\n"
           "[network]\nlisten_address = \"192.0.2.1:5\"\nexternal_address = \"me.example:6\"\n"
           "max_peers = 10000\nbootstrap_peers = []\n"
           "[rpc]\nenabled = false\nlisten_address = \"[::1]:7\"\n"
           "[storage]\ndata_dir = \"~/x\"\n"
           "[logging]\nlevel = \"trace\"\nformat = \"pretty\"\noutput = \"stdout\"\n"
           "file_path = \"a.log\"\nmax_size_mb = 3\nmax_files = 9\n"
           "[masternode]\nenabled = true\ntier = \"Silver\"\nreward_address = \"" +
           address +
           "\"\nkey_file = \"k\"\npassphrase_file = \"~/p\"\n"
           "[consensus]\nblock_time_seconds = 5\nrequire_signatures = false\n"
           "first_masternodes = 7\npresent_set_at = 9\n"
           "[metrics]\nenabled = true\nlisten_address = \"0.0.0.0:8\"\nprometheus_port = 9\n");
  CHECK(x.notices.empty());
  const auto& said = x.said;
  CHECK(said.network == network_id::testnet);
  CHECK(said.listen == at("192.0.2.1:5"));
  CHECK(said.external_address == peer_setting{host_name{"me.example", 6}});
  CHECK(said.max_peers == 10'000);
  CHECK(said.bootstrap_peers == std::vector<peer_setting>{});
  CHECK(said.rpc.enabled == false);
  CHECK(said.rpc.ip == at("[::1]:7").ip);
  CHECK(said.rpc.port == 7);
  CHECK(said.data_dir == "~/x");
  CHECK(said.level == log_level::trace);
  CHECK(said.format == log_format::text);
  CHECK(said.log_to_file == false);
  CHECK(said.log_file == "a.log");
  CHECK(said.log_max_size == 3u << 20);
  CHECK(said.log_max_files == 9);
  CHECK(said.masternode == true);
  CHECK(said.tier == wire::masternode_tier::silver);
  CHECK(said.reward_address == address);
  CHECK(said.key_file == "k");
  CHECK(said.passphrase_file == "~/p");
  CHECK(said.block_time_seconds == 5);
  CHECK(said.require_signatures == false);
  CHECK(said.first_masternodes == 7);
  CHECK(said.present_set_at == 9);
  CHECK(said.metrics.enabled == true);
  CHECK(said.metrics.ip == ip_address{});
  CHECK(said.metrics.port == 8);
}

TEST_CASE("config file: a wrong value is refused with line, key, value and what is allowed") {
  const auto why = refusal("# comment\n[network]\n\nmax_peers = \"many\"\n");
  CHECK(why == "a.toml:4: network.max_peers = \"many\": allowed is a whole number from 1 to 10000");
}

TEST_CASE("config file: all that is wrong is told at once") {
  CHECK(refusal("[network]\nmax_peers = \"many\"\nlisten_address = 7\n[node]\nnetwork = "
                "\"testnet\"\nnosuch = 1\n[rpc]\n"
                "enabled = \"no\"\n") ==
        "a.toml:2: network.max_peers = \"many\": allowed is a whole number from 1 to 10000\n"
        "a.toml:3: network.listen_address = 7: allowed is an IP address in quotes, with or without "
        "\":port\"\n"
        "a.toml:8: rpc.enabled = \"no\": allowed is true or false");
}

TEST_CASE("config file: every key refuses what it cannot mean") {
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases{
      {"node.network", {"\"regtest\"", "1", "true"}},
      {"network.listen_address", {"\"host\"", "\"1.2.3.4:99999\"", "24100", "[]"}},
      {"network.external_address", {"\"1.2.3\"", "\"a b\"", "1"}},
      {"network.max_peers", {"0", "-1", "10001", "1.5", "\"5\"", "true"}},
      {"network.bootstrap_peers",
       {"\"192.0.2.1\"", "[1]", "[\"192.0.2.1\", \"300.1.1.1\"]", "[[]]"}},
      {"network.discovery_url", {"\"seeds.example\"", "\"ftp://seeds.example\"", "1"}},
      {"network.blacklisted_peers", {"\"192.0.2.1\"", "[1]", "[\"192.0.2.1/33\"]", "[\"host\"]"}},
      {"network.blacklisted_subnets", {"[\"192.0.2.0/x\"]", "true"}},
      {"network.whitelisted_peers", {"[\"nobody\"]"}},
      {"network.whitelist_only", {"1", "\"yes\""}},
      {"rpc.enabled", {"1", "\"true\"", "\"yes\""}},
      {"rpc.listen_address", {"\"localhost\"", "24101"}},
      {"rpc.rpcauth", {"\"joe:secret\"", "[\"joe:salt$abc\"]", "1"}},
      {"rpc.cookie_file", {"1"}},
      {"storage.data_dir", {"1", "[]"}},
      {"logging.level", {"\"loud\"", "3"}},
      {"logging.format", {"\"xml\"", "true"}},
      {"logging.output", {"\"syslog\"", "1"}},
      {"logging.file_path", {"1"}},
      {"logging.max_size_mb", {"0", "1025", "\"10\""}},
      {"logging.max_files", {"0", "101"}},
      {"masternode.enabled", {"0"}},
      {"masternode.tier", {"\"platinum\"", "1"}},
      {"masternode.reward_address", {"\"TIME0abc\"", "1"}},
      {"masternode.wallet_address", {"1"}},
      {"masternode.key_file", {"true"}},
      {"masternode.passphrase_file", {"1"}},
      {"consensus.block_time_seconds", {"0", "601", "1.5", "\"5\""}},
      {"consensus.require_signatures", {"1"}},
      {"consensus.first_masternodes", {"2", "10001", "\"3\""}},
      {"consensus.present_set_at", {"-1", "true"}},
      {"metrics.enabled", {"\"on\""}},
      {"metrics.listen_address", {"\"here\"", "9090"}},
      {"metrics.prometheus_port", {"0", "65536", "\"9090\""}},
  };
  CHECK(cases.size() == used_keys().size());
  for (const auto& [key, values] : cases) {
    CHECK(std::count(used_keys().begin(), used_keys().end(), key) == 1);
    for (const auto& value : values) {
      CAPTURE(key);
      CAPTURE(value);
      const auto why = refusal("\n" + key + " = " + value + "\n");
      CHECK(contains(why, "a.toml:2: " + key));
      CHECK(contains(why, "allowed is "));
    }
  }
}

TEST_CASE("config file: whom to keep out and whom to trust, in the deployed daemon's words") {
  const auto x =
      read("[network]\nblacklisted_peers = [\"192.0.2.1\", \"2001:db8::1\"]\n"
           "blacklisted_subnets = [\"198.51.100.0/24\"]\nwhitelisted_peers = [\"10.0.0.0/8\"]\n"
           "whitelist_only = true\ndiscovery_url = \"https://seeds.example/peers\"\n");
  CHECK(x.notices.empty());
  const auto config = make_config({}, x.said, "/home/x");
  REQUIRE(config);
  const auto network = [](const char* text) { return ip_network::parse(text).value(); };
  CHECK(config->banned ==
        std::vector{network("192.0.2.1"), network("2001:db8::1"), network("198.51.100.0/24")});
  CHECK(config->trusted == std::vector{network("10.0.0.0/8")});
  CHECK(config->trusted_only);
  CHECK(config->discovery->to_string() == "https://seeds.example/peers");
  const auto none = make_config({}, {}, "/home/x");
  CHECK(none->banned.empty());
  CHECK_FALSE(none->trusted_only);
  CHECK_FALSE(none->discovery);
}

TEST_CASE("config file: of a list, the line of the wrong element is told") {
  const auto why =
      refusal("[network]\nbootstrap_peers = [\n  \"192.0.2.1\",\n  \"300.1.1.1\",\n]\n");
  CHECK(contains(why, "a.toml:4: network.bootstrap_peers holds \"300.1.1.1\""));
}

TEST_CASE("config file: an unknown key warns with its line and the nearest known key") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"network.max_peer", "network.max_peers"},
      {"network.maxpeers", "network.max_peers"},
      {"network.bootstrap_nodes", "network.bootstrap_peers"},
      {"logging.levle", "logging.level"},
      {"logging.max_peers", "network.max_peers"},
      {"node.data_dir", "storage.data_dir"},
      {"max_peers", "network.max_peers"},
      {"masternode.key", "masternode.key_file"},
      {"metrics.listen", "metrics.listen_address"},
  };
  for (const auto& [wrong, right] : cases) {
    CAPTURE(wrong);
    const auto x = read("\n\n" + wrong + " = 1\n");
    REQUIRE(x.notices.size() == 1);
    CHECK(x.notices[0].level == log_level::warn);
    CHECK(x.notices[0].text ==
          "a.toml:3: the key " + wrong + " is not known; did you mean " + right + "?");
  }
}

TEST_CASE("config file: an unknown section warns once, for all that is in it") {
  const auto x =
      read("[netwrok]\nmax_peers = 3\nlisten_address = \"x\"\n[netwrok.deeper]\na = 1\n");
  REQUIRE(x.notices.size() == 1);
  CHECK(x.notices[0].text ==
        "a.toml:1: the section [netwrok] is not known; did you mean [network]?");
  CHECK_FALSE(x.said.max_peers);
}

TEST_CASE("config file: warnings come in the order of the lines") {
  const auto x = read("[rpc]\nzz = 1\n[logging]\naa = 1\n[network]\nmm = 1\n");
  REQUIRE(x.notices.size() == 3);
  CHECK(contains(x.notices[0].text, "a.toml:2:"));
  CHECK(contains(x.notices[1].text, "a.toml:4:"));
  CHECK(contains(x.notices[2].text, "a.toml:6:"));
}

TEST_CASE("config file: an empty text is as if the key were not there") {
  const auto x = read("[network]\nexternal_address = \"\"\n[storage]\ndata_dir = \"\"\n"
                      "[logging]\nfile_path = \"\"\n[masternode]\nreward_address = \"\"\n");
  CHECK(make_config({}, x.said, "/h") == make_config({}, {}, "/h"));
}

TEST_CASE("config file: a wallet address that is none is warned of, and not used") {
  const auto x =
      read("[masternode]\nwallet_address = \"TIME0qz9x2k3j4c5m6n7b8v9c0x1z2a3s4d5f6g7h\"\n");
  REQUIRE(x.notices.size() == 1);
  CHECK(x.notices[0].level == log_level::warn);
  CHECK(contains(x.notices[0].text, "a.toml:2:"));
  CHECK_FALSE(x.said.reward_address);
}

TEST_CASE("config file: a reward address goes over a wallet address, in any order") {
  const auto key = chain::key_pair::from_seed({}).public_key();
  const auto a = chain::address_of(key, network_id::testnet);
  const auto b = chain::address_of(key, network_id::mainnet);
  const auto reward = "reward_address = \"" + a + "\"\n";
  const auto wallet = "wallet_address = \"" + b + "\"\n";
  CHECK(read("[masternode]\n" + reward + wallet).said.reward_address == a);
  CHECK(read("[masternode]\n" + wallet + reward).said.reward_address == a);
  CHECK(read("[masternode]\n" + wallet).said.reward_address == b);
}

TEST_CASE("config file: what is not TOML is refused with its line") {
  CHECK(contains(refusal("[network]\nmax_peers = \n"), "a.toml:2: not TOML"));
  CHECK(contains(refusal("[network]\na = 1\na = 2\n"), "a.toml:3: not TOML"));
  CHECK(contains(refusal("[network\n"), "a.toml:1: not TOML"));
}

TEST_CASE("config file: a section that is written as a key says what to write") {
  CHECK(contains(refusal("network = \"testnet\"\n"),
                 "a.toml:1: network = \"testnet\": network is a section"));
}

TEST_CASE("config file: a file that is not there is named") {
  const auto x = read_config_file("/nonexistent/a.toml");
  REQUIRE_FALSE(x);
  CHECK(x.error().reason ==
        "cannot read the configuration file /nonexistent/a.toml: No such file or directory");
}

TEST_CASE("config file: a directory is not taken for an empty file") {
  CHECK_FALSE(read_config_file("/tmp"));
}
