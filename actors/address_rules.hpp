#pragma once

// Which addresses are worth remembering when others name them: pure policy of the peer directory
// and of the masternode table.

#include "messages/ip_address.hpp"

#include <optional>

namespace timenode {

/// Loopback, link-local, private (RFC 1918, RFC 4193) or shared by a carrier (RFC 6598): cannot be
/// reached from everywhere.
bool is_local_address(const ip_address& x) noexcept;

/// Whether an address that a peer named could be a peer of a node at `ours`. It has to be a host's,
/// and not our own; local addresses count only for a node that has one itself or does not know its
/// own, so that a test network works and a public node dials nobody's printer.
bool is_possible_peer(const ip_address& x, const std::optional<ip_address>& ours) noexcept;

} // namespace timenode
