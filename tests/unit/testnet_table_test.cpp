#include "app/config_file.hpp"
#include "app/testnet_nodes.hpp"
#include "app/testnet_poll.hpp"
#include "app/testnet_table.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

using namespace timenode;
using namespace timenode::app;

namespace {

ip_address ip(const char* text) {
  return ip_address::parse(text).value();
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

node_view node(const char* address) {
  node_view x;
  x.ip = ip(address);
  x.height = x.target = 2000;
  x.sync_state = "idle";
  x.links = {{ip("127.0.0.8"), true, 1, 0.25}, {ip("127.0.0.9"), false, 1, 1.5}};
  return x;
}

}  // namespace

TEST_CASE("testnet table: a row tells height, links by direction, round trips and state") {
  auto syncing = node("127.0.0.2");
  syncing.sync_state = "syncing";
  syncing.height = 812;
  syncing.blocks_per_second = 99.6;
  auto silent = node("127.0.0.3");
  silent.trouble = "no answer: connection refused";
  const auto rows = table_rows(std::vector{node("127.0.0.1"), syncing, silent});
  REQUIRE(rows.size() == 4);
  CHECK(rows[0] == "NODE                HEIGHT    IN   OUT   ROUND TRIP ms  STATE");
  CHECK(rows[1] == "127.0.0.1             2000     1     1      0.2 .. 1.5  in sync");
  CHECK(rows[2] ==
        "127.0.0.2              812     1     1      0.2 .. 1.5  syncing to 2000, 100 blocks/s");
  CHECK(rows[3] ==
        "127.0.0.3                -     -     -               -  no answer: connection refused");
}

TEST_CASE("testnet table: the page has the important first") {
  const auto nodes = std::vector{node("127.0.0.1")};
  const std::vector<std::string> events{"something happened"};
  const auto page = table_page("head", nodes, judge(nodes, 0), events);
  REQUIRE(page.size() == 6);
  CHECK(page[0] == "head");
  CHECK(contains(page[1], "in sync 1/1"));
  CHECK(page[2] == "something happened");
  CHECK(page[3].empty());
  CHECK(contains(page[5], "127.0.0.1"));
}

TEST_CASE("testnet table: the last words begin with the verdict and name what is missing") {
  testnet_verdict x;
  x.nodes = x.in_sync = 3;
  x.pairs = x.linked = x.pinged = 3;
  x.lowest = x.highest = 2000;
  x.pongs = 12;
  auto lines = closing_lines(x, 3.24);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0] ==
        "OK: 3 nodes, 3 in sync, height 2000; 3 of 3 pairs with one connection, 3 pinged from both "
        "ends (12 pings answered); 0 invariant violations; all was well after 3.2 s");
  x.missing = {"a is not there"};
  lines = closing_lines(x, std::nullopt);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].starts_with("NOT OK: "));
  CHECK(lines[1] == "  a is not there");
  x.missing.assign(1000, "x");
  lines = closing_lines(x, std::nullopt);
  CHECK(lines.size() == max_missing_lines + 2);
  CHECK(lines.back() == "  and 980 more");
}

TEST_CASE("testnet poll: a view is made of what the node answers") {
  const auto chain = json::parse(R"({"blocks":812,"bestblockhash":"ab",
    "sync":{"state":"syncing","target":2000,"blocks_per_second":12.5}})");
  const auto peers = json::parse(R"([
    {"addr":"127.0.0.2:24100","inbound":false,"state":"established","pongreceived":2,"pingtime":0.0005},
    {"addr":"127.0.0.3:41234","inbound":true,"state":"established","pongreceived":0},
    {"addr":"127.0.0.4:24100","inbound":false,"state":"handshaking","pongreceived":0},
    {"addr":"nonsense","inbound":false,"state":"established"}, 7])");
  const auto network = json::parse(R"({"invariant_violations":{"one-link":1,"no-cycling":2}})");
  const auto x = view_of(ip("127.0.0.1"), chain, peers, network);
  CHECK(x.ip == ip("127.0.0.1"));
  CHECK(x.trouble.empty());
  CHECK(x.height == 812);
  CHECK(x.tip == "ab");
  CHECK(x.sync_state == "syncing");
  CHECK(x.target == 2000);
  CHECK(x.blocks_per_second == 12.5);
  CHECK(x.violations == 3);
  // Only what is established counts.
  REQUIRE(x.links.size() == 2);
  CHECK(x.links[0].peer == ip("127.0.0.2"));
  CHECK_FALSE(x.links[0].inbound);
  CHECK(x.links[0].pongs == 2);
  CHECK(x.links[0].ping_ms == doctest::Approx(0.5));
  CHECK(x.links[1].inbound);
  CHECK_FALSE(x.links[1].ping_ms);
}

TEST_CASE("testnet poll: an answer of another form is a view of nothing, not a crash") {
  const auto x = view_of(ip("127.0.0.1"), json::array(), json(7), json(nullptr));
  CHECK(x.height == 0);
  CHECK(x.links.empty());
  CHECK_FALSE(judge(std::vector{x}, 1).ok());
}

TEST_CASE("testnet nodes: each has an address, ports and a directory of its own") {
  testnet_command command;
  command.nodes = 3;
  command.base_port = 30'000;
  const auto nodes = plan_testnet(command, "/t");
  REQUIRE(nodes.size() == 3);
  CHECK(nodes[2].p2p.to_string() == "127.0.0.3:30000");
  CHECK(nodes[2].rpc.to_string() == "127.0.0.3:30001");
  CHECK(nodes[2].metrics.to_string() == "127.0.0.3:30002");
  CHECK(nodes[2].dir == "/t/node-3");
}

TEST_CASE("testnet nodes: the configuration file of a node is one that 'run' takes") {
  testnet_command command;
  command.nodes = 200;
  command.level = log_level::debug;
  const auto nodes = plan_testnet(command, "/t \"x\"\\");
  const auto file = parse_config(config_text(nodes[1], nodes[0], command), "x");
  REQUIRE(file);
  CHECK(file->notices.empty());
  const auto x = make_config({}, file->said, {});
  REQUIRE(x);
  CHECK(x->listen == nodes[1].p2p);
  CHECK(x->rpc_listen == nodes[1].rpc);
  CHECK(x->metrics.listen == nodes[1].metrics);
  CHECK(x->data_dir == nodes[1].dir);
  CHECK(x->max_peers == 200);
  CHECK(x->bootstrap_peers == std::vector{nodes[0].p2p});
  CHECK(x->logging.file == nodes[1].log_file());
  CHECK(x->logging.level == log_level::debug);
  // The first one knows nobody.
  const auto first = parse_config(config_text(nodes[0], nodes[0], command), "x");
  REQUIRE(first);
  CHECK(first->said.bootstrap_peers == std::vector<peer_setting>{});
}
