// What an operator orders about peers by RPC, and asks about one.

#include "net/access_list.hpp"
#include "tests/unit/rpc_methods_fixture.hpp"

using namespace timenode;
using namespace rpc_test;

namespace {

struct fixture : method_fixture {
  /// The order that a call became.
  peer_order order_of(const std::string& method, const std::string& params) {
    backend.questions.clear();
    ok(method, params);
    REQUIRE(backend.questions.size() == 1);
    return std::get<peer_order>(backend.questions[0]);
  }

  /// The error of a call when the order ends like this.
  int error_when(order_result result, const std::string& method, const std::string& params) {
    backend.order = {result, "why"};
    return error(method, params);
  }

  /// No order leaves when the parameters are wrong.
  int refused(const std::string& method, const std::string& params) {
    backend.questions.clear();
    const auto code = error(method, params);
    CHECK(backend.questions.empty());
    return code;
  }

  const std::int64_t now = 1'766'000'000;
};

}  // namespace

// -- setban ------------------------------------------------------------------------------

TEST_CASE_FIXTURE(
    fixture, "setban bans for a day, for so many seconds, or until a moment, as in Bitcoin Core") {
  auto x = order_of("setban", R"(["203.0.113.5", "add"])");
  CHECK(x.kind == order_kind::ban);
  CHECK(x.network == ip_network::parse("203.0.113.5").value());
  CHECK(x.until == now + 86'400);
  CHECK(order_of("setban", R"(["203.0.113.0/24", "add", 0])").until == now + 86'400);
  CHECK(order_of("setban", R"(["203.0.113.0/24", "add", 60])").until == now + 60);
  CHECK(order_of("setban", R"(["203.0.113.0/24", "add", 1800000000, true])").until ==
        1'800'000'000);
  CHECK(order_of("setban", R"({"subnet": "::1/64", "command": "add", "reason": "spam"})").reason ==
        "spam");
  CHECK(order_of("setban", R"(["203.0.113.5", "add", 18446744073709551615])").until ==
        net::for_good);
  x = order_of("setban", R"(["203.0.113.0/255.255.255.0", "remove"])");
  CHECK(x.kind == order_kind::unban);
  CHECK(x.network == ip_network::parse("203.0.113.0/24").value());
}

TEST_CASE_FIXTURE(fixture, "setban has Bitcoin Core's errors") {
  CHECK(ok("setban", R"(["203.0.113.5", "add"])").is_null());
  CHECK(error_when(order_result::already, "setban", R"(["203.0.113.5", "add"])") == -23);
  CHECK(error_when(order_result::not_there, "setban", R"(["203.0.113.5", "remove"])") == -30);
  CHECK(error_when(order_result::refused, "setban", R"(["203.0.113.5", "add"])") == -8);
  // Done, but it will be forgotten: an operator has to know.
  CHECK(error_when(order_result::not_kept, "setban", R"(["203.0.113.5", "add"])") == -1);
  CHECK(refused("setban", R"(["nobody", "add"])") == -30);
  CHECK(refused("setban", R"(["203.0.113.5/33", "add"])") == -30);
  CHECK(refused("setban", R"(["203.0.113.5", "ban"])") == -32602);
  CHECK(refused("setban", R"(["203.0.113.5"])") == -32602);
  CHECK(refused("setban", R"([7, "add"])") == -32602);
  CHECK(refused("setban", R"(["203.0.113.5", "add", "long"])") == -32602);
  CHECK(refused("setban", R"(["203.0.113.5", "add", -1])") == -8);
  CHECK(refused("setban", R"(["203.0.113.5", "add", 1, 1])") == -32602);
}

TEST_CASE_FIXTURE(fixture, "clearbanned lifts all bans") {
  CHECK(order_of("clearbanned", "[]").kind == order_kind::clear_bans);
  CHECK(ok("clearbanned").is_null());
}

TEST_CASE_FIXTURE(fixture,
                  "listbanned gives of each ban reason, evidence, end, and how to lift it") {
  const auto x = ok("listbanned");
  REQUIRE(x.size() == 1);
  CHECK(x[0]["address"] == "198.51.100.7/32");
  CHECK(x[0]["ban_created"] == 1'765'999'000);
  CHECK(x[0]["banned_until"] == 1'766'000'600);
  CHECK(x[0]["ban_duration"] == 1'600);
  CHECK(x[0]["time_remaining"] == 600);
  CHECK(x[0]["by"] == "violations");
  CHECK(x[0]["reason"] == "invalid block");
  CHECK(x[0]["evidence"] == "{\"Blo");
  CHECK(x[0]["lift"] == "timenode unban 198.51.100.7");
}

// -- trust -------------------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture,
                  "settrust and listtrusted are the same for those that are never banned") {
  auto x = order_of("settrust", R"(["10.0.0.0/8", "add", "our site"])");
  CHECK(x.kind == order_kind::trust);
  CHECK(x.reason == "our site");
  CHECK(order_of("settrust", R"(["10.0.0.0/8", "remove"])").kind == order_kind::untrust);
  CHECK(refused("settrust", R"(["10.0.0.0/8", "maybe"])") == -32602);
  const auto list = ok("listtrusted");
  REQUIRE(list.size() == 1);
  CHECK(list[0]["address"] == "10.0.0.0/8");
  CHECK(list[0]["reason"] == "our site");
  CHECK(list[0]["lift"] == "timenode untrust 10.0.0.0/8");
}

// -- connections ---------------------------------------------------------------------------

TEST_CASE_FIXTURE(
    fixture,
    "addnode adds, removes or tries a peer once, at the network's port unless told otherwise") {
  auto x = order_of("addnode", R"(["203.0.113.5", "add"])");
  CHECK(x.kind == order_kind::add_peer);
  CHECK(x.to == endpoint{ip("203.0.113.5"), 24100});
  x = order_of("addnode", R"(["[2001:db8::1]:9", "onetry"])");
  CHECK(x.kind == order_kind::dial_once);
  CHECK(x.to == endpoint{ip("2001:db8::1"), 9});
  CHECK(order_of("addnode", R"(["203.0.113.5", "remove"])").kind == order_kind::remove_peer);
  CHECK(error_when(order_result::already, "addnode", R"(["203.0.113.5", "add"])") == -23);
  CHECK(error_when(order_result::not_there, "addnode", R"(["203.0.113.5", "remove"])") == -24);
  CHECK(refused("addnode", R"(["example.org", "add"])") == -30);
  CHECK(refused("addnode", R"(["203.0.113.5", "once"])") == -32602);
}

TEST_CASE_FIXTURE(fixture, "disconnectnode takes an address or the id of a connection") {
  auto x = order_of("disconnectnode", R"(["203.0.113.5:24100"])");
  CHECK(x.kind == order_kind::disconnect);
  CHECK(x.to->ip == ip("203.0.113.5"));
  CHECK(order_of("disconnectnode", R"(["", 7])").link == 7);
  CHECK(order_of("disconnectnode", R"({"nodeid": 7})").link == 7);
  CHECK(error_when(order_result::not_connected, "disconnectnode", R"(["203.0.113.5"])") == -29);
  CHECK(refused("disconnectnode", R"(["203.0.113.5", 7])") == -32602);
  CHECK(refused("disconnectnode", "[]") == -32602);
  CHECK(refused("disconnectnode", R"(["", "7"])") == -32602);
}

// -- explanations ----------------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "explainpeer says what the node does about an address and why") {
  auto& x = backend.explanation;
  x.peer.ip = ip("198.51.100.7");
  x.peer.state = "banned";
  x.peer.state_ms = 400'000;
  x.peer.rule = "our IP is the higher one: we dial";
  x.peer.next = "the ban ends";
  x.peer.next_step_ms = 600'000;
  x.peer.wanted = true;
  x.peer.purpose = dial_purpose::masternode;
  x.peer.failures = 4;
  x.peer.last_error = "connection refused";
  x.peer.last_error_ms = 1500;
  x.peer.violations = 3;
  x.peer.last_violation = "not JSON";
  x.peer.evidence = "GET / HTTP/1.1";
  x.peer.ban = fixture_snapshot().registry.bans[0];
  x.address.known = true;
  x.address.at = {x.peer.ip, 24100};
  x.address.source = ip("192.0.2.1");
  x.address.why = "wanted: it is being tried";
  x.connections = {fixture_snapshot().peers[1]};
  const auto y = ok("explainpeer", R"(["198.51.100.7"])");
  CHECK(std::get<about_peer>(backend.questions.at(0)).ip == x.peer.ip);
  CHECK(y["address"] == "198.51.100.7");
  CHECK(y["state"] == "banned");
  CHECK(y["state_ms"] == 400'000);
  CHECK(y["rule"] == x.peer.rule);
  CHECK(y["next_step"] == "the ban ends");
  CHECK(y["next_step_ms"] == 600'000);
  CHECK(y["purpose"] == "masternode");
  CHECK(y["failures"] == 4);
  CHECK(y["last_error"] == "connection refused");
  CHECK(y["last_error_ms"] == 1500);
  CHECK(y["violations"] == 3);
  CHECK(y["evidence"] == "GET / HTTP/1.1");
  CHECK(y["banned"]["reason"] == "invalid block");
  CHECK(y["banned"]["lift"] == "timenode unban 198.51.100.7");
  REQUIRE(y["connections"].size() == 1);
  CHECK(y["connections"][0]["state"] == "established");
  CHECK(y["address_book"]["named_by"] == "192.0.2.1");
  CHECK(y["address_book"]["why"] == "wanted: it is being tried");
  CHECK_FALSE(y.contains("did_not_answer"));
  CHECK(refused("explainpeer", R"(["nobody"])") == -32602);
  CHECK(refused("explainpeer", "[7]") == -32602);
  CHECK(refused("explainpeer", "[]") == -32602);
}
