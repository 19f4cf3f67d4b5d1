#pragma once

#include "actors/node_context.hpp"

#include <atomic>
#include <cstdint>
#include <memory>

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

/// The same for who puts its deadline off far more often than it is woken: that costs nothing. 40 bytes of memory more.
class movable_alarm {
 public:
  /// `self` is woken at `at`, whatever was set before.
  template <class Self>
  void set(Self* self, const ticker_actor& waker, monotonic_ns at) {
    if (armed_for_ == at)
      return;
    if (!moment_)
      moment_ = std::make_shared<wake_moment>();
    const auto put_off = armed_for_ != 0 && armed_for_ < at;
    armed_for_ = at;
    moment_->at.store(at, std::memory_order_relaxed);
    if (put_off)
      return;
    moment_->token.store(++token_, std::memory_order_relaxed);
    self->send(waker, atom::wake_v, sleeper_actor{self}, wake_call{at, token_, moment_});
  }

  /// As `alarm_clock::accept`. One that was put off as it came is too early, and used up as well: set it again.
  bool accept(std::uint64_t token) noexcept {
    if (token != token_ || armed_for_ == 0)
      return false;
    armed_for_ = 0;
    return true;
  }

  /// Makes any wake-up that is under way void.
  void cancel() noexcept {
    if (armed_for_ == 0)
      return;
    armed_for_ = 0;
    moment_->token.store(++token_, std::memory_order_relaxed);
  }

 private:
  std::shared_ptr<wake_moment> moment_;  ///< Null until it is set.
  std::uint64_t token_ = 0;
  monotonic_ns armed_for_ = 0;  ///< 0: not set.
};

}  // namespace timenode
