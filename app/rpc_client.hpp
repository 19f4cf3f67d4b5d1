#pragma once

// Asks running nodes by RPC. Blocking, each call with a deadline.

#include "app/rpc_json.hpp"
#include "messages/ip_address.hpp"

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace timenode::app {

/// Why a call gave nothing.
struct rpc_failure {
  enum class kind : std::uint8_t {
    unreachable,  ///< Nothing listens there.
    no_answer,    ///< Something does, but it did not answer in time, or not in RPC.
    no_password,  ///< The node asks for a password, and there is none, or it is wrong.
    refused,      ///< The node answered that it cannot or will not.
  };
  kind what = kind::unreachable;
  std::string reason;  ///< "connection refused", ...
};

template <class T>
using rpc_outcome = tl::expected<T, rpc_failure>;

/// Long for a node that answers in milliseconds, short for somebody who waits.
inline constexpr std::chrono::milliseconds default_rpc_deadline{5000};

/// Calls a method of the node whose RPC is at `at`. `params`: an array or an object.
rpc_outcome<json> call_rpc(const endpoint& at, const std::string& method, const json& params,
                           std::chrono::milliseconds deadline = default_rpc_deadline);

/// Calls methods without parameters at many nodes at the same time, all of a node's in one batch,
/// so that they speak of one moment. One outcome for each node, with the results in the order of
/// the methods; fails for a node when one of its calls does. Takes at most `deadline`.
std::vector<rpc_outcome<std::vector<json>>>
call_rpc_everywhere(std::span<const endpoint> nodes, std::span<const std::string> methods,
                    std::chrono::milliseconds deadline);

// -- one node, as the commands ask it -------------------------------------------------

/// A node to ask.
struct rpc_target {
  endpoint at;
  /// Where NAME:PASSWORD is, for a node that asks for one; not looked at before.
  std::filesystem::path cookie_file;
};

struct rpc_question {
  std::string method;
  json params;  ///< An array or an object.
};

/// All questions in one batch, so that they speak of one moment; the results in their order. Fails
/// when one of them does.
rpc_outcome<std::vector<json>> ask_node(const rpc_target& node,
                                        std::span<const rpc_question> questions,
                                        std::chrono::milliseconds deadline = default_rpc_deadline);

/// One question.
rpc_outcome<json> ask_node(const rpc_target& node, const std::string& method,
                           const json& params = json::array(),
                           std::chrono::milliseconds deadline = default_rpc_deadline);

/// What `gethealth` answers, ready or not. Nobody needs a password for it, and it costs the node little.
rpc_outcome<json> ask_health(const endpoint& at,
                             std::chrono::milliseconds deadline = default_rpc_deadline);

/// A sentence for the operator, with what to do.
std::string explain(const rpc_failure& x, const endpoint& at);

}  // namespace timenode::app
