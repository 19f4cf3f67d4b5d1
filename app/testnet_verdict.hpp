#pragma once

// Whether a network of nodes is as it should be: what every node says of itself and of the others,
// held against each other. Pure.

#include "messages/ip_address.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace timenode::app {

/// An established connection, as one of its ends reports it.
struct link_view {
  ip_address peer;
  bool inbound = false;
  std::uint64_t pongs = 0;        ///< Pings of this end that were answered.
  std::optional<double> ping_ms;  ///< Last round trip.
};

/// A node, as it reports itself.
struct node_view {
  ip_address ip;
  std::string trouble;  ///< Why it reports nothing; empty: it does.
  std::uint64_t height = 0;
  std::string tip;           ///< Hash of its last block, as text.
  std::string sync_state;    ///< "syncing", "idle", ...
  std::uint64_t target = 0;  ///< Height that it wants to reach.
  double blocks_per_second = 0;
  std::vector<link_view> links;
  std::uint64_t violations = 0;  ///< Of invariants, all together.
};

struct testnet_verdict {
  std::size_t nodes = 0;
  std::size_t in_sync = 0;   ///< Nodes with the chain that all should have.
  std::size_t pairs = 0;     ///< Of nodes.
  std::size_t linked = 0;    ///< Pairs with one connection, of which both ends say the same.
  std::size_t pinged = 0;    ///< Of these, pairs where each end had a ping answered.
  std::uint64_t lowest = 0;  ///< Height, of the nodes that report.
  std::uint64_t highest = 0;
  std::uint64_t pongs = 0;       ///< On the connections of all pairs, both ends.
  std::uint64_t violations = 0;  ///< Of invariants.
  /// A sentence for everything that is not as it should be.
  std::vector<std::string> missing;

  bool ok() const noexcept { return missing.empty(); }
};

/// All is well when there is a node at all, every node reports, all have the same tip, at least at
/// `least_height`, each pair has exactly one connection, reported as inbound by one end and as
/// outbound by the other, with a ping answered in either direction, and no invariant was violated.
testnet_verdict judge(std::span<const node_view> nodes, std::uint64_t least_height);

}  // namespace timenode::app
