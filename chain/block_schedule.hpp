#pragma once

// When blocks are due.

#include "chain/consensus_rules.hpp"
#include "messages/ledger.hpp"
#include "messages/network.hpp"
#include "messages/outcome.hpp"

#include <cstdint>

namespace timenode::chain {

/// A private network's first block may be this far from our clock, in seconds: a node that is further off
/// does not vote anyway.
inline constexpr std::int64_t first_block_window = 120;

/// Unix seconds at which the block on that parent is due, which is its timestamp too. On the public networks
/// genesis time + 600 s times the height (protocol page, section 7), but always after its parent. On a
/// private one the block time after its parent; the first block, whose parent is as old as the network's
/// definition, is due at the last full block time before `now`.
std::int64_t due_time(const consensus_rules& rules, network_id network, const chain_tip& parent,
                      std::int64_t now);

/// Whether a block on that parent may have that timestamp: the one above, and for a private network's first
/// block any full block time near `now`.
outcome<void> check_due_time(const consensus_rules& rules, network_id network,
                             const chain_tip& parent, std::int64_t timestamp, std::int64_t now);

/// The most blocks that a chain can have by `now`.
std::uint64_t highest_by(const consensus_rules& rules, network_id network, std::int64_t now);

}  // namespace timenode::chain
