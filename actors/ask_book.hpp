#pragma once

// Which blocks were asked of whom, until when. Answers carry no number, so they are matched by what
// is in them. Pure.

#include "actors/block_buffer.hpp"
#include "actors/sync_types.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

namespace timenode::sync {

/// A request for blocks first..last, both included.
struct ask {
  ip_address peer;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  monotonic_ns asked_at = 0;
  monotonic_ns expires = 0;
  bool hedge = false;  ///< Because another peer took too long.

  bool covers(std::uint64_t height) const noexcept { return first <= height && height <= last; }
  std::uint64_t count() const noexcept { return last - first + 1; }
};

class ask_book {
 public:
  /// True while there is room for another one (`max_asks`).
  bool has_room() const noexcept { return asks_.size() < max_asks; }
  void add(const ask& x) { asks_.emplace(x.first, x); }

  /// A request that was answered, and whether it had been given up before.
  struct match {
    ask request;
    bool late = false;
  };
  /// The request of that peer that an answer which begins with that height belongs to; none: nobody
  /// asked for it. It is answered then. Requests that died of age count for `late_ask_life`.
  std::optional<match> answered(const ip_address& peer, std::uint64_t first_height);
  /// The request that an empty answer belongs to: the oldest, since peers answer in order.
  std::optional<match> answered_empty(const ip_address& peer);

  /// Takes out what has died of age; kept aside for late answers.
  std::vector<ask> expire(monotonic_ns now);
  /// Gives up what is asked of that peer; kept aside for late answers when `may_answer`.
  std::uint32_t release(const ip_address& peer, bool may_answer, monotonic_ns now);

  /// Appends the ranges that end at or above `from`, in the order of their beginnings; they may
  /// overlap.
  void list(std::uint64_t from, std::vector<height_range>& out) const;
  /// Those that cover a height.
  std::vector<const ask*> covering(std::uint64_t height) const;

  /// When the next one dies; none when there are none.
  std::optional<monotonic_ns> next_expiry() const;
  std::size_t size() const noexcept { return asks_.size(); }
  /// Blocks that are asked for, those asked twice counted twice.
  std::uint64_t blocks() const noexcept;

 private:
  void keep_late(const ask& x, monotonic_ns now);

  std::multimap<std::uint64_t, ask> asks_;  ///< By first height; at most `max_asks`.
  std::deque<ask> late_;                    ///< At most `max_late_asks`; `expires`: when forgotten.
};

}  // namespace timenode::sync
