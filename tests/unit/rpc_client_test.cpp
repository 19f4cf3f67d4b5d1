#include "app/http_server.hpp"
#include "app/rpc_client.hpp"
#include "net/socket.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <memory>
#include <string>

using namespace timenode;
using namespace timenode::app;
using namespace std::chrono_literals;

namespace {

const auto any_port = endpoint{ip_address::from_v4({127, 0, 0, 1}), 0};

std::unique_ptr<http_server> serve(http_handler handler) {
  auto x = http_server::start(any_port, std::move(handler));
  REQUIRE(x);
  return std::move(*x);
}

/// Answers every request with the same.
std::unique_ptr<http_server> serve_text(const std::string& body, unsigned status = 200) {
  return serve([=](http_request, http_answer answer) {
    answer([=] {
      http_response x;
      x.status = status;
      x.body = body;
      return x;
    });
  });
}

/// Answers each call of a batch with the name of its method, the last first.
std::unique_ptr<http_server> serve_echo() {
  return serve([](http_request request, http_answer answer) {
    auto results = json::array();
    for (const auto& call : json::parse(request.body))
      results.insert(
          results.begin(),
          json{{"jsonrpc", "2.0"}, {"id", call.at("id")}, {"result", call.at("method")}});
    answer([body = results.dump()] {
      http_response x;
      x.body = body;
      return x;
    });
  });
}

rpc_failure failure_of(const http_server& server, std::chrono::milliseconds deadline = 5s) {
  const auto x = call_rpc(server.local_endpoint(), "m", json::array(), deadline);
  REQUIRE_FALSE(x);
  CHECK_FALSE(x.error().reason.empty());
  return x.error();
}

/// A port that nobody listens on.
endpoint free_port() {
  const auto listener = net::open_listener(any_port);
  REQUIRE(listener);
  return net::local_endpoint(listener->get());
}

}  // namespace

TEST_CASE("rpc client: a call is a JSON-RPC request, its result is given") {
  std::string body;
  std::string method;
  const auto server = serve([&](http_request request, http_answer answer) {
    body = request.body;
    method = request.method;
    answer([] {
      http_response x;
      x.body = R"({"jsonrpc":"2.0","id":0,"result":{"a":[1,2]}})";
      return x;
    });
  });
  const auto x = call_rpc(server->local_endpoint(), "getblock", json::array({"ab", 1}));
  REQUIRE(x);
  CHECK(x->dump() == R"({"a":[1,2]})");
  CHECK(method == "POST");
  const auto sent = json::parse(body);
  CHECK(sent.at("jsonrpc") == "2.0");
  CHECK(sent.at("method") == "getblock");
  CHECK(sent.at("params") == json::array({"ab", 1}));
}

TEST_CASE("rpc client: where nobody listens is told from a node that does not answer") {
  const auto at = free_port();
  const auto x = call_rpc(at, "m", json::array());
  REQUIRE_FALSE(x);
  CHECK(x.error().what == rpc_failure::kind::unreachable);
  const auto sentence = explain(x.error(), at);
  CHECK(sentence.find(at.to_string()) != std::string::npos);
  CHECK(sentence.find("timenode run") != std::string::npos);

  const auto silent = serve([](http_request, http_answer) {});
  const auto begin = std::chrono::steady_clock::now();
  CHECK(failure_of(*silent, 200ms).what == rpc_failure::kind::no_answer);
  CHECK(std::chrono::steady_clock::now() - begin < 3s);
}

TEST_CASE("rpc client: an error of the node is told in its words") {
  const auto server = serve_text(
      R"({"jsonrpc":"2.0","id":0,"error":{"code":-8,"message":"Block height out of range"}})");
  const auto x = failure_of(*server);
  CHECK(x.what == rpc_failure::kind::refused);
  CHECK(x.reason == "Block height out of range");
}

TEST_CASE("rpc client: what is not JSON-RPC is no answer") {
  CHECK(failure_of(*serve_text("<html>")).what == rpc_failure::kind::no_answer);
  CHECK(failure_of(*serve_text("[]")).what == rpc_failure::kind::no_answer);
  CHECK(failure_of(*serve_text("{}")).what == rpc_failure::kind::no_answer);
  CHECK(failure_of(*serve_text("7")).what == rpc_failure::kind::no_answer);
}

TEST_CASE("rpc client: a refusal by HTTP is told with its status") {
  const auto x = failure_of(*serve_text("not for you", 403));
  CHECK(x.what == rpc_failure::kind::refused);
  CHECK(x.reason.find("403") != std::string::npos);
}

TEST_CASE("rpc client: many nodes are asked at once, each answer in its place") {
  const auto good = serve_echo();
  const auto bad = serve_text("[]");
  const auto silent = serve([](http_request, http_answer) {});
  const std::vector nodes{good->local_endpoint(), free_port(), bad->local_endpoint(),
                          silent->local_endpoint(), good->local_endpoint()};
  const std::vector<std::string> methods{"a", "b"};
  const auto x = call_rpc_everywhere(nodes, methods, 300ms);
  REQUIRE(x.size() == nodes.size());
  for (const auto i : {0u, 4u}) {
    REQUIRE(x[i]);
    CHECK(*x[i] == std::vector<json>{"a", "b"});
  }
  REQUIRE_FALSE(x[1]);
  CHECK(x[1].error().what == rpc_failure::kind::unreachable);
  REQUIRE_FALSE(x[2]);
  CHECK(x[2].error().what == rpc_failure::kind::no_answer);
  REQUIRE_FALSE(x[3]);
  CHECK(x[3].error().what == rpc_failure::kind::no_answer);
}
