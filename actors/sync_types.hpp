#pragma once

// What the parts of the sync engine hand to each other, and the numbers that bound them
// (architecture, section 6). Plain values: no actor, no clock.

#include "chain/validation.hpp"
#include "messages/chain_messages.hpp"
#include "messages/ledger.hpp"
#include "messages/link_types.hpp"
#include "messages/peer_messages.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace timenode::sync {

constexpr monotonic_ns in_ns(std::chrono::nanoseconds x) noexcept {
  return x.count();
}

// -- numbers of the architecture page, section 6 ------------------------------------

/// Most blocks of one request.
inline constexpr std::uint64_t max_blocks_per_ask = 100;
/// Most requests that one peer has to answer at a time.
inline constexpr std::uint32_t max_asks_per_peer = 4;
/// Most memory of blocks that wait for their turn, those being checked and applied included.
inline constexpr std::size_t max_waiting_bytes = std::size_t{64} << 20;
/// The longest that a request lives; then its blocks are asked of another peer.
inline constexpr monotonic_ns max_ask_life = in_ns(std::chrono::seconds{15});
/// The range at the front is asked of one more peer when it has not come for this long.
inline constexpr monotonic_ns first_hedge_delay = in_ns(std::chrono::seconds{2});
/// The architecture lets the delay double to 64 s as peers prove slow; but no request lives longer
/// than 15 s, and a second peer needs some of that time to answer: more would be no hedge at all.
inline constexpr monotonic_ns max_hedge_delay = in_ns(std::chrono::seconds{8});
/// For the last blocks in front of the target two peers race.
inline constexpr std::uint64_t race_blocks = 50;
/// How often a peer is asked for its height, and by which share that varies.
inline constexpr monotonic_ns poll_interval = in_ns(std::chrono::seconds{60});
inline constexpr double poll_jitter = 0.1;
/// When a peer is due for a question, those that are due within this time are asked as well: a node with a hundred
/// peers then wakes up once in five seconds for it and not three times in one.
inline constexpr monotonic_ns asked_together = in_ns(std::chrono::seconds{5});
/// Of peers that have what we have, so many are asked for their height in an interval, in turn: blocks are announced, and to ask a
/// hundred whether there is one tells no more than to ask four. (Of 100 nodes a third of all messages were such questions, and with
/// sixteen a quarter.)
inline constexpr std::size_t heights_in_turn = 4;
/// The same of questions whether a peer has our block: of two halves with different chains eight by chance are all of one's own half
/// once in 256 times.
inline constexpr std::size_t tips_in_turn = 8;
/// A peer that last named a height so little below ours counts as having what we have: blocks are announced, to each peer by some,
/// and three is what becomes due while each of a hundred has its turn. One that said so when we had more already is behind.
inline constexpr std::uint64_t blocks_unheard_of = 3;
/// By which share the time until the next turn varies: so much that many who came at one moment are soon asked one by one.
inline constexpr double turn_jitter = 0.9;

/// In how many intervals each of so many peers has its turn.
constexpr std::int64_t turns_of(std::size_t peers, std::size_t in_turn) noexcept {
  const auto turns = (peers + in_turn - 1) / in_turn;
  return static_cast<std::int64_t>(turns > 1 ? turns : 1);
}

// -- bounds that follow ---------------------------------------------------------------

/// How far ahead of the tip blocks are asked for: at 100,000 blocks/s (limits page) and 0.2 s from
/// request to answer as many are under way; bounds the number of segments and requests as well.
inline constexpr std::uint64_t max_blocks_ahead = 20'000;
/// Most requests under way at all peers together: twice what `max_blocks_ahead` takes.
inline constexpr std::size_t max_asks = 512;
/// So many of these are kept for the range at the front.
inline constexpr std::size_t asks_for_hedges = 128;
/// A request that died of age may still be answered: its blocks are welcome for this long.
inline constexpr monotonic_ns late_ask_life = in_ns(std::chrono::seconds{60});
/// Most such requests that are remembered; the oldest are forgotten.
inline constexpr std::size_t max_late_asks = 512;
/// What a block is taken to weigh before any came: the typical one of the limits page.
inline constexpr std::size_t typical_block_bytes = 1024;
/// How long a peer whose claim proved empty waits before it may claim again: doubling from the
/// first to the second. Long enough not to loop hot, short enough that a peer which recovers is
/// used soon.
inline constexpr monotonic_ns first_rest = in_ns(std::chrono::seconds{1});
inline constexpr monotonic_ns max_rest = in_ns(std::chrono::seconds{64});
/// Claims above what the 600 s schedule allows are lowered to it plus this much (a day of blocks):
/// the rules do let a chain run ahead of its schedule, and clocks are wrong.
inline constexpr std::uint64_t schedule_slack = 144;
/// Most blocks of one check and of one store batch: large enough for one fsync to be cheap per
/// block, small enough for the answer to come soon.
inline constexpr std::size_t max_run_blocks = 500;
/// Most memory of one run of blocks; one block may exceed it.
inline constexpr std::size_t max_run_bytes = std::size_t{8} << 20;

// -- values -------------------------------------------------------------------------------

/// A block and who sent it.
struct sourced_block {
  block_ptr block;  ///< Never null.
  ip_address from;
  std::size_t bytes = 0;  ///< See `memory_of`.

  std::uint64_t height() const noexcept { return block->header.height; }
};

using sourced_blocks = std::vector<sourced_block>;

/// What a block takes in memory, about.
std::size_t memory_of(const block& x) noexcept;

/// A claimed height, lowered to what the schedule allows: (now - genesis) / block time +
/// `schedule_slack`. Times are Unix seconds.
std::uint64_t cap_claim(std::uint64_t height, std::int64_t genesis_time, std::int64_t now,
                        std::int64_t block_time = chain::block_time_seconds) noexcept;

}  // namespace timenode::sync
