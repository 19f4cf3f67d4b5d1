#pragma once

#include "messages/link_types.hpp"

#include <algorithm>

namespace timenode::net {

/// A limit of rate: `burst` tokens at most, `per_second` new ones. Single precision is enough for what is counted by
/// the thousand, and a connection has several of these.
class token_bucket {
public:
  constexpr token_bucket(double per_second, double burst) noexcept
    : per_second_{static_cast<float>(per_second)}, burst_{static_cast<float>(burst)},
      tokens_{static_cast<float>(burst)} {}

  /// Takes a token if there is one. `now` never goes back.
  bool take(monotonic_ns now) noexcept {
    tokens_ = level(now);
    last_ = now;
    if (tokens_ < 1)
      return false;
    tokens_ -= 1;
    return true;
  }

  /// Whether `take` would succeed.
  bool has_token(monotonic_ns now) const noexcept { return level(now) >= 1; }

  /// As if it had never been used.
  bool is_full(monotonic_ns now) const noexcept { return level(now) >= burst_; }

private:
  float level(monotonic_ns now) const noexcept {
    if (last_ == 0)
      return tokens_;
    const auto seconds = static_cast<float>(now - last_) * 1e-9f;
    return std::min(burst_, tokens_ + seconds * per_second_);
  }

  float per_second_;
  float burst_;
  float tokens_;
  monotonic_ns last_ = 0; ///< 0: never used.
};

} // namespace timenode::net
