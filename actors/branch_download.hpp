#pragma once

// Fetches another branch into memory, by the same means as our own chain is downloaded: ranges from
// many peers at once with deadlines (`sync_plan`), linked and checked (`block_pipeline`). Only where
// those give blocks to the chain keeper, here they are kept until all are there. Pure.

#include "actors/block_pipeline.hpp"
#include "actors/sync_plan.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace timenode::sync {

/// Most memory of another branch; what is above is fetched once the branch is ours. Holds 1,000
/// blocks of 64 KiB.
inline constexpr std::size_t max_branch_bytes = std::size_t{64} << 20;
/// Most blocks of another branch: twice what may be undone. What is above comes as usual.
inline constexpr std::uint64_t max_branch_blocks = 2000;
/// A download to which nothing was added for so long is given up: four times the life of a request.
inline constexpr monotonic_ns branch_patience = 4 * max_ask_life;

class branch_download {
 public:
  /// @param ancestor  The last block that the branch shares with our chain.
  /// @param first     Hash of the branch's first own block: another one is not taken.
  /// @param last      Height up to which to fetch; cut at `max_branch_blocks`.
  /// @param checks    How many checks may be under way at once.
  branch_download(const chain_tip& ancestor, const hash256& first, std::uint64_t last,
                  std::size_t checks, std::uint64_t seed, monotonic_ns now,
                  std::size_t max_bytes = max_branch_bytes);

  // -- peers ------------------------------------------------------------------------

  /// This peer has the branch, up to that height; again when it has more.
  void add_peer(const ip_address& ip, link_direction direction, std::uint64_t height,
                monotonic_ns now);
  void peer_down(const ip_address& ip, monotonic_ns now);
  bool has_peer(const ip_address& ip) const { return plan_.peers().find(ip) != nullptr; }

  // -- blocks -----------------------------------------------------------------------

  /// Blocks of the branch that we have ourselves, from its first on: they are checked like others.
  void offer(std::span<const block_ptr> blocks, std::int64_t unix_now, monotonic_ns now);
  /// An answer to `GetBlockRange`. Blocks not asked for are dropped.
  void blocks_came(const ip_address& ip, std::span<const block_ptr> blocks, std::int64_t unix_now,
                   monotonic_ns now);
  /// The next check that can be done.
  std::optional<check_job> next_check() { return pipeline_.next_check(); }
  /// What a checker said. Returns the block that is provably wrong, if there is one.
  std::optional<bad_block> checked(std::uint64_t run, check_reply reply, std::int64_t unix_now,
                                   monotonic_ns now);
  void check_failed(std::uint64_t run) { pipeline_.check_failed(run); }

  // -- what to do ---------------------------------------------------------------------

  /// What is to be asked now.
  std::vector<range_request> step(monotonic_ns now);
  std::optional<monotonic_ns> next_deadline(monotonic_ns now) const;

  /// All is here: up to `last()`, or as far as anybody has it, or as much as may be.
  bool complete() const noexcept;
  /// Nothing came for too long, or nobody has it.
  bool failed(monotonic_ns now) const noexcept;
  /// Why the next block is invalid, if all who sent it sent an invalid one; then it has failed.
  std::string_view invalid() const noexcept;

  const chain_tip& ancestor() const noexcept { return ancestor_; }
  std::uint64_t last() const noexcept { return last_; }
  /// The blocks so far, checked, the first on the ancestor.
  const std::vector<checked_block>& blocks() const noexcept { return blocks_; }
  /// Who sent the block at that height; none if it is not here.
  std::optional<ip_address> sender_of(std::uint64_t height) const;
  std::size_t bytes() const noexcept { return bytes_ + pipeline_.bytes() + plan_.buffer().bytes(); }

 private:
  void feed(std::int64_t unix_now, monotonic_ns now);
  void keep_checked(std::int64_t unix_now, monotonic_ns now);
  /// Nobody claims to have the next block, and nobody is being asked for it.
  bool nobody_has_more() const noexcept;

  chain_tip ancestor_;
  hash256 first_;
  std::uint64_t last_;
  std::size_t max_bytes_;
  sync_plan plan_;
  block_pipeline pipeline_;
  std::vector<checked_block> blocks_;
  std::vector<ip_address> senders_;  ///< One for each of `blocks_`.
  std::size_t bytes_ = 0;            ///< Memory of `blocks_`.
  monotonic_ns progress_at_;
  std::uint64_t wrong_height_ = 0;  ///< Of the last block that was found invalid ...
  std::string wrong_;               ///< ... and why.
};

}  // namespace timenode::sync
