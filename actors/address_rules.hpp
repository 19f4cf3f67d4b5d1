#pragma once

// Which addresses are worth remembering when others name them: pure policy of the peer directory
// and of the masternode table.

#include "net/address_scope.hpp"

#include <optional>

namespace timenode {

using net::is_local_address;

/// Whether an address that a peer named could be a peer of a node at `ours`. It has to be a host's, not our own, and
/// one that can be reached from everywhere, or from where we are: a node on loopback or in a private network may have
/// neighbours there, but a public node, or one that does not know where it is, dials nobody's printer because a
/// stranger said so.
bool is_possible_peer(const ip_address& x, const std::optional<ip_address>& ours) noexcept;

}  // namespace timenode
