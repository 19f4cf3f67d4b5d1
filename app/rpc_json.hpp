#pragma once

// JSON-RPC 2.0: what is around a call. Which calls there are is in rpc_methods.hpp.

#include <nlohmann/json_fwd.hpp>
#include <tl/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace timenode {

/// Members stay in the order in which they were added, so that answers read well.
using json = nlohmann::ordered_json;

// -- errors -----------------------------------------------------------------------

/// The first five are JSON-RPC's, the others Bitcoin Core's.
enum class rpc_code : int {
  parse_error = -32700,      ///< The body is not JSON.
  invalid_request = -32600,  ///< It is JSON, but no call.
  method_not_found = -32601,
  invalid_params = -32602,  ///< Too many, of a wrong type, of an unknown name.
  internal_error = -32603,  ///< The node could not answer.
  invalid_parameter = -8,   ///< Of the right type, but out of range: a height above the tip.
  not_found = -5,           ///< No such block, peer or masternode.
  already_there = -23,      ///< The peer is added, the network banned already.
  not_added = -24,          ///< The peer was never added.
  not_connected = -29,      ///< No such connection.
  bad_network = -30,        ///< No IP address or network, or no ban of it.
  wallet_error = -4,        ///< The node has no key, or cannot read it.
  insufficient_funds = -6,
  bad_transaction = -22,  ///< The bytes are no transaction.
  rejected = -26,         ///< The node does not take the transaction.
  misc_error = -1,        ///< Done, but not as it should be.
};

struct rpc_error {
  rpc_code code = rpc_code::internal_error;
  std::string message;
};

/// What a method gives.
using rpc_result = tl::expected<json, rpc_error>;

inline tl::unexpected<rpc_error> rpc_fail(rpc_code code, std::string message) {
  return tl::unexpected<rpc_error>{rpc_error{code, std::move(message)}};
}

// -- limits -----------------------------------------------------------------------

/// Calls in one batch. A page that shows everything has some ten.
inline constexpr std::size_t max_batch = 100;
/// Once the answers of a batch take this much, its other calls fail: a hundred blocks of 2 MB each,
/// as JSON, would take a gigabyte.
inline constexpr std::size_t max_batch_answer_bytes = 16u << 20;
/// Arrays and objects in each other. A call of ours needs three.
inline constexpr std::size_t max_json_depth = 32;

// -- requests ---------------------------------------------------------------------

/// The calls in the body of a request.
class rpc_document {
 public:
  /// Runs one call. `params` is an array, an object or null.
  using runner = std::function<rpc_result(const std::string& method, const json& params)>;
  /// The same, with the call's place in the document, from 0.
  using placed_runner =
      std::function<rpc_result(std::size_t place, const std::string& method, const json& params)>;

  /// Parses; whatever is wrong is in the answer. Never throws.
  explicit rpc_document(std::string_view body);
  ~rpc_document();
  rpc_document(const rpc_document&) = delete;
  rpc_document& operator=(const rpc_document&) = delete;

  /// Whether one of the calls is of a method that `wanted` is true for.
  bool any_method(const std::function<bool(std::string_view)>& wanted) const;

  /// Shows the calls that can be run, in order, with their places.
  void for_each(const std::function<void(std::size_t place, const std::string& method,
                                         const json& params)>& show) const;

  /// Runs the calls in order. The body of the response; empty when none of them wants an answer
  /// (notifications). An exception of `run` becomes an internal error.
  std::string answer(const runner& run) const;
  std::string answer(const placed_runner& run) const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace timenode
