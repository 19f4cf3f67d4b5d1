#include "tests/unit/rpc_server_fixture.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>

namespace {

using namespace timenode;
using namespace std::chrono_literals;
using json = nlohmann::json;
using fixture = rpc_test::server_fixture;
using rpc_test::get;
using rpc_test::getblockcount;
using rpc_test::getpeerinfo;
using rpc_test::http_client;
using rpc_test::post_with;
using std::chrono::steady_clock;

}  // namespace

// -- where it listens ---------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "the server refuses to listen for other machines without a password") {
  for (const auto* address : {"0.0.0.0", "192.0.2.1", "::", "2001:db8::1"}) {
    CAPTURE(address);
    const auto result = rpc_server::start({{rpc_test::ip(address), 0}, {}, {}, {}}, backend);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().reason.find("nobody has a password") != std::string::npos);
    CHECK(result.error().reason.find(address) != std::string::npos);
  }
}

TEST_CASE_FIXTURE(fixture, "for other machines, calls need a password, health does not") {
  auto started =
      rpc_server::start({{rpc_test::ip("0.0.0.0"), 0}, {}, {}, "operator:secret"}, backend);
  REQUIRE_MESSAGE(started.has_value(), (started ? "" : started.error().reason));
  const auto at = endpoint{rpc_test::ip("127.0.0.1"), (*started)->local_endpoint().port};
  http_client client{at};
  auto x = client.post(getblockcount);
  CHECK(x.status == 401);
  CHECK(x.headers.at("www-authenticate").starts_with("Basic realm="));
  CHECK(x.body.find("result") == std::string::npos);
  const auto wrong = "Authorization: " + basic_authorization("operator:wrong") + "\r\n";
  CHECK(client.post(getblockcount, wrong).status == 401);
  const auto right = "Authorization: " + basic_authorization("operator:secret") + "\r\n";
  CHECK(client.post(getblockcount, right).status == 200);
  // By any name: who has the password has it for this one.
  client.send(post_with("Host: node.example\r\n" + right));
  CHECK(client.receive().value().status == 200);
  client.send(get("/health/live"));
  CHECK(client.receive().value().status == 200);
  for (int i = 0; i < 11; ++i)
    x = client.post(getblockcount, wrong);
  CHECK(x.status == 429);
}

TEST_CASE_FIXTURE(fixture, "calls are served at /rpc, too") {
  http_client client{start()};
  client.send("POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
              std::to_string(getblockcount.size()) + "\r\n\r\n" + getblockcount);
  CHECK(json::parse(client.receive().value().body)["result"] == 2);
}

TEST_CASE_FIXTURE(fixture, "a port in use is named in the failure") {
  const auto taken = start();
  const auto result = rpc_server::start({taken, {}, {}, {}}, backend);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().reason == "RPC cannot listen on " + taken.to_string() +
                                     ": the port is in use, perhaps by another node");
}

TEST_CASE_FIXTURE(fixture, "a server can start again at once where one has stopped") {
  const auto at = start();
  http_client client{at};
  CHECK(client.post(getblockcount).status == 200);
  server.reset();
  const auto again = rpc_server::start({at, {}, {}, {}}, backend);
  CHECK_MESSAGE(again.has_value(), (again ? "" : again.error().reason));
}

TEST_CASE_FIXTURE(fixture,
                  "stopping the server ends idle, busy and half-sent requests within a second") {
  limits.answer_timeout = 60s;
  std::promise<rpc_test::fixture_backend::taker> asked;
  backend->on_snapshot = [&](rpc_test::fixture_backend::taker then) {
    asked.set_value(std::move(then));
  };
  const auto at = start();
  http_client idle{at};
  CHECK(idle.post(getblockcount).status == 200);
  http_client half{at};
  half.send("POST / HTTP/1.1\r\nHo");
  http_client busy{at};
  busy.send(post_with("Host: localhost\r\n", getpeerinfo));
  auto late = asked.get_future().get();
  const auto before = steady_clock::now();
  server.reset();
  CHECK(steady_clock::now() - before < 1s);
  CHECK(idle.closed());
  CHECK(half.closed());
  CHECK(busy.closed());
  // An answer that comes after the end goes nowhere.
  late(rpc_test::fixture_snapshot());
}

// -- calls --------------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "a call is answered with JSON") {
  http_client client{start()};
  const auto x = client.post(getblockcount, "Content-Type: application/json\r\n");
  CHECK(x.status == 200);
  CHECK(x.headers.at("content-type") == "application/json");
  CHECK(x.headers.at("cache-control") == "no-store");
  CHECK(json::parse(x.body) == json::parse(R"({"jsonrpc":"2.0","id":1,"result":2})"));
  CHECK(backend->snapshots == 0);
}

TEST_CASE_FIXTURE(fixture, "a method that needs the actors is answered from a snapshot") {
  http_client client{start()};
  const auto x = json::parse(client.post(getpeerinfo).body);
  CHECK(x["result"].size() == 2);
  CHECK(x["result"][1]["id"].get<std::uint64_t>() == 18446744073709551615u);
  CHECK(backend->snapshots == 1);
}

TEST_CASE_FIXTURE(fixture, "a batch takes one snapshot for all its calls") {
  http_client client{start()};
  const auto x = json::parse(client
                                 .post(R"([{"jsonrpc":"2.0","id":1,"method":"getpeerinfo"},
                                         {"jsonrpc":"2.0","id":2,"method":"getnetworkinfo"},
                                         {"jsonrpc":"2.0","id":3,"method":"nonsense"},
                                         {"jsonrpc":"2.0","id":4,"method":"getblock","params":[99]},
                                         {"jsonrpc":"2.0","id":5,"method":"uptime"}])")
                                 .body);
  REQUIRE(x.size() == 5);
  CHECK(x[0]["result"].size() == 2);
  CHECK(x[1]["result"]["connections"] == 2);
  CHECK(x[2]["error"]["code"] == -32601);
  CHECK(x[3]["error"]["code"] == -8);
  CHECK(x[4]["result"] == 10'000);
  CHECK(backend->snapshots == 1);
}

TEST_CASE_FIXTURE(fixture, "a snapshot that fails is the failure of the calls that need it") {
  backend->on_snapshot = [](auto then) { then(fail("telemetry is silent")); };
  http_client client{start()};
  const auto x = json::parse(client.post("[" + getpeerinfo + "," + getblockcount + "]").body);
  CHECK(x[0]["error"]["code"] == -32603);
  CHECK(x[0]["error"]["message"] == "telemetry is silent");
  CHECK(x[1]["result"] == 2);
}

TEST_CASE_FIXTURE(fixture,
                  "failed calls come with status 200, notifications with 204 and no body") {
  http_client client{start()};
  auto x = client.post("nonsense");
  CHECK(x.status == 200);
  CHECK(json::parse(x.body)["error"]["code"] == -32700);
  x = client.post("{}");
  CHECK(x.status == 200);
  CHECK(json::parse(x.body)["error"]["code"] == -32600);
  x = client.post("");
  CHECK(json::parse(x.body)["error"]["code"] == -32700);
  x = client.post(R"({"jsonrpc":"2.0","method":"getblockcount"})");
  CHECK(x.status == 204);
  CHECK(x.body.empty());
  CHECK(client.post(getblockcount).status == 200);
}

TEST_CASE_FIXTURE(fixture, "stop is answered before the node stops") {
  std::promise<void> stopped;
  backend->on_stop = [&] { stopped.set_value(); };
  http_client client{start()};
  const auto x = client.post(R"({"jsonrpc":"2.0","id":1,"method":"stop"})");
  CHECK(json::parse(x.body)["result"] == "timenode stopping");
  CHECK(stopped.get_future().wait_for(10s) == std::future_status::ready);
  CHECK(backend->stops == 1);
}

TEST_CASE_FIXTURE(fixture, "an answer may come from another thread, and later") {
  std::promise<rpc_test::fixture_backend::taker> asked;
  backend->on_snapshot = [&](rpc_test::fixture_backend::taker then) {
    asked.set_value(std::move(then));
  };
  const auto at = start();
  http_client waiting{at};
  waiting.send(post_with("Host: localhost\r\n", getpeerinfo));
  auto then = asked.get_future().get();
  // Others are served in the meantime.
  http_client other{at};
  CHECK(other.post(getblockcount).status == 200);
  std::thread{[&] { then(rpc_test::fixture_snapshot()); }}.join();
  CHECK(json::parse(waiting.receive().value().body)["result"].size() == 2);
}

TEST_CASE_FIXTURE(
    fixture, "an answer that does not come is given up, and one that comes too late is dropped") {
  limits.answer_timeout = 50ms;
  std::promise<rpc_test::fixture_backend::taker> asked;
  backend->on_snapshot = [&](rpc_test::fixture_backend::taker then) {
    asked.set_value(std::move(then));
  };
  http_client client{start()};
  client.send(post_with("Host: localhost\r\n", getpeerinfo));
  const auto x = client.receive().value();
  CHECK(x.status == 503);
  CHECK(x.headers.at("connection") == "close");
  asked.get_future().get()(rpc_test::fixture_snapshot());
  CHECK(client.closed());
}

TEST_CASE_FIXTURE(fixture, "a client that goes away before its answer does no harm") {
  std::promise<rpc_test::fixture_backend::taker> asked;
  backend->on_snapshot = [&](rpc_test::fixture_backend::taker then) {
    asked.set_value(std::move(then));
  };
  const auto at = start();
  {
    http_client gone{at};
    gone.send(post_with("Host: localhost\r\n", getpeerinfo));
    asked.get_future().wait();
  }
  asked = {};
  http_client other{at};
  CHECK(other.post(getblockcount).status == 200);
}

// -- health ---------------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "the server says that it lives without asking anyone") {
  http_client client{start()};
  client.send(get("/health/live"));
  const auto x = client.receive().value();
  CHECK(x.status == 200);
  CHECK(json::parse(x.body)["live"] == true);
  CHECK(backend->snapshots == 0);
}

TEST_CASE_FIXTURE(fixture, "a node is ready when all actors answer and the store works") {
  auto snapshot = rpc_test::fixture_snapshot();
  bool answers = true;
  backend->on_snapshot = [&](auto then) {
    if (answers)
      then(snapshot);
    else
      then(fail("telemetry is silent"));
  };
  http_client client{start()};
  const auto ask = [&] {
    client.send(get("/health/ready"));
    return client.receive().value();
  };
  auto x = ask();
  CHECK(x.status == 503);
  CHECK(json::parse(x.body)["problems"][0] == "gossip did not answer in time");
  snapshot.silent.clear();
  snapshot.keeper.storage_error = "disk full";
  x = ask();
  CHECK(x.status == 503);
  CHECK(json::parse(x.body)["problems"][0] == "the store fails: disk full");
  snapshot.keeper.storage_error.clear();
  x = ask();
  CHECK(x.status == 200);
  CHECK(json::parse(x.body)["ready"] == true);
  answers = false;
  x = ask();
  CHECK(x.status == 503);
  CHECK(json::parse(x.body)["problems"][0] == "telemetry is silent");
}
