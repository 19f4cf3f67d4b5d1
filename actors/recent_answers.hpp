#pragma once

// Whether a question that each new peer is asked was answered by enough of them lately, so that the next ones need not be
// asked: who comes back to a network of a hundred would ask all of them the same, and so would all of them.

#include "messages/link_types.hpp"

#include <array>
#include <cstddef>

namespace timenode {

class recent_answers {
 public:
  /// Answers that are enough: as many as good peers are for the address book (`enough_peers`), so that a few liars or
  /// some that know little among them do not matter.
  static constexpr std::size_t enough = 8;

  /// @param span For how long an answer counts.
  explicit recent_answers(monotonic_ns span) noexcept : span_{span} {}

  /// An answer to a question of ours came. Only those of peers that we dialed count: whoever dials us must not be able to
  /// keep us from asking others by answering first.
  void note(bool dialed, monotonic_ns now) noexcept {
    if (!dialed)
      return;
    times_[next_] = now;
    next_ = (next_ + 1) % enough;
    count_ += count_ < enough;
  }

  /// So many came within the span that one more would hardly tell anything new.
  bool are_enough(monotonic_ns now) const noexcept {
    return count_ == enough && now - times_[next_] < span_;
  }

 private:
  monotonic_ns span_;
  std::array<monotonic_ns, enough> times_{};  ///< A ring: `next_` is the oldest once it is full.
  std::size_t next_ = 0;
  std::size_t count_ = 0;
};

}  // namespace timenode
