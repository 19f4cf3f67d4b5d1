#pragma once

// The methods by subject. Private to app/rpc_methods*.cpp.

#include "app/rpc_methods.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace timenode {

/// The arguments in the order of the method's parameters; null where one is left out.
using rpc_args = std::vector<json>;

struct rpc_method {
  std::string_view name;
  /// "name" or "name:type", separated by spaces; those after a '|' may be left out. The types are
  /// JSON's (string, integer, number, boolean, array, object), for rpc.discover.
  std::string_view params;
  std::string_view help;
  bool needs_snapshot = false;
  rpc_result (*run)(const rpc_view& view, const rpc_args& args) = nullptr;
  std::string_view result = {};  ///< What comes back, for `help` and rpc.discover.
  bool slow = false;             ///< Waits for the disk or for actors: not on the server's thread.
  /// What it asks of the node before it runs, without waiting; null: nothing. `run` then finds the
  /// reply in its view.
  tl::expected<node_question, rpc_error> (*question)(const rpc_view& view,
                                                     const rpc_args& args) = nullptr;
};

/// rpc_methods_chain.cpp
std::span<const rpc_method> chain_methods() noexcept;
/// rpc_methods_forks.cpp
std::span<const rpc_method> fork_methods() noexcept;
/// rpc_methods_network.cpp
std::span<const rpc_method> network_methods() noexcept;
/// rpc_methods_peers.cpp
std::span<const rpc_method> peer_methods() noexcept;
/// rpc_methods_masternodes.cpp
std::span<const rpc_method> masternode_methods() noexcept;
/// rpc_methods_control.cpp
std::span<const rpc_method> control_methods() noexcept;
/// rpc_methods_actors.cpp
std::span<const rpc_method> actor_methods() noexcept;
/// rpc_methods_ledger.cpp
std::span<const rpc_method> ledger_methods() noexcept;

/// rpc_methods_transactions.cpp
std::span<const rpc_method> transaction_methods() noexcept;
/// rpc_methods_wallet.cpp
std::span<const rpc_method> wallet_methods() noexcept;

/// All of them.
std::vector<const rpc_method*> all_methods();
/// Null when there is none of that name.
const rpc_method* find_method(std::string_view name) noexcept;

struct rpc_parameter {
  std::string_view name;
  std::string_view type;  ///< Empty: any.
  bool optional = false;
};

std::vector<rpc_parameter> parameters(const rpc_method& method);
/// "getblock blockhash [verbosity]".
std::string usage(const rpc_method& method);

// -- shared by the subjects ---------------------------------------------------------

/// The IP address in an argument.
tl::expected<ip_address, rpc_error> ip_argument(const json& x, std::string_view name);

/// A transaction from its bytes in hexadecimal (rpc_methods_transactions.cpp).
tl::expected<transaction, rpc_error> transaction_argument(const json& x);

/// Its fields; amounts of outputs in units (rpc_methods_chain.cpp).
json transaction_json(const transaction& x);

/// Every unspent output, unless there are too many (rpc_methods_ledger.cpp).
tl::expected<std::vector<std::pair<outpoint, chain::coin>>, rpc_error>
all_coins(const rpc_view& view);

/// What the node should tell its operator about itself: silent actors, a failing disk, violated
/// invariants.
json warnings_json(const node_snapshot& x);

/// A connection, as it describes itself.
json peer_json(const peer_snapshot& x);

/// What the registry knows of an IP and why it does with it what it does.
json known_peer_json(const known_peer_snapshot& x, std::int64_t now);

/// The same from a snapshot of all; null when it is not in there.
json explain_peer_json(const node_snapshot& x, const ip_address& ip, std::int64_t now);

/// What an operator should know of a branch that masternodes have and we did not take; none if there
/// is nothing.
std::optional<std::string> fork_warning(const fork_snapshot& x);

}  // namespace timenode
