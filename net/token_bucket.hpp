#pragma once

#include "messages/link_types.hpp"

#include <algorithm>

namespace timenode::net {

/// A limit of rate: `burst` (at least 1) at once, `per_second` (above 0) in the long run.
class rate_limit {
 public:
  constexpr rate_limit(double per_second, double burst) noexcept
      : interval_{static_cast<monotonic_ns>(1e9 / per_second)}, slack_{static_cast<monotonic_ns>(
                                                                    (burst - 1) * 1e9 /
                                                                    per_second)} {}

  /// May one more be taken? `full_at` is all that is kept of those that were: when all that was taken will have come back,
  /// 0 at first (the generic cell rate algorithm, ITU-T I.371, annex A). `now` never goes back.
  constexpr bool take(monotonic_ns& full_at, monotonic_ns now) const noexcept {
    if (!has_room(full_at, now))
      return false;
    full_at = std::max(full_at, now) + interval_;
    return true;
  }

  /// Whether `take` would succeed.
  constexpr bool has_room(monotonic_ns full_at, monotonic_ns now) const noexcept {
    return full_at - now <= slack_;
  }

 private:
  monotonic_ns interval_;  ///< In which one comes back.
  monotonic_ns slack_;     ///< In which all but one of a burst do.
};

/// One limit and what was taken under it.
class token_bucket {
 public:
  constexpr token_bucket(double per_second, double burst) noexcept : limit_{per_second, burst} {}

  /// Takes a token if there is one. `now` never goes back.
  bool take(monotonic_ns now) noexcept { return limit_.take(full_at_, now); }

  /// Whether `take` would succeed.
  bool has_token(monotonic_ns now) const noexcept { return limit_.has_room(full_at_, now); }

  /// As if it had never been used.
  bool is_full(monotonic_ns now) const noexcept { return full_at_ <= now; }

 private:
  rate_limit limit_;
  monotonic_ns full_at_ = 0;
};

}  // namespace timenode::net
