#pragma once

// The RPC methods, as functions of what is known. No socket and no actor: `rpc_server` finds out
// what a method needs. Names of methods and fields are Bitcoin Core's where it has them; amounts
// are numbers of TIME (rpc_amounts.hpp), but in blocks integers in units of 10^-8 TIME; times are Unix seconds.

#include "app/rpc_backend.hpp"
#include "app/rpc_json.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace timenode {

/// What a method looks at.
struct rpc_view {
  const rpc_facts& facts;
  const chain::chain_reader& chain;
  /// Never null for a method that needs one.
  const node_snapshot* snapshot = nullptr;
  std::int64_t now = 0;  ///< Unix seconds.
  std::function<void()> stop;
  /// For what changes the node. Null where that cannot be.
  rpc_backend* node = nullptr;
  /// What became of the method's own question (`question_of_call`). Null: it has none.
  const outcome<node_reply>* reply = nullptr;
};

/// Whether there is such a method and it needs a snapshot of the node.
bool rpc_needs_snapshot(std::string_view method) noexcept;
/// Whether there is such a method and it may wait for the disk or for actors.
bool rpc_is_slow(std::string_view method) noexcept;

/// What a call has to ask of the node before it is run. None: nothing, or its parameters are wrong,
/// which `run_rpc` then tells.
std::optional<node_question> question_of_call(const std::string& method, const json& params,
                                              const rpc_view& view);

/// Runs a method. `params`: an array by position, an object by name, or null. `no_snapshot` is the
/// error for a method that needs one when `view` has none.
rpc_result run_rpc(const std::string& method, const json& params, const rpc_view& view,
                   const std::string& no_snapshot = {});

}  // namespace timenode
