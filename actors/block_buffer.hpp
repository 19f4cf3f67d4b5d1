#pragma once

// Blocks that came before their turn, in segments without holes. Pure.

#include "actors/sync_types.hpp"

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace timenode::sync {

/// First and last height, both included.
using height_range = std::pair<std::uint64_t, std::uint64_t>;

/// Holds each height once: what came first stays. Bounded by memory: when there is too much, the
/// highest blocks go, so that the front always finds room.
class block_buffer {
 public:
  /// `max_bytes`: see `memory_of`.
  explicit block_buffer(std::size_t max_bytes) : max_bytes_{max_bytes} {}

  /// Keeps those of `blocks` whose heights are not here yet. Heights must ascend; there may be
  /// holes. `elsewhere`: bytes that count against the limit too. Returns how many stayed.
  std::size_t insert(sourced_blocks blocks, std::size_t elsewhere);

  /// The block at that height; null when it is not here.
  const sourced_block* find(std::uint64_t height) const;

  /// Takes out the blocks from `height` on that follow each other: at most `max_blocks` and
  /// `max_bytes`, but at least one if there is one.
  sourced_blocks take(std::uint64_t height, std::size_t max_blocks, std::size_t max_bytes);

  /// Drops what that peer sent.
  void drop_from(const ip_address& ip);

  /// Drops everything below that height.
  void drop_below(std::uint64_t height);

  void clear();

  /// The lowest height, not below `from`, that is not here.
  std::uint64_t first_missing(std::uint64_t from) const;

  /// Appends what is here at or above `from`, in ascending order; neighbours may touch.
  void list(std::uint64_t from, std::vector<height_range>& out) const;

  std::size_t bytes() const noexcept { return bytes_; }
  std::size_t blocks() const noexcept { return blocks_; }

 private:
  /// Heights follow each other from the key on; never empty.
  using segment_map = std::map<std::uint64_t, sourced_blocks>;

  void add(sourced_blocks segment);
  void trim(std::size_t limit);
  segment_map::const_iterator segment_of(std::uint64_t height) const;
  void forget(const sourced_block& x) noexcept;

  std::size_t max_bytes_;
  segment_map segments_;
  std::size_t bytes_ = 0;
  std::size_t blocks_ = 0;
};

}  // namespace timenode::sync
