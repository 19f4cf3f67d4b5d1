#pragma once

// An RPC server of the fixture node, on a port of its own.

#include "app/rpc_server.hpp"
#include "tests/unit/http_client.hpp"
#include "tests/unit/rpc_fixture.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>

namespace rpc_test {

inline const std::string getblockcount = R"({"jsonrpc":"2.0","id":1,"method":"getblockcount"})";
inline const std::string getpeerinfo = R"({"jsonrpc":"2.0","id":1,"method":"getpeerinfo"})";

/// A server on a port of its own.
struct server_fixture {
  explicit server_fixture(tn::http_limits limits_ = {}) : limits{limits_} {}

  tn::endpoint start() {
    auto started = tn::rpc_server::start({{ip("127.0.0.1"), 0}, limits, {}, {}}, backend);
    if (!started)
      FAIL(started.error().reason);
    server = std::move(*started);
    return server->local_endpoint();
  }

  tn::http_limits limits;
  std::shared_ptr<fixture_backend> backend = std::make_shared<fixture_backend>();
  std::unique_ptr<tn::rpc_server> server;
};

inline std::string get(const std::string& path,
                       const std::string& headers = "Host: localhost\r\n") {
  return "GET " + path + " HTTP/1.1\r\n" + headers + "\r\n";
}

inline std::string post_with(const std::string& headers, const std::string& body = getblockcount) {
  return "POST / HTTP/1.1\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

}  // namespace rpc_test
