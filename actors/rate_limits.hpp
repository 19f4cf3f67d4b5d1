#pragma once

// What a peer may send how often: protocol page, section 8. What exceeds it is dropped, never punished.

#include "messages/link_types.hpp"

#include <algorithm>
#include <cstdint>

namespace timenode {

/// `burst` tokens at most, `per_second` new ones.
class token_bucket {
public:
  constexpr token_bucket(double per_second, double burst) noexcept
    : per_second_{static_cast<float>(per_second)}, burst_{static_cast<float>(burst)},
      tokens_{static_cast<float>(burst)} {}

  /// Takes a token if there is one.
  bool take(monotonic_ns now) noexcept {
    if (last_ != 0) {
      const auto seconds = static_cast<float>(now - last_) * 1e-9f;
      tokens_ = std::min(burst_, tokens_ + seconds * per_second_);
    }
    last_ = now;
    if (tokens_ < 1)
      return false;
    tokens_ -= 1;
    return true;
  }

private:
  float per_second_;
  float burst_;
  float tokens_;
  monotonic_ns last_ = 0; ///< 0: never used.
};

/// The limits of one connection, as the deployed daemon has them; bursts are one second's (one minute's
/// for subscriptions) worth.
struct rate_limits {
  token_bucket transactions{1000, 1000};
  token_bucket utxo_queries{100, 100};
  token_bucket votes{10, 10};
  token_bucket subscriptions{10.0 / 60, 10};
  /// Ballots and votes for blocks: more than the deployed daemon takes, since a peer hands on those of all
  /// masternodes at once, three of each a block; 1,000 masternodes in a burst.
  token_bucket consensus{500, 3000};
};

} // namespace timenode
