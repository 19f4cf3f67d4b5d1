#pragma once

// How much memory the unfinished lines of all peers may take together, and who goes when they take more. A value
// without socket; not thread-safe.
//
// One line may be 8 MiB, so that a thousand peers could make us keep 8 GiB by sending all of a line but its end. An
// honest line of that size (an answer with blocks) grows until it is complete: when memory is short, the line goes that
// grew slowest since it began, of those that are worth it. To push out an honest one, an attacker has to send faster
// than its peer does, on as many connections as fit into the budget, and without a pause.

#include "messages/link_types.hpp"

#include <cstddef>
#include <map>
#include <optional>

namespace timenode::net {

/// Of all unfinished lines together: sixteen full block answers of 4 MiB under way at once, or eight lines of the
/// greatest length.
inline constexpr std::size_t max_unfinished_bytes = 64u << 20;
/// What is not even counted: a beginning this small is what any connection may hold. With 125 peers that is 2 MiB.
inline constexpr std::size_t small_beginning_bytes = 16u << 10;

class line_budget {
 public:
  using holder = const void*;

  explicit line_budget(std::size_t limit) noexcept : limit_{limit} {}

  /// `who` now keeps that many bytes of a line without end; 0: none. Returns whose line is to go, if all together
  /// exceed the limit: it counts no more from then on. Ask for more by `excess`.
  std::optional<holder> hold(holder who, std::size_t bytes, monotonic_ns now);
  /// The next one whose line is to go, if all together still exceed the limit.
  std::optional<holder> excess();
  /// `who` is gone.
  void release(holder who);
  /// All that is counted.
  std::size_t total() const noexcept { return total_; }

 private:
  struct line {
    std::size_t bytes = 0;
    monotonic_ns since = 0;
  };

  std::size_t limit_;
  std::size_t total_ = 0;
  monotonic_ns now_ = 0;  ///< As far as we were told.
  std::map<holder, line> lines_;
};

}  // namespace timenode::net
