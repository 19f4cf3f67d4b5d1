#pragma once

#include "actors/node_context.hpp"

#include <cstdint>

namespace timenode {

/// An actor's next deadline with the ticker. The actor keeps its own deadlines in its own order and sets
/// this to the earliest; when woken it works off what is due and sets it again.
class alarm_clock {
 public:
  /// Makes sure that `self` is woken at `at` or before. A later wake-up that was set before becomes void.
  template <class Self>
  void set(Self* self, const ticker_actor& waker, monotonic_ns at) {
    if (armed_for_ != 0 && armed_for_ <= at)
      return;
    armed_for_ = at;
    self->send(waker, atom::wake_v, sleeper_actor{self}, at, ++token_);
  }

  /// True when a wake-up with this token is the one that was set last; it is used up then.
  bool accept(std::uint64_t token) noexcept {
    if (token != token_ || armed_for_ == 0)
      return false;
    armed_for_ = 0;
    return true;
  }

  /// Makes any wake-up that is under way void.
  void cancel() noexcept {
    ++token_;
    armed_for_ = 0;
  }

 private:
  std::uint64_t token_ = 0;
  monotonic_ns armed_for_ = 0;  ///< 0: not set.
};

/// The same for who puts its deadline off far more often than it is woken: a message to the ticker each time, and no wake-up for
/// nothing.
class movable_alarm {
 public:
  /// `self` is woken at `at`, and not for what was set before.
  template <class Self>
  void set(Self* self, const ticker_actor& waker, monotonic_ns at) {
    if (armed_for_ == at)
      return;
    armed_for_ = at;
    self->send(waker, atom::wake_v, sleeper_actor{self}, wake_call{at, ++token_});
  }

  /// As `alarm_clock::accept`.
  bool accept(std::uint64_t token) noexcept {
    if (token != token_ || armed_for_ == 0)
      return false;
    armed_for_ = 0;
    return true;
  }

  /// Makes any wake-up that is under way void.
  void cancel() noexcept {
    ++token_;
    armed_for_ = 0;
  }

 private:
  std::uint64_t token_ = 0;
  monotonic_ns armed_for_ = 0;  ///< 0: not set.
};

}  // namespace timenode
