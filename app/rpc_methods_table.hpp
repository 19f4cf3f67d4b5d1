#pragma once

// The methods by subject. Private to app/rpc_methods*.cpp.

#include "app/rpc_methods.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace timenode {

/// The arguments in the order of the method's parameters; null where one is left out.
using rpc_args = std::vector<json>;

struct rpc_method {
  std::string_view name;
  std::string_view params;  ///< Names, separated by spaces; those after a '|' may be left out.
  std::string_view help;
  bool needs_snapshot = false;
  rpc_result (*run)(const rpc_view& view, const rpc_args& args) = nullptr;
};

/// rpc_methods_chain.cpp
std::span<const rpc_method> chain_methods() noexcept;
/// rpc_methods_network.cpp
std::span<const rpc_method> network_methods() noexcept;
/// rpc_methods_masternodes.cpp
std::span<const rpc_method> masternode_methods() noexcept;

// -- shared by the subjects ---------------------------------------------------------

/// The IP address in an argument.
tl::expected<ip_address, rpc_error> ip_argument(const json& x, std::string_view name);

/// What the node should tell its operator about itself: silent actors, a failing disk, violated
/// invariants.
json warnings_json(const node_snapshot& x);

/// What the registry knows of an IP and why it does with it what it does; null when it knows
/// nothing.
json explain_peer_json(const node_snapshot& x, const ip_address& ip);

}  // namespace timenode
