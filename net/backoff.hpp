#pragma once

#include <cstdint>

namespace timenode::net {

/// No pause is longer than this, in nanoseconds (architecture, section 5).
inline constexpr std::int64_t longest_backoff_ns = 300'000'000'000;

/// The longest pause before the next dial after `failures` dials in a row that failed, in nanoseconds: 1 s doubling to
/// `longest`. 0 for no failure. The pause itself is drawn from [0, this] ("full jitter"), so that a site that comes
/// back is not dialed by everyone at once.
constexpr std::int64_t backoff_limit_ns(std::uint32_t failures,
                                        std::int64_t longest = longest_backoff_ns) noexcept {
  constexpr std::int64_t second = 1'000'000'000;
  if (failures == 0)
    return 0;
  // 2^9 s is beyond the longest pause: no shift overflows.
  const auto exponent = failures - 1 < 9 ? failures - 1 : 9;
  const auto limit = second << exponent;
  return limit < longest ? limit : longest;
}

}  // namespace timenode::net
