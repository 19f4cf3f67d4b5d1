#pragma once

// What to ask of whom (architecture, section 6): the whole policy of downloading one chain. Pure:
// no actor, no clock, no socket; times come in as arguments, requests go out as values.
//
//   peer_claims   who has what, and how well they answer
//   ask_book      what is asked of whom until when
//   block_buffer  what came before its turn
//
// The rules:
// - Gaps between what we have, what waits and what is asked for are asked for from the front on, of
// the best
//   peer that claims them and has room, up to `max_blocks_ahead` and as memory allows.
// - The range at the front has priority over memory, and when it does not come in time it is asked
// of one
//   more peer, then of two, four, eight more: so many silent liars cannot hold up an honest peer
//   for long.
// - A request dies after `max_ask_life`; its blocks are then a gap like any other.
// - What a peer cannot deliver costs its claim the credit. That is all it costs.

#include "actors/ask_book.hpp"
#include "actors/block_buffer.hpp"
#include "actors/peer_claims.hpp"
#include "actors/sync_types.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace timenode::sync {

/// Blocks to be asked of a peer: first..last, both included.
struct range_request {
  ip_address peer;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

/// What is to be sent now.
struct plan_step {
  std::vector<ip_address> polls;  ///< Ask these for their height.
  std::vector<range_request> requests;
};

/// Where we are, as `step` wants to know it.
struct plan_position {
  std::uint64_t next =
      1;  ///< The lowest height that is neither stored nor being checked or applied.
  std::size_t busy_bytes = 0;  ///< Memory of blocks being checked and applied.
  bool paused = false;         ///< Nothing can be stored: ask for no blocks.
};

class sync_plan {
 public:
  /// `max_bytes`: `max_waiting_bytes` but in tests.
  sync_plan(std::size_t max_bytes, std::uint64_t seed)
      : max_bytes_{max_bytes}, claims_{seed}, buffer_{max_bytes} {}

  // -- peers ------------------------------------------------------------------------

  /// A peer is there, or talks over another connection from now on; what was asked over the old one
  /// is asked of others.
  void peer_up(const ip_address& ip, link_direction direction, monotonic_ns now);
  void peer_down(const ip_address& ip, monotonic_ns now);

  // -- what peers say ---------------------------------------------------------------

  /// Heights must have gone through `cap_claim`.
  void height_is(const ip_address& ip, std::uint64_t height, monotonic_ns now) {
    claims_.height_is(ip, height, now);
  }
  void at_least(const ip_address& ip, std::uint64_t height, monotonic_ns now) {
    claims_.at_least(ip, height, now);
  }

  /// Blocks came. Those that were asked of that peer wait for their turn, the others are dropped.
  /// Returns how many stayed. An empty answer, and holes, cost the claim its credit.
  std::size_t blocks_came(const ip_address& ip, std::span<const block_ptr> blocks,
                          const plan_position& position, monotonic_ns now);

  // -- what became of blocks ------------------------------------------------------------

  /// The peer's block at `height` is not on our branch: what waits of that peer is dropped, and it
  /// is not asked from there on until it claims again after a rest. See `peer_claims::refused`.
  void other_branch(const ip_address& ip, std::uint64_t height, monotonic_ns now);
  /// The peer is on another branch than we, or on ours again.
  void set_aside(const ip_address& ip, bool aside, monotonic_ns now);
  /// Our chain is another one than before.
  void nobody_aside(monotonic_ns now) { claims_.nobody_aside(now); }
  /// The peer cannot deliver that block, or none that we may take yet.
  void refused(const ip_address& ip, std::uint64_t height, monotonic_ns now);
  /// The peer's block is provably wrong.
  void wronged(const ip_address& ip, std::uint64_t height, monotonic_ns now);
  /// A block of that peer was applied.
  void useful(const ip_address& ip) { claims_.useful(ip); }

  // -- the blocks that wait -------------------------------------------------------------

  const sourced_block* waiting(std::uint64_t height) const { return buffer_.find(height); }
  /// Takes out the next run of blocks, as far as there is no hole.
  sourced_blocks take_run(std::uint64_t height) {
    return buffer_.take(height, max_run_blocks, max_run_bytes);
  }
  /// Blocks that turned out not to be taken yet.
  void put_back(sourced_blocks blocks, std::size_t busy_bytes) {
    buffer_.insert(std::move(blocks), busy_bytes);
  }
  /// Our chain changed under us: what waits may be of another one.
  void forget_waiting() { buffer_.clear(); }

  // -- what to do -----------------------------------------------------------------------

  plan_step step(const plan_position& position, monotonic_ns now);
  /// When `step` has something to do even if nothing comes.
  std::optional<monotonic_ns> next_deadline(monotonic_ns now) const;

  // -- what it is at ---------------------------------------------------------------------

  /// Up to where blocks are asked for: the best claim that has credit; 0 when there is none.
  std::uint64_t target() const noexcept { return claims_.best_credit(); }
  /// The best claim of a peer that keeps its claims: what may be told to others.
  std::uint64_t trusted_target() const noexcept { return claims_.best_trusted(); }
  const peer_claims& peers() const noexcept { return claims_; }
  const ask_book& asks() const noexcept { return asks_; }
  const block_buffer& buffer() const noexcept { return buffer_; }

 private:
  /// How long the range at the front has been waited for.
  struct front_watch {
    std::uint64_t height = 0;
    std::uint32_t steps = 0;  ///< Hedges so far.
    monotonic_ns due = 0;     ///< Of the next one; 0: nothing is asked.
  };

  void expire(monotonic_ns now);
  void watch_front(std::uint64_t front);
  void hedge_front(std::uint64_t front, monotonic_ns now, plan_step& out);
  void set_hedge_due();
  void fill_gaps(const plan_position& position, std::uint64_t front, monotonic_ns now,
                 plan_step& out);
  std::vector<height_range> gaps(std::uint64_t front, std::uint64_t last) const;
  void send(const ip_address& peer, std::uint64_t first, std::uint64_t last, bool hedge,
            monotonic_ns now, plan_step& out);
  void judge_hedging(const ask& answered, std::uint64_t front);
  std::size_t keep(const ask& request, std::span<const block_ptr> blocks,
                   const plan_position& position, std::uint64_t& first_hole);

  std::size_t max_bytes_;
  peer_claims claims_;
  ask_book asks_;
  block_buffer buffer_;
  front_watch front_;
  monotonic_ns hedge_delay_ = first_hedge_delay;
  std::size_t block_bytes_ = typical_block_bytes;  ///< What a block is likely to weigh.
};

}  // namespace timenode::sync
