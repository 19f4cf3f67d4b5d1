#pragma once

// Finds the last block that a peer's chain and ours have in common, by asking for one hash at a time:
// first in growing steps down from where they differ, since most forks are young, then by bisection.
// Pure.

#include "messages/ledger.hpp"

#include <cstdint>
#include <optional>

namespace timenode::sync {

class ancestor_search {
 public:
  /// The peer's block at height `differs` is known not to be ours; `their_hash` is its hash. `tip`: our
  /// height. Not looked for further down than `max_depth` blocks below our tip.
  ancestor_search(std::uint64_t differs, const hash256& their_hash, std::uint64_t tip,
                  std::uint64_t max_depth) noexcept;

  /// The height whose hash is to be asked for; none when the search is over.
  std::optional<std::uint64_t> next() const noexcept;

  /// The peer's hash at `next()`, and ours there.
  void answered(const hash256& theirs, const hash256& ours) noexcept;

  /// The height of the last common block; none while it is not found.
  std::optional<std::uint64_t> found() const noexcept;
  /// The chains part below everything that was looked at.
  bool too_deep() const noexcept { return high_ <= floor_ && low_ < floor_; }
  /// The hash of the lowest block that is known to differ, which is right above `found()` in the end.
  const hash256& first_different() const noexcept { return high_hash_; }
  /// Its height.
  std::uint64_t lowest_different() const noexcept { return high_; }

 private:
  std::uint64_t high_;     ///< The lowest height at which they are known to differ.
  hash256 high_hash_;      ///< The peer's hash there.
  std::uint64_t low_ = 0;  ///< The highest height at which they are known to be the same: genesis.
  std::uint64_t floor_;    ///< The lowest height that is asked for.
  std::uint64_t step_ = 1;
  bool galloping_ = true;
};

}  // namespace timenode::sync
