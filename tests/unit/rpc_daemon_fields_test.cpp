#include "app/rpc_daemon_fields.hpp"
#include "tests/unit/rpc_methods_fixture.hpp"

using namespace timenode;

namespace {

/// What a client of the server gets.
struct daemon_fixture : rpc_test::method_fixture {
  json answer(const std::string& method, const std::string& params = "null") {
    const auto view = rpc_view{backend.facts(), backend.chain(), &snapshot, backend.unix_now(), {}};
    auto result = ok(method, params);
    add_daemon_fields(method, view, result);
    return result;
  }
};

}  // namespace

TEST_CASE_FIXTURE(daemon_fixture,
                  "daemon fields: the chain is named as the daemon does, the network as we do") {
  const auto x = answer("getblockchaininfo");
  CHECK(x["chain"] == "test");
  CHECK(x["network"] == "testnet");
  CHECK(x["chainwork"] == std::string(63, '0') + "2");
  CHECK(x["pruned"] == false);
  CHECK(x["blocks"] == 2);
}

TEST_CASE_FIXTURE(
    daemon_fixture,
    "daemon fields: the genesis block has a previous one of zeros, others keep theirs") {
  CHECK(answer("getblock", "[0]")["previousblockhash"] == std::string(64, '0'));
  CHECK(answer("getblock", "[1]")["previousblockhash"] == hash(0));
  CHECK(answer("getblock", "[1,0]").is_string());
}

TEST_CASE_FIXTURE(daemon_fixture,
                  "daemon fields: masternodes are counted, with their collateral and times") {
  const auto x = answer("masternodelist");
  CHECK(x["total"] == 2);
  const auto& own = x["masternodes"][0];
  CHECK(own["address"] == "192.0.2.9");
  CHECK(own["wallet_address"] == "TIME0own");
  CHECK(own["collateral"] == 10'000);
  CHECK(own["registered_at"] == 1'765'000'000);
  CHECK(own["last_heartbeat"] == 1'765'999'999);
  CHECK(own["total_uptime"] == 1'000'000);
  CHECK(x["masternodes"][1]["total_uptime"] == 0);
  snapshot.masternodes.clear();
  CHECK(answer("masternodelist")["total"] == 0);
  CHECK(answer("masternodelist")["masternodes"].is_array());
}

TEST_CASE_FIXTURE(daemon_fixture, "daemon fields: a node that is no masternode says so") {
  CHECK(answer("masternodestatus")["message"] == "first heartbeat");
  CHECK(answer("masternodestatus")["total_uptime"] == 1'000'000);
  snapshot.masternodes.clear();
  CHECK(answer("masternodestatus")["message"] == "This node is not configured as a masternode");
}

TEST_CASE_FIXTURE(daemon_fixture, "daemon fields: a peer that is a masternode has its tier") {
  const auto x = answer("getpeerinfo");
  CHECK(x[1]["tier"] == "Free");
  CHECK(x[1]["active"] == false);
  CHECK(x[1]["lastseen"] == 1'765'999'003);
  CHECK_FALSE(x[0].contains("tier"));
}

TEST_CASE_FIXTURE(daemon_fixture, "daemon fields: other answers stay as they are") {
  for (const std::string method : {"getblockcount", "uptime", "listbanned", "gethealth"})
    CHECK(answer(method) == ok(method));
}
