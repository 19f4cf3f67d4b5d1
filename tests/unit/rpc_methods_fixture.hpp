#pragma once

// Runs RPC methods on the fixture node, without a server.

#include "app/rpc_methods.hpp"
#include "chain/hex.hpp"
#include "tests/unit/rpc_fixture.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace rpc_test {

using namespace timenode;

/// A node in which everything has a value.
struct method_fixture {
  rpc_result run(const std::string& method, const std::string& params = "null") {
    auto view = rpc_view{backend.facts(),    backend.chain(),     &snapshot,
                         backend.unix_now(), [this] { ++stops; }, node};
    const auto parsed = json::parse(params);
    outcome<node_reply> reply = fail("nothing was asked");
    if (auto question = question_of_call(method, parsed, view)) {
      backend.ask(*question, [&](outcome<node_reply> x) { reply = std::move(x); });
      view.reply = &reply;
    }
    return run_rpc(method, parsed, view);
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

  fixture_backend backend;
  node_snapshot snapshot = fixture_snapshot();
  rpc_backend* node = nullptr;  ///< What methods that change something are given.
  int stops = 0;
};

inline std::vector<std::string> keys(const json& x) {
  std::vector<std::string> result;
  for (const auto& [key, value] : x.items())
    result.push_back(key);
  return result;
}

using names = std::vector<std::string>;

}  // namespace rpc_test
