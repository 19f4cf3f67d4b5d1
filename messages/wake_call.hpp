#pragma once

// A wake-up that the sleeper may put off while it waits. A connection whose ping goes along with the peer's puts its own off each
// round: a message to the ticker each time, or a wake-up for nothing, would be a seventh of all that a calm network does.

#include "messages/link_types.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

namespace timenode {

/// What the sleeper writes and the ticker reads, with no order between the two: who reads the old moment wakes the sleeper for nothing,
/// whose token then says so, or has been told of the new one by a call of its own.
struct wake_moment {
  std::atomic<monotonic_ns> at{0};
  std::atomic<std::uint64_t> token{0};  ///< Of the call that counts; others are void.
};

/// A call to be woken. `moment` may be null: it cannot be put off then.
struct wake_call {
  monotonic_ns at = 0;
  std::uint64_t token = 0;
  std::shared_ptr<const wake_moment> moment;

  /// At `at`: when to wake instead, if that was put off; `at` itself when the time has come; none when nobody waits any more.
  std::optional<monotonic_ns> due() const noexcept {
    if (!moment)
      return at;
    if (moment->token.load(std::memory_order_relaxed) != token)
      return std::nullopt;
    const auto now_at = moment->at.load(std::memory_order_relaxed);
    return now_at > at ? now_at : at;
  }

  /// The moment stays here: a call that goes elsewhere cannot be put off.
  template <class Inspector>
  friend bool inspect(Inspector& f, wake_call& x) {
    return f.object(x).fields(f.field("at", x.at), f.field("token", x.token));
  }
};

}  // namespace timenode
