#pragma once

// Asks all nodes of a network at once how they are.

#include "app/rpc_json.hpp"
#include "app/testnet_verdict.hpp"
#include "messages/ip_address.hpp"

#include <chrono>
#include <span>
#include <vector>

namespace timenode::app {

/// One view for each node, in the same order; takes at most `deadline`. `rpc`: where each serves
/// RPC; its IP is also the node's own.
std::vector<node_view> poll_nodes(std::span<const endpoint> rpc,
                                  std::chrono::milliseconds deadline);

/// The view that its answers to getblockchaininfo, getpeerinfo and getnetworkinfo give. Fields that
/// are missing or of another type count as zero.
node_view view_of(const ip_address& ip, const json& chain, const json& peers, const json& network);

}  // namespace timenode::app
