#pragma once

// What the nodes of a network agree on about when blocks are made and what they may hold, beyond the rules
// that never change (validation.hpp). The public networks have the defaults; a private one may choose.

#include "chain/transaction_rules.hpp"
#include "chain/validation.hpp"
#include "messages/network.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace timenode::chain {

/// Fewer masternodes make no blocks: with two, either could stop the other, and one alone would agree with
/// itself.
inline constexpr std::size_t least_masternodes = 3;

struct consensus_rules {
  /// Seconds from a block to the next. 600 on the public networks; other values make the network a private
  /// one, on which a block is due that long after its parent.
  std::int64_t block_time = block_time_seconds;
  /// Inputs have to be signed by the key of the address whose outputs they spend. The deployed daemon does
  /// not look, so it is off where a chain is followed that was made without.
  bool require_signatures = false;
  /// How many masternodes the first block of a network waits for: without blocks there is nothing yet that
  /// says who belongs to it, and two groups that do not see each other at the start would each take itself
  /// for the whole. None: `least_masternodes` on a private network; on a public one, whose first blocks were
  /// made long ago, no first block is made at all.
  std::optional<std::size_t> first_masternodes = {};
  /// An operators' decision: at this height the masternodes that are active now decide, and not those that
  /// the block before it paid. For a network that lost more than a third of its masternodes for good; all
  /// who stay have to be told the same height.
  std::optional<std::uint64_t> present_set_at = {};

  /// How many the first block waits for; none: it is not made.
  std::optional<std::size_t> wanted_first() const noexcept {
    if (first_masternodes)
      return std::max(*first_masternodes, least_masternodes);
    return is_private() ? std::optional{least_masternodes} : std::nullopt;
  }

  /// What spending needs on that network.
  spending_rules spending(network_id network) const noexcept {
    return {require_signatures, network};
  }

  bool is_private() const noexcept { return block_time != block_time_seconds; }

  bool operator==(const consensus_rules&) const = default;
};

}  // namespace timenode::chain
