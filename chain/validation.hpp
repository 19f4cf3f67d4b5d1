#pragma once

// The chain rules of the protocol page, section 7, as pure functions. Stateless checks can run on any
// thread; the contextual ones want the parent and the unspent outputs.

#include "messages/ledger.hpp"
#include "messages/network.hpp"
#include "messages/outcome.hpp"

#include <cstdint>

namespace timenode::chain {

/// A block h is due at genesis time + 600 h (protocol page, section 7).
inline constexpr std::int64_t block_time_seconds = 600;
/// How far a block's timestamp may be ahead of our clock (protocol page, section 7).
inline constexpr std::int64_t max_future_seconds = 600;
/// Largest block, in bincode bytes (protocol page, section 7).
inline constexpr std::size_t max_block_bytes = 2'000'000;
/// What the masternodes of a block share, within 0.01 % (protocol page, section 7).
inline constexpr amount block_subsidy = 100 * units_per_time;
/// A reorganisation goes back at most this far, and warns above `reorg_warning_depth` (section 7).
inline constexpr std::uint64_t max_reorg_depth = 1000;
inline constexpr std::uint64_t reorg_warning_depth = 100;

// `checked_block` is in messages/ledger.hpp, since actors send it to each other.

/// Size, as bincode and as text (a block that fits into no message is none), merkle root, coinbase first and only there, no double spend inside the block, rewards that add
/// up and are paid by the coinbase in order. Genesis blocks fail: compare them to `genesis_block`.
/// The failure names the rule and the values.
outcome<checked_block> check_block(block_ptr block);

/// The parent's side of a block.
struct parent_info {
  std::uint64_t height = 0;
  hash256 hash{};
  std::int64_t timestamp = 0;
};

/// Height, previous hash, timestamp (above the parent's, at most `max_future_seconds` above `now`).
/// `now` is Unix seconds by our clock.
outcome<void> check_on_parent(const checked_block& x, const parent_info& parent, std::int64_t now);

}  // namespace timenode::chain
