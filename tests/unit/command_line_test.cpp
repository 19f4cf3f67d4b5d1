#include "app/command_line.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace timenode;
using namespace timenode::app;

namespace {

template <class T>
T parsed(const std::vector<std::string>& arguments) {
  auto x = parse_command_line(arguments);
  if (const auto* text = std::get_if<print_command>(&x))
    INFO(text->text);
  REQUIRE(std::holds_alternative<T>(x));
  return std::get<T>(std::move(x));
}

print_command printed(const std::vector<std::string>& arguments) {
  return parsed<print_command>(arguments);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

endpoint at(const char* text) {
  return endpoint::parse(text, 0).value();
}

}  // namespace

TEST_CASE("command line: run takes every option") {
  const auto x = parsed<run_command>({"run",          "--config",     "a.toml",      "--network",
                                      "mainnet",      "--listen",     "192.0.2.1:5", "--rpc",
                                      "127.0.0.2:6",  "--metrics",    "127.0.0.3:7", "--data-dir",
                                      "/d",           "--peer",       "192.0.2.8:9", "--peer",
                                      "seed.example", "--masternode", "--log-level", "debug"});
  CHECK(x.node.config_file == "a.toml");
  const auto& said = x.node.said;
  CHECK(said.network == network_id::mainnet);
  CHECK(said.listen == at("192.0.2.1:5"));
  CHECK(said.rpc.ip == at("127.0.0.2:1").ip);
  CHECK(said.rpc.port == 6);
  CHECK(said.metrics.port == 7);
  CHECK(said.data_dir == "/d");
  CHECK(said.bootstrap_peers ==
        std::vector<peer_setting>{at("192.0.2.8:9"), host_name{"seed.example", 0}});
  CHECK(said.masternode == true);
  CHECK(said.level == log_level::debug);
}

TEST_CASE("command line: what is not said stays open for the file") {
  const auto x = parsed<run_command>({"run"});
  CHECK_FALSE(x.node.config_file);
  const auto& said = x.node.said;
  CHECK_FALSE(said.network);
  CHECK_FALSE(said.listen);
  CHECK_FALSE(said.rpc.ip);
  CHECK_FALSE(said.rpc.enabled);
  CHECK_FALSE(said.data_dir);
  CHECK_FALSE(said.bootstrap_peers);
  CHECK_FALSE(said.masternode);
  CHECK_FALSE(said.level);
}

TEST_CASE("command line: services are switched off by a word") {
  const auto x = parsed<run_command>({"run", "--rpc", "off", "--metrics=off"});
  CHECK(x.node.said.rpc.enabled == false);
  CHECK(x.node.said.metrics.enabled == false);
}

TEST_CASE("command line: import and export take a file") {
  const auto in = parsed<transfer_command>({"import", "chain.jsonl.xz", "--network", "testnet"});
  CHECK(in.file == "chain.jsonl.xz");
  CHECK_FALSE(in.to_file);
  CHECK(in.node.said.network == network_id::testnet);
  const auto out = parsed<transfer_command>({"export", "--data-dir", "/d", "-"});
  CHECK(out.file == "-");
  CHECK(out.to_file);
  CHECK(out.node.said.data_dir == "/d");
  CHECK(printed({"import"}).status == usage_status);
}

TEST_CASE("command line: testnet has defaults and takes every option") {
  const auto x = parsed<testnet_command>({"testnet"});
  CHECK(x.nodes == 4);
  CHECK_FALSE(x.chain);
  CHECK_FALSE(x.time);
  CHECK(x.base_port == 24100);
  CHECK_FALSE(x.dir);
  const auto y =
      parsed<testnet_command>({"testnet", "--nodes", "7", "--chain", "c.xz", "--for", "90",
                               "--base-port", "30000", "--dir", "d", "--log-level", "warn"});
  CHECK(y.nodes == 7);
  CHECK(y.chain == "c.xz");
  CHECK(y.time == std::chrono::seconds{90});
  CHECK(y.base_port == 30'000);
  CHECK(y.dir == "d");
  CHECK(y.level == log_level::warn);
}

TEST_CASE("command line: queries know where to ask") {
  using question = query_command::question;
  const auto status = parsed<query_command>({"status", "--json", "--rpc", "127.0.0.4:5"});
  CHECK(status.what == question::status);
  CHECK(status.as_json);
  CHECK(status.node.said.rpc.port == 5);
  CHECK(parsed<query_command>({"peers"}).what == question::peers);
  CHECK_FALSE(parsed<query_command>({"peers"}).as_json);
  CHECK(parsed<query_command>({"stop", "--network", "mainnet"}).what == question::stop);
  const auto peer = parsed<query_command>({"explain", "peer", "192.0.2.1"});
  CHECK(peer.what == question::explain_peer);
  CHECK(peer.subject == "192.0.2.1");
  CHECK(parsed<query_command>({"explain", "masternode", "192.0.2.1"}).what ==
        question::explain_masternode);
  CHECK(parsed<query_command>({"explain", "tip"}).what == question::explain_tip);
}

TEST_CASE("command line: commands about a running node take where it is, and what they are about") {
  using question = query_command::question;
  const auto health = parsed<query_command>({"health", "--rpc", "127.0.0.3:7"});
  CHECK(health.what == question::health);
  CHECK(health.node.said.rpc.port == 7);
  CHECK(parsed<query_command>({"reload"}).what == question::reload);
  const auto backup = parsed<query_command>({"backup", "/b", "--rpc-cookie", "/c"});
  CHECK(backup.what == question::backup);
  CHECK(backup.subject == "/b");
  CHECK(backup.node.said.rpc_cookie_file == "/c");
  CHECK(printed({"backup"}).status == usage_status);
}

TEST_CASE("command line: a backup is restored into a data directory") {
  const auto x = parsed<restore_command>({"restore", "/b", "--data-dir", "/d", "--replace"});
  CHECK(x.from == "/b");
  CHECK(x.replace);
  CHECK(x.node.said.data_dir == "/d");
  CHECK_FALSE(parsed<restore_command>({"restore", "/b"}).replace);
  CHECK(printed({"restore"}).status == usage_status);
}

TEST_CASE("command line: a configuration is checked, shown and begun") {
  using deed = config_command::deed;
  const auto check = parsed<config_command>({"config", "check", "a.toml"});
  CHECK(check.what == deed::check);
  CHECK(check.node.config_file == "a.toml");
  CHECK(parsed<config_command>({"config", "show", "--config", "b.toml"}).node.config_file ==
        "b.toml");
  CHECK(parsed<config_command>({"config", "example"}).what == deed::example);
  CHECK(printed({"config"}).status == usage_status);
  CHECK(parsed<rpcauth_command>({"rpcauth", "joe"}).name == "joe");
  CHECK(printed({"rpcauth", "a:b"}).status == usage_status);
}

TEST_CASE("command line: wrong values are refused with the option and the reason") {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{"run", "--network", "regtest"}, "neither testnet nor mainnet"},
      {{"run", "--listen", "host:1"}, "not an IP address"},
      {{"run", "--listen", "192.0.2.1:99999"}, "from 1 to 65535"},
      {{"run", "--rpc", "name:5"}, "not an IP address"},
      {{"run", "--peer", "300.1.1.1"}, "300.1.1.1"},
      {{"run", "--log-level", "loud"}, "none of trace, debug, info, warn, error, off"},
      {{"run", "--data-dir", ""}, "empty"},
      {{"testnet", "--nodes", "0"}, "--nodes"},
      {{"testnet", "--nodes", "251"}, "--nodes"},
      {{"testnet", "--for", "0"}, "number of seconds"},
      {{"testnet", "--for", "soon"}, "number of seconds"},
      {{"testnet", "--base-port", "65534"}, "--base-port"},
      {{"testnet", "--base-port", "80"}, "--base-port"},
  };
  for (const auto& [arguments, part] : cases) {
    CAPTURE(arguments[1]);
    CAPTURE(arguments[2]);
    const auto x = printed(arguments);
    CHECK(x.status == usage_status);
    CHECK(contains(x.text, arguments[1]));
    CHECK(contains(x.text, part));
  }
}

TEST_CASE("command line: what is unknown is a usage error, and nothing is the help") {
  CHECK(printed({"run", "--frobnicate"}).status == usage_status);
  CHECK(printed({"frobnicate"}).status == usage_status);
  const auto x = printed({});
  CHECK(x.status == usage_status);
  CHECK(contains(x.text, "timenode run"));
}

TEST_CASE("command line: who stops halfway is told what may follow") {
  CHECK(contains(printed({"explain"}).text, "one of: peer, masternode, tip\n"));
  CHECK(contains(printed({"key"}).text, "'timenode key' is followed by one of: new"));
  // A value that is missing is another matter.
  CHECK(contains(printed({"explain", "peer"}).text, "IP is required"));
  CHECK(contains(printed({"inspect", "--help"}).text, "connection-registry"));
}

TEST_CASE("command line: help is there for the program and for each command") {
  const auto all = printed({"--help"});
  CHECK(all.status == 0);
  for (const auto* name : {"run",  "import", "export", "testnet", "status",  "peers",  "explain",
                           "stop", "health", "reload", "backup",  "restore", "config", "rpcauth",
                           "ban",  "unban",  "bans",   "trust",   "untrust", "rpc"}) {
    CAPTURE(name);
    CHECK(contains(all.text, std::string{"  "} + name + " "));
    const auto one = printed({name, "--help"});
    CHECK(one.status == 0);
    CHECK(one.text != all.text);
  }
  CHECK(contains(printed({"run", "--help"}).text, "--data-dir DIR"));
  CHECK(contains(printed({"run", "--help"}).text, "Usage: timenode run "));
  CHECK(contains(printed({"explain", "peer", "--help"}).text, "Usage: timenode explain peer "));
  CHECK(contains(printed({"testnet", "--nodes", "x"}).text, "Try 'timenode testnet --help'"));
}

TEST_CASE("command line: the version names the commit and the libraries") {
  const auto x = printed({"--version"});
  CHECK(x.status == 0);
  for (const auto* part :
       {"timenode 0.", "CAF 0.18.7", "Boost 1.", "RocksDB", "OpenSSL 3", "libsodium", "simdjson 3",
        "spdlog 1.", "fmt ", "CLI11 2", "toml++ 3", "liblzma"}) {
    CAPTURE(part);
    CHECK(contains(x.text, part));
  }
}

TEST_CASE("command line: key new, show and import take their options") {
  const auto made = parsed<key_command>({"key", "new", "--key-file", "k", "--encrypt", "--network",
                                         "mainnet", "--passphrase-file", "p"});
  CHECK(made.what == key_command::deed::make);
  CHECK(made.file == "k");
  CHECK(made.encrypt);
  CHECK(made.passphrase_file == "p");
  CHECK(made.node.said.network == network_id::mainnet);
  CHECK(parsed<key_command>({"key", "show"}).what == key_command::deed::show);
  const auto imported = parsed<key_command>({"key", "import", "time-wallet.dat"});
  CHECK(imported.what == key_command::deed::import);
  CHECK(imported.from == "time-wallet.dat");
  CHECK_FALSE(imported.file);
  CHECK(printed({"key", "import"}).status == usage_status);
  CHECK(printed({"key"}).status == usage_status);
}

// -- whom to keep out ---------------------------------------------------------------------

TEST_CASE("command line: bans and trust take an address or a network") {
  using action = access_command::action;
  auto x = parsed<access_command>(
      {"ban", "192.0.2.7/24", "--for", "12h", "--reason", "spam", "--rpc", "127.0.0.4:5"});
  CHECK(x.what == action::ban);
  CHECK(x.network == "192.0.2.0/24");
  CHECK(x.seconds == 12 * 3600);
  CHECK(x.reason == "spam");
  CHECK(x.node.said.rpc.port == 5);
  CHECK(parsed<access_command>({"ban", "192.0.2.7"}).seconds == 86'400);
  CHECK(parsed<access_command>({"ban", "192.0.2.7", "--for", "forever"}).seconds == 0);
  CHECK(parsed<access_command>({"unban", "2001:db8::1"}).network == "2001:db8::1/128");
  CHECK(parsed<access_command>({"trust", "192.0.2.7", "--reason", "mine"}).reason == "mine");
  CHECK(parsed<access_command>({"untrust", "192.0.2.7"}).what == action::untrust);
  CHECK(parsed<access_command>({"bans", "--json"}).as_json);
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"ban"},
                                                {"ban", "nobody"},
                                                {"ban", "192.0.2.7/33"},
                                                {"bans", "192.0.2.7"},
                                                {"ban", "192.0.2.7", "--for", "soon"},
                                                {"ban", "192.0.2.7", "--for", "-1h"},
                                                {"unban", "192.0.2.7", "--for", "1h"}})
    CHECK(printed(wrong).status == usage_status);
  CHECK(contains(printed({"ban", "192.0.2.7", "--for", "soon"}).text, "'soon'"));
}

TEST_CASE("command line: a span of time has a unit, or is forever") {
  CHECK(parse_span("90") == 90);
  CHECK(parse_span("90s") == 90);
  CHECK(parse_span("30m") == 1800);
  CHECK(parse_span("30min") == 1800);
  CHECK(parse_span("7d") == 7 * 86'400);
  CHECK(parse_span("forever") == 0);
  for (const auto* wrong :
       {"", "0", "-5", "h", "5x", "5 h", "99999999999999999999", "1e9", "40000d"})
    CHECK_FALSE(parse_span(wrong));
}

TEST_CASE("command line: any RPC method can be called") {
  const auto x =
      parsed<call_command>({"rpc", "addnode", "192.0.2.7", "onetry", "--network", "mainnet"});
  CHECK(x.method == "addnode");
  CHECK(x.params == std::vector<std::string>{"192.0.2.7", "onetry"});
  CHECK(x.node.said.network == network_id::mainnet);
  CHECK(printed({"rpc"}).status == usage_status);
}
