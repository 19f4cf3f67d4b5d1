#include "app/http_guard.hpp"
#include "tests/unit/rpc_server_fixture.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <deque>
#include <future>
#include <mutex>
#include <string>
#include <thread>

namespace {

using namespace timenode;
using namespace std::chrono_literals;
using json = nlohmann::json;
using fixture = rpc_test::server_fixture;
using rpc_test::getblockcount;
using rpc_test::getpeerinfo;
using rpc_test::http_client;
using rpc_test::post_with;

}  // namespace

// -- connections --------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "one connection serves two hundred requests") {
  http_client client{start()};
  for (int i = 0; i < 200; ++i) {
    const auto x =
        client.post(R"({"jsonrpc":"2.0","method":"getblockcount","id":)" + std::to_string(i) + "}");
    REQUIRE(x.status == 200);
    CHECK(json::parse(x.body)["id"] == i);
  }
}

TEST_CASE_FIXTURE(fixture, "requests that are sent ahead are answered in order") {
  http_client client{start()};
  std::string all;
  for (int i = 0; i < 20; ++i)
    all += post_with("Host: localhost\r\n",
                     R"({"jsonrpc":"2.0","method":"uptime","id":)" + std::to_string(i) + "}");
  client.send(all);
  for (int i = 0; i < 20; ++i)
    CHECK(json::parse(client.receive().value().body)["id"] == i);
}

TEST_CASE_FIXTURE(fixture, "a request may come byte by byte and in chunks") {
  http_client client{start()};
  for (const char c : post_with("Host: localhost\r\n"))
    client.send({&c, 1});
  CHECK(client.receive().value().status == 200);
  client.send("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n" +
              getblockcount.substr(0, 16) + "\r\n");
  client.send("21\r\n" + getblockcount.substr(16) + "\r\n0\r\n\r\n");
  REQUIRE(getblockcount.size() == 16 + 0x21);
  CHECK(json::parse(client.receive().value().body)["result"] == 2);
}

TEST_CASE_FIXTURE(
    fixture,
    "a client that wants to close is closed, one of HTTP/1.0 too unless it says otherwise") {
  const auto at = start();
  http_client closing{at};
  CHECK(closing.post(getblockcount, "Connection: close\r\n").status == 200);
  CHECK(closing.closed());
  http_client old{at};
  old.send("POST / HTTP/1.0\r\nContent-Length: " + std::to_string(getblockcount.size()) +
           "\r\n\r\n" + getblockcount);
  CHECK(old.receive().value().status == 200);
  CHECK(old.closed());
  http_client staying{at};
  for (int i = 0; i < 2; ++i) {
    staying.send("POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: " +
                 std::to_string(getblockcount.size()) + "\r\n\r\n" + getblockcount);
    const auto x = staying.receive().value();
    CHECK(x.status == 200);
    CHECK(x.headers.at("connection") == "keep-alive");
  }
}

TEST_CASE_FIXTURE(fixture, "a client that sends no more than its request still gets the answer") {
  http_client client{start()};
  client.send(post_with("Host: localhost\r\n"));
  client.finish();
  CHECK(client.receive().value().status == 200);
  CHECK(client.closed());
}

TEST_CASE_FIXTURE(fixture, "a client that asks first is told to go on") {
  http_client client{start()};
  client.send("POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: " +
              std::to_string(getblockcount.size()) + "\r\n\r\n");
  CHECK(client.receive().value().status == 100);
  client.send(getblockcount);
  CHECK(client.receive().value().status == 200);
  client.send(post_with("Host: localhost\r\nExpect: miracles\r\n"));
  CHECK(client.receive().value().status == 417);
}

namespace {

/// Keeps those who ask for it waiting for a snapshot.
struct slow_fixture : rpc_test::server_fixture {
  slow_fixture() {
    limits.connections = 3;
    backend->on_snapshot = [this](rpc_test::fixture_backend::taker then) {
      const std::lock_guard lock{mutex};
      waiting.push_back(std::move(then));
    };
  }
  /// A client whose request the server is at work on.
  http_client& busy_client(const endpoint& at) {
    auto& client = clients.emplace_back(at);
    client.send(post_with("Host: localhost\r\n", getpeerinfo));
    while (count() < clients.size())
      std::this_thread::yield();
    return client;
  }
  std::size_t count() {
    const std::lock_guard lock{mutex};
    return waiting.size();
  }
  void answer_all() {
    const std::lock_guard lock{mutex};
    for (auto& then : waiting)
      then(rpc_test::fixture_snapshot());
  }

  std::mutex mutex;
  std::deque<rpc_test::fixture_backend::taker> waiting;
  std::deque<http_client> clients;
};

}  // namespace

TEST_CASE_FIXTURE(slow_fixture,
                  "connections above the limit are told so while all others are being served") {
  const auto at = start();
  for (int i = 0; i < 3; ++i)
    busy_client(at);
  http_client refused{at};
  const auto x = refused.receive().value();
  CHECK(x.status == 503);
  CHECK(x.body == "Too many connections.\n");
  refused.finish();
  CHECK(refused.closed());
  answer_all();
  for (auto& client : clients)
    CHECK(client.receive().value().status == 200);
  CHECK(http_client{at}.post(getblockcount).status == 200);
}

TEST_CASE_FIXTURE(slow_fixture,
                  "a flood of connections does not hurt those that are being served") {
  const auto at = start();
  auto& busy = busy_client(at);
  std::deque<http_client> flood;
  for (int i = 0; i < 60; ++i)
    flood.emplace_back(at);
  CHECK(http_client{at}.post(getblockcount).status == 200);
  answer_all();
  CHECK(busy.receive().value().status == 200);
}

TEST_CASE_FIXTURE(slow_fixture, "of many who want to follow at one time each is answered at once") {
  limits.connections = 64;
  const auto at = start();
  for (std::size_t i = 0; i < 60; ++i)
    clients.emplace_back(at).send(rpc_test::get("/events"));
  while (count() < clients.size())
    std::this_thread::yield();
  answer_all();
  std::size_t followers = 0;
  for (auto& client : clients) {
    REQUIRE(client.readable_within(5000));
    followers += client.receive().value().status == 200 ? 1 : 0;
  }
  CHECK(followers > 0);
  CHECK(followers <= limits.streams);
  CHECK(http_client{at}.post(getblockcount).status == 200);
}

TEST_CASE_FIXTURE(fixture, "idle connections make room, the one that is idle longest first") {
  limits.connections = 3;
  const auto at = start();
  std::deque<http_client> idle;
  for (int i = 0; i < 3; ++i)
    CHECK(idle.emplace_back(at).post(getblockcount).status == 200);
  CHECK(idle[0].post(getblockcount).status == 200);
  http_client newcomer{at};
  CHECK(newcomer.post(getblockcount).status == 200);
  CHECK(idle[1].closed());
  CHECK(idle[0].post(getblockcount).status == 200);
  CHECK(idle[2].post(getblockcount).status == 200);
}

TEST_CASE_FIXTURE(fixture, "sixty-four connections that send half a request lock nobody out") {
  const auto at = start();
  std::deque<http_client> halves;
  for (int i = 0; i < 64; ++i)
    halves.emplace_back(at).send("POST / HTTP/1.1\r\nHost: lo");
  for (int i = 0; i < 5; ++i)
    CHECK(http_client{at}.post(getblockcount).status == 200);
}

TEST_CASE_FIXTURE(fixture, "connections that never read their answers lock nobody out") {
  limits.connections = 3;
  limits.write_patience = 50ms;
  std::promise<void> all_asked;
  backend->on_snapshot = [&, asked = 0](auto then) mutable {
    if (++asked == 3)
      all_asked.set_value();
    auto x = rpc_test::fixture_snapshot();
    x.peers[0].version = std::string(15u << 20, 'x');  // More than two sockets buffer.
    then(std::move(x));
  };
  const auto at = start();
  std::deque<http_client> deaf;
  for (int i = 0; i < 3; ++i)
    deaf.emplace_back(at).send(post_with("Host: localhost\r\n", getpeerinfo));
  REQUIRE(all_asked.get_future().wait_for(15s) == std::future_status::ready);
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (http_client{at}.post(getblockcount).status != 200)
    REQUIRE(std::chrono::steady_clock::now() < end);
}

TEST_CASE_FIXTURE(fixture, "who asks too often is told so, and is served again later") {
  limits.request_burst = 5;
  limits.requests_per_second = 50;
  const auto at = start();
  int refused = 0;
  // As many as come within a burst's time, and more.
  for (int i = 0; i < 500 && refused == 0; ++i)
    refused += http_client{at}.post(getblockcount).status == 429 ? 1 : 0;
  CHECK(refused > 0);
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (http_client{at}.post(getblockcount).status != 200)
    REQUIRE(std::chrono::steady_clock::now() < end);
}

TEST_CASE_FIXTURE(fixture, "an idle connection is closed after its time") {
  limits.idle_timeout = 50ms;
  http_client client{start()};
  CHECK(client.post(getblockcount).status == 200);
  CHECK(client.closed());
}

TEST_CASE_FIXTURE(fixture, "a connection that never asks is closed after a request's time") {
  limits.request_timeout = 50ms;
  http_client client{start()};
  CHECK(client.closed());
}

TEST_CASE_FIXTURE(fixture, "a request that comes too slowly is told so and closed") {
  limits.request_timeout = 100ms;
  const auto at = start();
  http_client in_header{at};
  in_header.send("POST / HTTP/1.1\r\nHost: loc");
  http_client in_body{at};
  in_body.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{");
  for (auto* client : {&in_header, &in_body}) {
    const auto x = client->receive().value();
    CHECK(x.status == 408);
    CHECK(x.headers.at("connection") == "close");
    client->finish();
    CHECK(client->closed());
  }
}

TEST_CASE_FIXTURE(fixture, "the time for a request is not renewed by each byte of it") {
  limits.request_timeout = 200ms;
  http_client client{start()};
  client.send("POST / HTTP/1.1\r\nHost: localhost\r\nX: ");
  int bytes = 0;
  for (; bytes < 4000 && !client.readable_within(5); ++bytes)
    client.send("x");
  CHECK(client.receive().value().status == 408);
  CHECK(bytes > 1);
}

TEST_CASE_FIXTURE(fixture, "a client that does not read its answer is closed") {
  limits.write_timeout = 100ms;
  backend->on_snapshot = [](auto then) {
    auto x = rpc_test::fixture_snapshot();
    x.peers[0].version = std::string(15u << 20, 'x');  // More than two sockets buffer.
    then(std::move(x));
  };
  std::promise<void> given_up;
  backend->on_stop = [&] { given_up.set_value(); };
  http_client client{start()};
  client.send(post_with("Host: localhost\r\n",
                        "[" + getpeerinfo + R"(,{"jsonrpc":"2.0","id":2,"method":"stop"}])"));
  // What the node does after an answer it does also after one that could not be sent.
  REQUIRE(given_up.get_future().wait_for(15s) == std::future_status::ready);
  CHECK_FALSE(client.receive().has_value());
}

// -- what is refused ----------------------------------------------------------------

TEST_CASE_FIXTURE(fixture,
                  "only GET and POST are served at /, only GET for health, and nothing elsewhere") {
  const auto at = start();
  for (const std::string method : {"PUT", "DELETE", "OPTIONS", "HEAD", "NONSENSE"}) {
    CAPTURE(method);
    http_client client{at};
    client.send(method + " / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    const auto x = client.receive().value();
    CHECK(x.status == 405);
    CHECK(x.headers.at("allow") == "GET, POST");
  }
  http_client client{at};
  client.send(rpc_test::get("/nothing"));
  CHECK(client.receive().value().status == 404);
  client.send("POST /health/live HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
  const auto x = client.receive().value();
  CHECK(x.status == 405);
  CHECK(x.headers.at("allow") == "GET");
  client.send("POST /?x=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
              std::to_string(getblockcount.size()) + "\r\n\r\n" + getblockcount);
  CHECK(client.receive().value().status == 200);
}

TEST_CASE_FIXTURE(fixture, "web pages are refused, whatever they ask for") {
  const auto at = start();
  for (const std::string origin : {"https://example.org", "null", "http://localhost:3000", ""}) {
    CAPTURE(origin);
    http_client client{at};
    client.send(post_with("Host: localhost\r\nOrigin: " + origin + "\r\n"));
    const auto x = client.receive().value();
    CHECK(x.status == 403);
    CHECK(x.body.find("\"result\"") == std::string::npos);
  }
  http_client client{at};
  client.send(rpc_test::get("/health/live", "Host: localhost\r\nOrigin: https://example.org\r\n"));
  CHECK(client.receive().value().status == 403);
  CHECK(backend->snapshots == 0);
}

TEST_CASE_FIXTURE(fixture, "the page that this server itself serves may ask it") {
  const auto at = start();
  for (const std::string host : {"127.0.0.1:24101", "localhost", "[::1]:5"}) {
    CAPTURE(host);
    http_client client{at};
    client.send(post_with("Host: " + host + "\r\nOrigin: http://" + host + "\r\n"));
    CHECK(client.receive().value().status == 200);
    client.send(post_with("Host: " + host + "\r\nOrigin: https://" + host + "\r\n"));
    CHECK(client.receive().value().status == 200);
    client.send(post_with("Host: " + host + "\r\nOrigin: http://" + host + "1\r\n"));
    CHECK(client.receive().value().status == 403);
  }
  // An attacker's name that leads here is refused for the Host, whatever the Origin.
  http_client client{at};
  client.send(post_with("Host: evil.example\r\nOrigin: http://evil.example\r\n"));
  CHECK(client.receive().value().status == 403);
}

TEST_CASE_FIXTURE(fixture, "a Host that is a name is refused") {
  const auto at = start();
  for (const std::string host :
       {"example.org", "example.org:24101", "localhost.example.org", "", "127.0.0.1.nip.io"}) {
    CAPTURE(host);
    http_client client{at};
    client.send(post_with("Host: " + host + "\r\n"));
    CHECK(client.receive().value().status == 403);
  }
  for (const std::string host :
       {"localhost", "LocalHost:24101", "127.0.0.1", "127.0.0.1:24101", "[::1]:24101"}) {
    CAPTURE(host);
    http_client client{at};
    client.send(post_with("Host: " + host + "\r\n"));
    CHECK(client.receive().value().status == 200);
  }
}

TEST_CASE_FIXTURE(fixture, "a request without a Host or with two is bad") {
  const auto at = start();
  http_client none{at};
  none.send(post_with(""));
  CHECK(none.receive().value().status == 400);
  http_client two{at};
  two.send(post_with("Host: localhost\r\nHost: localhost\r\n"));
  CHECK(two.receive().value().status == 400);
}

TEST_CASE_FIXTURE(fixture,
                  "a body above the limit is refused, announced or not, one at the limit is not") {
  const auto at = start();
  http_client announced{at};
  announced.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n");
  CHECK(announced.receive().value().status == 413);
  http_client sent{at};
  sent.send(post_with("Host: localhost\r\n", std::string((1u << 20) + 1, ' ')));
  CHECK(sent.receive().value().status == 413);
  http_client chunked{at};
  chunked.send("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 17; ++i)
    chunked.send("10000\r\n" + std::string(0x10000, ' ') + "\r\n");
  CHECK(chunked.receive().value().status == 413);
  http_client huge{at};
  huge.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 18446744073709551615\r\n\r\n");
  CHECK(huge.receive().value().status == 413);
  http_client longest{at};
  CHECK(longest.post(std::string((1u << 20) - getblockcount.size(), ' ') + getblockcount).status ==
        200);
}

TEST_CASE_FIXTURE(fixture, "a header above the limit is refused") {
  const auto at = start();
  http_client one{at};
  one.send("POST / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(9000, 'x') + "\r\n\r\n");
  CHECK(one.receive().value().status == 431);
  http_client many{at};
  many.send("POST / HTTP/1.1\r\nHost: localhost\r\n");
  for (int i = 0; i < 2000; ++i)
    many.send("X: y\r\n");
  CHECK(many.receive().value().status == 431);
  http_client target{at};
  target.send("GET /" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(target.receive().value().status == 431);
}

TEST_CASE_FIXTURE(fixture, "what is no HTTP is answered with 400 and closed") {
  const auto at = start();
  for (const auto& bytes :
       {std::string{"nonsense\r\n\r\n"}, std::string{"{\"Handshake\":{}}\n"},
        std::string{"POST / HTTP/9.9\r\n\r\n"}, std::string{"\x16\x03\x01\x02\x00\x01\x00", 7},
        std::string{"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n"},
        std::string{"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n"},
        std::string{"POST / HTTP/1.1\r\nHost : localhost\r\n\r\n"},
        std::string{
            "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}}) {
    CAPTURE(bytes);
    http_client client{at};
    client.send(bytes);
    client.finish();
    const auto x = client.receive();
    if (x)
      CHECK(x->status == 400);
    CHECK(client.closed());
  }
  // And the server lives.
  CHECK(http_client{at}.post(getblockcount).status == 200);
}

// -- hosts ----------------------------------------------------------------------------

TEST_CASE("only addresses and localhost are hosts that lead to this machine by themselves") {
  for (const auto* host : {"localhost", "LOCALHOST", "localhost:1", "localhost:", "127.0.0.1",
                           "10.1.2.3:80", "[::1]", "[::1]:24101", "[2001:db8::1]:"}) {
    CAPTURE(host);
    CHECK(host_is_address(host));
  }
  for (const auto* host : {"",
                           ":",
                           ":80",
                           "example.org",
                           "localhos",
                           "localhost1",
                           "localhost:80:80",
                           "localhost:80a",
                           "localhost:123456",
                           "[::1",
                           "::1",
                           "[::1]x",
                           "[::1]80",
                           "[127.0.0.1]",
                           "[localhost]",
                           "[]",
                           "127.0.0.1:x",
                           "127.0.0.1 ",
                           "127.1",
                           "2130706433",
                           "0x7f000001",
                           "user@127.0.0.1"}) {
    CAPTURE(host);
    CHECK_FALSE(host_is_address(host));
  }
}
