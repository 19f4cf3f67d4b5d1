#include "app/rpc_methods.hpp"

#include "chain/bincode.hpp"
#include "chain/hex.hpp"
#include "messages/wire_codec.hpp"
#include "tests/unit/rpc_fixture.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace {

using namespace timenode;

/// A node in which everything has a value.
struct fixture {
  rpc_result run(const std::string& method, const std::string& params = "null") {
    auto view = rpc_view{backend.facts(), backend.chain(), &snapshot, backend.unix_now(),
                         [this] { ++stops; }};
    return run_rpc(method, json::parse(params), view);
  }

  json ok(const std::string& method, const std::string& params = "null") {
    auto result = run(method, params);
    if (!result)
      FAIL(method << ": " << result.error().message);
    return *result;
  }

  int error(const std::string& method, const std::string& params = "null") {
    const auto result = run(method, params);
    return result ? 0 : static_cast<int>(result.error().code);
  }

  std::string hash(std::uint64_t height) {
    return chain::to_hex(backend.chain().hash_at(height).value());
  }

  test::fixture_backend backend;
  node_snapshot snapshot = test::fixture_snapshot();
  int stops = 0;
};

std::vector<std::string> keys(const json& x) {
  std::vector<std::string> result;
  for (const auto& [key, value] : x.items())
    result.push_back(key);
  return result;
}

using names = std::vector<std::string>;

} // namespace

// -- chain ------------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "getblockchaininfo tells the chain and its download") {
  const auto x = ok("getblockchaininfo");
  CHECK(keys(x)
        == names{"chain", "blocks", "headers", "bestblockhash", "time", "mediantime",
                 "verificationprogress", "initialblockdownload", "utxo_count", "sync", "warnings"});
  CHECK(x["chain"] == "testnet");
  CHECK(x["blocks"] == 2);
  CHECK(x["headers"] == 8);
  CHECK(x["bestblockhash"] == hash(2));
  const auto genesis_time = backend.chain().block_at(0)->header.timestamp;
  CHECK(x["time"] == genesis_time + 1200);
  CHECK(x["mediantime"] == genesis_time + 600);
  CHECK(x["verificationprogress"] == 0.25);
  CHECK(x["initialblockdownload"] == true);
  CHECK(x["utxo_count"] == 42);
  CHECK(x["sync"]["state"] == "syncing");
  CHECK(x["sync"]["target"] == 8);
  CHECK(x["sync"]["peers"] == 5);
  CHECK(x["sync"]["outstanding"] == 6);
  CHECK(x["sync"]["buffered_blocks"] == 7);
  CHECK(x["sync"]["blocks_per_second"] == 12.5);
  CHECK(x["sync"]["eta_seconds"] == 90);
}

TEST_CASE_FIXTURE(fixture, "a node at its target is done downloading, also when one block is due") {
  snapshot.sync.target = 2;
  auto x = ok("getblockchaininfo");
  CHECK(x["headers"] == 2);
  CHECK(x["verificationprogress"] == 1.0);
  CHECK(x["initialblockdownload"] == false);
  snapshot.sync.target = 3;
  CHECK(ok("getblockchaininfo")["initialblockdownload"] == false);
  // A snapshot older than the chain does not take headers below blocks.
  snapshot.sync.target = 0;
  CHECK(ok("getblockchaininfo")["headers"] == 2);
}

TEST_CASE_FIXTURE(fixture, "getblockcount and getbestblockhash are the tip's") {
  CHECK(ok("getblockcount") == 2);
  CHECK(ok("getblockcount").is_number_integer());
  CHECK(ok("getbestblockhash") == hash(2));
}

TEST_CASE_FIXTURE(fixture, "getblockhash names the block at a height") {
  CHECK(ok("getblockhash", "[0]")
        == "062446a0fd0a15cb69837ac6d5e6ddac92a3ae61ef0707afc35ed54b5ae95480");
  CHECK(ok("getblockhash", R"({"height":2})") == hash(2));
  CHECK(error("getblockhash", "[3]") == -8);
  CHECK(error("getblockhash", "[-1]") == -8);
  CHECK(error("getblockhash", "[18446744073709551615]") == -8);
  CHECK(error("getblockhash", "[1.5]") == -32602);
  CHECK(error("getblockhash", "[\"1\"]") == -32602);
  CHECK(error("getblockhash", "[true]") == -32602);
  CHECK(error("getblockhash") == -32602);
  CHECK(error("getblockhash", "[null]") == -32602);
  CHECK(error("getblockhash", "[1,2]") == -32602);
  CHECK(error("getblockhash", R"({"hight":1})") == -32602);
}

TEST_CASE_FIXTURE(fixture, "getblock describes a block with the ids of its transactions") {
  const auto& block = *backend.chain().block_at(1);
  const auto x = ok("getblock", "[\"" + hash(1) + "\"]");
  CHECK(keys(x)
        == names{"hash", "confirmations", "height", "version", "merkleroot", "time", "mediantime",
                 "block_reward", "previousblockhash", "nextblockhash", "size", "nTx", "tx",
                 "masternode_rewards"});
  CHECK(x["hash"] == hash(1));
  CHECK(x["confirmations"] == 2);
  CHECK(x["height"] == 1);
  CHECK(x["version"] == 1);
  CHECK(x["merkleroot"] == chain::to_hex(block.header.merkle_root));
  CHECK(x["time"] == block.header.timestamp);
  CHECK(x["block_reward"].get<std::uint64_t>() == 10'000'000'001u);
  CHECK(x["previousblockhash"] == hash(0));
  CHECK(x["nextblockhash"] == hash(2));
  CHECK(x["size"] == chain::encoded_size(block));
  CHECK(x["nTx"] == 2);
  REQUIRE(x["tx"].size() == 2);
  CHECK(x["tx"][0] == chain::to_hex(chain::txid(block.transactions[0])));
  CHECK(x["tx"][1] == chain::to_hex(chain::txid(block.transactions[1])));
  CHECK(x["masternode_rewards"]
        == json::parse(R"([{"address":"TIME0abc","amount":10000000001}])"));
}

TEST_CASE_FIXTURE(fixture, "getblock takes a height, a hash of either case, and names") {
  const auto by_height = ok("getblock", "[1]");
  CHECK(by_height["hash"] == hash(1));
  auto upper = hash(1);
  for (auto& c : upper)
    c = static_cast<char>(std::toupper(c));
  CHECK(ok("getblock", "[\"" + upper + "\",1]") == by_height);
  CHECK(ok("getblock", R"({"blockhash":1,"verbosity":1})") == by_height);
  CHECK(ok("getblock", "[1,true]") == by_height);
  CHECK(ok("getblock", "[1,null]") == by_height);
}

TEST_CASE_FIXTURE(fixture, "the first block has none before it and the last none behind") {
  const auto first = ok("getblock", "[0]");
  CHECK_FALSE(first.contains("previousblockhash"));
  CHECK(first["confirmations"] == 3);
  const auto last = ok("getblock", "[2]");
  CHECK_FALSE(last.contains("nextblockhash"));
  CHECK(last["confirmations"] == 1);
}

TEST_CASE_FIXTURE(fixture, "getblock with verbosity 2 shows whole transactions, exactly") {
  const auto tx = ok("getblock", "[1,2]")["tx"][1];
  const auto& real = backend.chain().block_at(1)->transactions[1];
  CHECK(tx["txid"] == chain::to_hex(chain::txid(real)));
  CHECK(tx["version"] == 2);
  CHECK(tx["size"] == chain::encoded_size(real));
  CHECK(tx["locktime"] == 7);
  CHECK(tx["time"] == 0);
  REQUIRE(tx["vin"].size() == 1);
  CHECK(tx["vin"][0]["txid"] == chain::to_hex(real.inputs[0].previous_output.txid));
  CHECK(tx["vin"][0]["vout"] == 3);
  CHECK(tx["vin"][0]["scriptSig"]["hex"] == "dead");
  CHECK(tx["vin"][0]["sequence"] == 4294967295u);
  REQUIRE(tx["vout"].size() == 1);
  CHECK(tx["vout"][0]["value"].get<std::uint64_t>() == 18'446'744'073'709'551'615u);
  CHECK(tx["vout"][0]["n"] == 0);
  CHECK(tx["vout"][0]["scriptPubKey"]["hex"] == "00ff");
  // A script that is no text has no address, one that is has.
  CHECK_FALSE(tx["vout"][0]["scriptPubKey"].contains("address"));
  const auto coinbase = ok("getblock", "[1,2]")["tx"][0];
  CHECK(coinbase["vout"][0]["scriptPubKey"]["address"] == "TIME0abc");
  CHECK(coinbase["vin"].empty());
}

TEST_CASE_FIXTURE(fixture, "getblock with verbosity 0 is the text that peers exchange") {
  std::string text;
  wire::encode_block(*backend.chain().block_at(1), text);
  CHECK(ok("getblock", "[1,0]") == text);
  CHECK(ok("getblock", "[1,false]") == text);
}

TEST_CASE_FIXTURE(fixture, "getblock says what is wrong with its arguments") {
  CHECK(error("getblock") == -32602);
  CHECK(error("getblock", "[3]") == -8);
  CHECK(error("getblock", "[-1]") == -8);
  CHECK(error("getblock", "[\"" + std::string(64, '0') + "\"]") == -5);
  CHECK(error("getblock", "[\"" + std::string(63, '0') + "\"]") == -32602);
  CHECK(error("getblock", "[\"" + std::string(64, 'g') + "\"]") == -32602);
  CHECK(error("getblock", "[\"1\"]") == -32602);
  CHECK(error("getblock", "[1.0]") == -32602);
  CHECK(error("getblock", "[[]]") == -32602);
  CHECK(error("getblock", "[1,3]") == -8);
  CHECK(error("getblock", "[1,-1]") == -8);
  CHECK(error("getblock", "[1,\"1\"]") == -32602);
  CHECK(error("getblock", "[1,1,1]") == -32602);
}

// -- network ----------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "getnetworkinfo tells the network side") {
  const auto x = ok("getnetworkinfo");
  CHECK(keys(x)
        == names{"version", "subversion", "protocolversion", "connections", "connections_in",
                 "connections_out", "networkactive", "localaddresses", "links_by_state",
                 "known_addresses", "connections_ended", "gossip", "invariant_violations",
                 "warnings"});
  CHECK(x["version"] == 100);
  CHECK(x["subversion"] == "/timenode:0.1.0/");
  CHECK(x["protocolversion"] == 1);
  CHECK(x["connections"] == 2);
  CHECK(x["connections_in"] == 1);
  CHECK(x["connections_out"] == 1);
  CHECK(x["networkactive"] == true);
  CHECK(x["localaddresses"] == json::parse(R"([{"address":"192.0.2.9","port":24100}])"));
  CHECK(x["links_by_state"]
        == json::parse(R"({"connecting":1,"handshaking":0,"established":2,"closing":1})"));
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

TEST_CASE_FIXTURE(fixture, "getconnectioncount counts what is established") {
  CHECK(ok("getconnectioncount") == 2);
}

TEST_CASE_FIXTURE(fixture, "getpeerinfo describes every connection") {
  const auto all = ok("getpeerinfo");
  REQUIRE(all.size() == 2);
  const auto x = all[1];
  CHECK(keys(x)
        == names{"id", "addr", "addrlocal", "inbound", "state", "conntime", "lastsend", "lastrecv",
                 "bytessent", "bytesrecv", "sendqueuebytes", "messagessent", "messagesrecv",
                 "pingtime", "minping", "pingsent", "pongreceived", "pinganswered", "synced_blocks",
                 "is_masternode", "version", "subver", "capabilities", "violations",
                 "unknown_messages", "dropped_messages"});
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

TEST_CASE_FIXTURE(fixture, "listbanned gives reason, evidence and end of each ban") {
  const auto x = ok("listbanned");
  REQUIRE(x.size() == 1);
  CHECK(x[0]["address"] == "198.51.100.7");
  CHECK(x[0]["reason"] == "invalid block");
  CHECK(x[0]["evidence"] == "{\"Blo");
  CHECK(x[0]["ban_until"] == 1'766'000'600);
  CHECK(x[0]["time_remaining"] == 600);
}

TEST_CASE_FIXTURE(fixture, "explainpeer says what the node does about an address and why") {
  const auto x = ok("explainpeer", R"(["192.0.2.2"])");
  CHECK(x["address"] == "192.0.2.2");
  CHECK(x["state"] == "established");
  CHECK(x["rule"] == "we dial: our address is the higher one");
  CHECK(x["next_step_ms"] == 1500);
  CHECK(x["failures"] == 4);
  CHECK(x["last_error"] == "connection refused");
  CHECK(x["their_dials_fail"] == true);
  REQUIRE(x["links"].size() == 2);
  CHECK(x["links"][0] == json::parse(R"({"id":2,"inbound":false,"state":"established"})"));
  CHECK_FALSE(x.contains("banned"));
  const auto banned = ok("explainpeer", R"(["198.51.100.7"])");
  CHECK(banned["address"] == "198.51.100.7");
  CHECK(banned["banned"]["reason"] == "invalid block");
  CHECK(error("explainpeer", R"(["203.0.113.1"])") == -5);
  CHECK(error("explainpeer", R"(["nobody"])") == -32602);
  CHECK(error("explainpeer", "[7]") == -32602);
  CHECK(error("explainpeer") == -32602);
}

// -- masternodes ------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "masternodelist describes every masternode") {
  const auto all = ok("masternodelist");
  REQUIRE(all.size() == 2);
  const auto x = all[0];
  CHECK(keys(x)
        == names{"address", "tier", "reward_address", "public_key", "is_active", "is_connected",
                 "last_seen", "first_seen", "heartbeat_sequence", "attestations", "status_reason"});
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
  const auto x = ok("explainmasternode", R"({"address":"192.0.2.2"})");
  CHECK(x["status_reason"] == "silent for five minutes");
  CHECK(x["is_ours"] == false);
  CHECK(x["peer"]["state"] == "established");
  CHECK(ok("explainmasternode", R"(["192.0.2.9"])")["peer"].is_null());
  CHECK(error("explainmasternode", R"(["192.0.2.1"])") == -5);
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
  for (const std::string method :
       {"explainmasternode", "explainpeer", "getbestblockhash", "getblock", "getblockchaininfo",
        "getblockcount", "getblockhash", "getconnectioncount", "getnetworkinfo", "getpeerinfo",
        "help", "listbanned", "masternodelist", "masternodestatus", "stop", "uptime"}) {
    CAPTURE(method);
    CHECK(("\n" + all).find("\n" + method) != std::string::npos);
    CHECK(ok("help", "[\"" + method + "\"]").get<std::string>().starts_with(method));
  }
  CHECK(all.find("getblock blockhash [verbosity]") != std::string::npos);
  CHECK(error("help", "[\"nonsense\"]") == -5);
  CHECK(error("help", "[1]") == -32602);
}

TEST_CASE_FIXTURE(fixture, "an unknown method is not found, however it is written") {
  CHECK(error("getblocks") == -32601);
  CHECK(error("GetBlockCount") == -32601);
  CHECK(error("") == -32601);
  CHECK(error(std::string(100'000, 'x')) == -32601);
}

TEST_CASE_FIXTURE(fixture, "methods that need no snapshot work without one, the others say why not") {
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
