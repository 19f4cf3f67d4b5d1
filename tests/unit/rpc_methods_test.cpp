#include "chain/keys.hpp"
#include "tests/unit/rpc_methods_fixture.hpp"

#include <algorithm>
#include <map>
#include <string>

namespace {

using namespace timenode;

using fixture = rpc_test::method_fixture;
using rpc_test::keys;
using rpc_test::names;

}  // namespace

// -- network ----------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "getnetworkinfo tells the network side") {
  const auto x = ok("getnetworkinfo");
  CHECK(keys(x) == names{"version",
                         "subversion",
                         "protocolversion",
                         "connections",
                         "connections_in",
                         "connections_out",
                         "networkactive",
                         "localaddresses",
                         "localaddress_source",
                         "links_by_state",
                         "known_addresses",
                         "known_address_groups",
                         "reached_addresses",
                         "connections_ended",
                         "connections_refused",
                         "banned",
                         "trusted",
                         "gossip",
                         "invariant_violations",
                         "warnings"});
  CHECK(x["connections_refused"] == json::parse(R"({"rate":3})"));
  CHECK(x["localaddress_source"] == "configured");
  CHECK(x["banned"] == 1);
  CHECK(x["trusted"] == 1);
  CHECK(x["version"] == 100);
  CHECK(x["subversion"] == "/timenode:0.1.0/");
  CHECK(x["protocolversion"] == 1);
  CHECK(x["connections"] == 2);
  CHECK(x["connections_in"] == 1);
  CHECK(x["connections_out"] == 1);
  CHECK(x["networkactive"] == true);
  CHECK(x["localaddresses"] == json::parse(R"([{"address":"192.0.2.9","port":24100}])"));
  CHECK(x["links_by_state"] ==
        json::parse(R"({"connecting":1,"handshaking":0,"established":2,"closing":1})"));
  CHECK(x["known_addresses"] == 77);
  CHECK(x["connections_ended"] == json::parse(R"({"duplicate":5,"peer dead":1})"));
  CHECK(x["gossip"] == json::parse(R"({"seen":1,"forwarded":2,"duplicates":3,"invalid":4})"));
  CHECK(x["invariant_violations"] == json::parse(R"({"one-link":0,"one-truth":2})"));
  REQUIRE(x["warnings"].size() == 2);
  CHECK(x["warnings"][0] == "gossip did not answer in time");
  CHECK(x["warnings"][1] == "The invariant one-truth was violated 2 times");
}

TEST_CASE_FIXTURE(fixture, "a node without peers and without a known address says so") {
  snapshot = {};
  const auto x = ok("getnetworkinfo");
  CHECK(x["connections"] == 0);
  CHECK(x["localaddresses"] == json::array());
  CHECK(x["connections_ended"] == json::object());
  CHECK(x["warnings"] == json::array());
  CHECK(ok("getpeerinfo") == json::array());
  CHECK(ok("listbanned") == json::array());
  CHECK(ok("masternodelist") == json::array());
}

TEST_CASE_FIXTURE(fixture, "a failing store is warned of") {
  snapshot.keeper.storage_error = "no space left on device";
  CHECK(ok("getnetworkinfo")["warnings"][0] == "The store fails: no space left on device");
}

TEST_CASE_FIXTURE(fixture, "what a restart would forget is warned of") {
  snapshot.registry.not_kept = "the disk is full";
  snapshot.directory.not_kept = "the disk is full";
  const auto warnings = ok("getnetworkinfo")["warnings"];
  CHECK(warnings[1] == "A restart will forget bans and trust: the disk is full");
  CHECK(warnings[2] == "A restart will forget the address book: the disk is full");
}

TEST_CASE_FIXTURE(fixture, "getconnectioncount counts what is established") {
  CHECK(ok("getconnectioncount") == 2);
}

TEST_CASE_FIXTURE(fixture, "getpeerinfo describes every connection") {
  const auto all = ok("getpeerinfo");
  REQUIRE(all.size() == 2);
  const auto x = all[1];
  CHECK(keys(x) == names{"id",
                         "addr",
                         "addrlocal",
                         "inbound",
                         "state",
                         "conntime",
                         "lastsend",
                         "lastrecv",
                         "bytessent",
                         "bytesrecv",
                         "sendqueuebytes",
                         "messagessent",
                         "messagesrecv",
                         "pingtime",
                         "minping",
                         "pingsent",
                         "pongreceived",
                         "pinganswered",
                         "synced_blocks",
                         "is_masternode",
                         "version",
                         "subver",
                         "capabilities",
                         "violations",
                         "unknown_messages",
                         "dropped_messages",
                         "over_limit",
                         "left_out_messages"});
  CHECK(x["id"].get<std::uint64_t>() == 18'446'744'073'709'551'615u);
  CHECK(x["addr"] == "192.0.2.2:24100");
  CHECK(x["addrlocal"] == "192.0.2.9:40002");
  CHECK(x["inbound"] == false);
  CHECK(x["state"] == "established");
  CHECK(x["conntime"] == 1'765'999'001);
  CHECK(x["lastsend"] == 1'765'999'002);
  CHECK(x["lastrecv"] == 1'765'999'003);
  CHECK(x["bytessent"] == 1001);
  CHECK(x["bytesrecv"] == 1002);
  CHECK(x["sendqueuebytes"] == 1003);
  CHECK(x["messagessent"] == 1004);
  CHECK(x["messagesrecv"] == 1005);
  CHECK(x["pingtime"] == 0.0125);
  CHECK(x["minping"] == 0.00025);
  CHECK(x["pingsent"] == 11);
  CHECK(x["pongreceived"] == 10);
  CHECK(x["pinganswered"] == 9);
  CHECK(x["synced_blocks"] == 2001);
  CHECK(x["is_masternode"] == true);
  CHECK(x["version"] == 1);
  CHECK(x["subver"] == "1.2.3");
  CHECK(x["capabilities"] == json::parse(R"(["commit-cert"])"));
  CHECK(x["violations"] == 2);
  CHECK(x["unknown_messages"] == 3);
  CHECK(x["dropped_messages"] == 4);
  CHECK(x["over_limit"] == json::parse(R"({"votes":3})"));
  CHECK(x["left_out_messages"] == 5);
}

TEST_CASE_FIXTURE(fixture, "what a peer did not tell is left out, as in Bitcoin Core") {
  const auto x = ok("getpeerinfo")[0];
  CHECK(x["inbound"] == true);
  CHECK_FALSE(x.contains("addrlocal"));
  CHECK_FALSE(x.contains("pingtime"));
  CHECK_FALSE(x.contains("minping"));
  CHECK(x["synced_blocks"] == -1);
  CHECK(x["subver"] == "");
  CHECK(x["capabilities"] == json::array());
}

// -- masternodes ------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "masternodelist describes every masternode") {
  const auto all = ok("masternodelist");
  REQUIRE(all.size() == 2);
  const auto x = all[0];
  CHECK(keys(x) == names{"address", "tier", "reward_address", "public_key", "is_active",
                         "is_connected", "is_hearsay", "last_seen", "first_seen",
                         "heartbeat_sequence", "attestations", "uptime_start", "total_uptime",
                         "status_reason"});
  CHECK(x["address"] == "192.0.2.9");
  CHECK(x["tier"] == "Silver");
  CHECK(x["reward_address"] == "TIME0own");
  std::string key;
  for (int i = 0; i < 32; ++i)
    key += "ab";
  CHECK(x["public_key"] == key);
  CHECK(x["is_active"] == true);
  CHECK(x["is_connected"] == false);
  CHECK(x["last_seen"] == 1'765'999'999);
  CHECK(x["first_seen"] == 1'765'000'000);
  CHECK(x["heartbeat_sequence"] == 123);
  CHECK(x["attestations"] == 3);
  CHECK(x["status_reason"] == "first heartbeat");
  CHECK(all[1]["tier"] == "Free");
  CHECK(all[1]["is_connected"] == true);
  CHECK(all[1]["is_active"] == false);
}

TEST_CASE_FIXTURE(fixture, "masternodestatus is about this node") {
  auto x = ok("masternodestatus");
  CHECK(x["status"] == "active");
  CHECK(x["address"] == "192.0.2.9");
  CHECK(x["tier"] == "Silver");
  CHECK(x["status_reason"] == "first heartbeat");
  snapshot.masternodes[0].active = false;
  CHECK(ok("masternodestatus")["status"] == "inactive");
  snapshot.masternodes[0].ours = false;
  x = ok("masternodestatus");
  CHECK(x["status"] == "not a masternode");
  CHECK(x["address"] == "192.0.2.9");
  snapshot.registry.local_ip.reset();
  CHECK(ok("masternodestatus")["address"].is_null());
}

TEST_CASE_FIXTURE(fixture, "explainmasternode joins the masternode and its peer") {
  backend.masternode.known = true;
  backend.masternode.entry = snapshot.masternodes[1];
  backend.masternode.belief = "first hand";
  backend.masternode.next = "it is forgotten";
  backend.masternode.next_in = 77;
  backend.masternode.changes = {{5, false, "silent for five minutes"},
                                {2, true, "announced itself"}};
  backend.masternode.heartbeats = {
      {9, 4, true, {rpc_test::ip("192.0.2.1"), rpc_test::ip("192.0.2.9")}}, {8, 3, false, {}}};
  backend.masternode.verified_heartbeats = 100;
  snapshot.consensus.members = {"192.0.2.2"};
  auto x = ok("explainmasternode", R"({"address":"192.0.2.2"})");
  CHECK(x["status_reason"] == "silent for five minutes");
  CHECK(x["is_ours"] == false);
  CHECK(x["peer"]["state"] == "established");
  CHECK(x["next_in"] == 77);
  CHECK(x["changes"][1]["reason"] == "announced itself");
  CHECK(x["recent_heartbeats"][0]["witnesses"] == json::array({"192.0.2.1", "192.0.2.9"}));
  CHECK(x["decides_on_blocks"] == true);

  x = ok("getheartbeathistory", R"(["192.0.2.2"])");
  CHECK(keys(x) ==
        names{"address", "total_verified_heartbeats", "latest_sequence", "recent_heartbeats"});
  CHECK(x["total_verified_heartbeats"] == 100);
  CHECK(x["recent_heartbeats"].size() == 2);
  CHECK(keys(x["recent_heartbeats"][0]) == names{"sequence", "timestamp", "verified",
                                                 "witness_count", "unique_witnesses", "witnesses"});
  CHECK(ok("getheartbeathistory", R"(["192.0.2.2", 1])")["recent_heartbeats"].size() == 1);
  CHECK(error("getheartbeathistory", R"(["192.0.2.2", "x"])") == -32602);
  CHECK(error("getheartbeathistory", R"(["nobody"])") == -32602);

  backend.masternode = {};
  backend.masternode.belief = "nobody named it";
  CHECK(error("explainmasternode", R"(["192.0.2.1"])") == -5);
}

TEST_CASE_FIXTURE(fixture, "getattestationstats has the deployed daemon's fields") {
  snapshot.attestations = {8, 6, 2, 40};
  const auto x = ok("getattestationstats");
  CHECK(keys(x) == names{"total_heartbeats", "verified_heartbeats", "pending_heartbeats",
                         "unique_masternodes", "total_verified_count", "verification_rate"});
  CHECK(x["pending_heartbeats"] == 2);
  CHECK(x["verification_rate"] == 75.0);
  snapshot.attestations = {};
  CHECK(ok("getattestationstats")["verification_rate"] == 0.0);
}

// -- the node itself ----------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "uptime is in seconds and never negative") {
  CHECK(ok("uptime") == 10'000);
  auto facts = backend.facts();
  facts.started_at = backend.unix_now() + 5;
  const auto view = rpc_view{facts, backend.chain(), nullptr, backend.unix_now(), {}};
  CHECK(run_rpc("uptime", nullptr, view).value() == 0);
}

TEST_CASE_FIXTURE(fixture, "stop stops once it is called, not when it is called wrongly") {
  CHECK(error("stop", "[1]") == -32602);
  CHECK(stops == 0);
  CHECK(ok("stop") == "timenode stopping");
  CHECK(stops == 1);
}

TEST_CASE_FIXTURE(fixture, "help lists every method and tells about each") {
  const auto all = ok("help").get<std::string>();
  for (const std::string method : {"addnode",
                                   "clearbanned",
                                   "disconnectnode",
                                   "listtrusted",
                                   "setban",
                                   "settrust",
                                   "explainmasternode",
                                   "explainpeer",
                                   "getbestblockhash",
                                   "getblock",
                                   "getblockchaininfo",
                                   "getblockcount",
                                   "getblockhash",
                                   "getconnectioncount",
                                   "gethealth",
                                   "getnetworkinfo",
                                   "getpeerinfo",
                                   "help",
                                   "listbanned",
                                   "rpc.discover",
                                   "masternodelist",
                                   "masternodestatus",
                                   "stop",
                                   "uptime"}) {
    CAPTURE(method);
    CHECK(("\n" + all).find("\n" + method) != std::string::npos);
    CHECK(ok("help", "[\"" + method + "\"]").get<std::string>().starts_with(method));
  }
  CHECK(all.find("getblock blockhash [verbosity]") != std::string::npos);
  const auto one = ok("help", "[\"getblock\"]").get<std::string>();
  CHECK(one.find("\"method\":\"getblock\"") != std::string::npos);  // an example to copy
  CHECK(one.find("verbosity (integer), may be left out") != std::string::npos);
  CHECK(error("help", "[\"nonsense\"]") == -5);
  CHECK(error("help", "[1]") == -32602);
}

TEST_CASE_FIXTURE(fixture, "every method describes itself as OpenRPC wants it") {
  const auto x = ok("rpc.discover");
  CHECK(x["openrpc"] == "1.2.6");
  CHECK(x["info"]["version"] == backend.facts().version);
  std::map<std::string, json> methods;
  for (const auto& method : x["methods"]) {
    CAPTURE(method["name"].get<std::string>());
    methods[method["name"].get<std::string>()] = method;
    CHECK_FALSE(method["summary"].get<std::string>().empty());
    CHECK(method["result"]["name"] == "result");
    CHECK(method["result"]["schema"].is_object());
    bool optional = false;
    for (const auto& param : method["params"]) {
      CHECK_FALSE(param["name"].get<std::string>().empty());
      // None that must be there comes behind one that may be left out.
      CHECK_FALSE((optional && param["required"].get<bool>()));
      optional = !param["required"].get<bool>();
    }
  }
  // The lists of `help` and of this are one.
  const auto all = "\n" + ok("help").get<std::string>() + "\n";
  CHECK(methods.size() == static_cast<std::size_t>(std::count(all.begin(), all.end(), '\n') - 1));
  for (const auto& [name, method] : methods)
    CHECK(all.find("\n" + name) != std::string::npos);
  CHECK(methods.at("getblock")["params"][0]["required"] == true);
  CHECK(methods.at("getblock")["params"][1]["required"] == false);
  CHECK(methods.at("getblock")["params"][1]["schema"]["type"] == "integer");
}

TEST_CASE_FIXTURE(fixture, "health is told with its problems") {
  const auto x = ok("gethealth");
  CHECK(x["ready"] == false);
  CHECK(x["problems"][0] == "gossip did not answer in time");
  CHECK(x["warnings"][0].get<std::string>().find("one-truth") != std::string::npos);
  CHECK(x["height"] == 2);
  CHECK(x["target"] == 8);
}

TEST_CASE_FIXTURE(fixture, "an address is valid on its network only") {
  const auto own = chain::address_of(public_key{}, network_id::testnet);
  CHECK(ok("validateaddress", "[\"" + own + "\"]")["isvalid"] == true);
  CHECK(ok("validateaddress", "[\"" + own + "\"]")["address"] == own);
  const auto other = chain::address_of(public_key{}, network_id::mainnet);
  const auto x = ok("validateaddress", "[\"" + other + "\"]");
  CHECK(x["isvalid"] == false);
  CHECK_FALSE(x["error"].get<std::string>().empty());
  CHECK(error("validateaddress", "[7]") == -32602);
  CHECK(error("validateaddress") == -32602);
}

TEST_CASE_FIXTURE(fixture, "what a node cannot do while it runs, it says") {
  CHECK(error("reload") == -32603);
  CHECK(error("backup", "[\"/x\"]") == -32603);
  CHECK(error("backup", "[\"relative\"]") == -32602);
  CHECK(error("backup", "[7]") == -32602);
}

TEST_CASE_FIXTURE(fixture, "an unknown method is not found, however it is written") {
  CHECK(error("getblocks") == -32601);
  CHECK(error("GetBlockCount") == -32601);
  CHECK(error("") == -32601);
  CHECK(error(std::string(100'000, 'x')) == -32601);
}

TEST_CASE_FIXTURE(
    fixture, "of a method that was mistyped the nearest one is named, and of a wild guess none") {
  const auto said = [this](const std::string& method) { return run(method).error().message; };
  CHECK(said("getpeerinf").ends_with("did you mean getpeerinfo?"));
  CHECK(said("getBlockCount").ends_with("did you mean getblockcount?"));
  CHECK(said("frobnicate").ends_with("'help' lists all"));
}

TEST_CASE_FIXTURE(fixture,
                  "methods that need no snapshot work without one, the others say why not") {
  const auto view = rpc_view{backend.facts(), backend.chain(), nullptr, backend.unix_now(), {}};
  for (const std::string method : {"getblockcount", "getbestblockhash", "uptime", "help", "stop"}) {
    CAPTURE(method);
    CHECK_FALSE(rpc_needs_snapshot(method));
    CHECK(run_rpc(method, nullptr, view).has_value());
  }
  for (const std::string method :
       {"getblockchaininfo", "getnetworkinfo", "getpeerinfo", "masternodelist", "masternodestatus",
        "getconnectioncount", "listbanned"}) {
    CAPTURE(method);
    CHECK(rpc_needs_snapshot(method));
    const auto result = run_rpc(method, nullptr, view, "telemetry is silent");
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == rpc_code::internal_error);
    CHECK(result.error().message == "telemetry is silent");
  }
  CHECK_FALSE(rpc_needs_snapshot("nonsense"));
}
