#pragma once

#include <cstdint>

namespace timenode::net {

/// The longest pause before the next dial after `failures` dials in a row that failed, in nanoseconds:
/// 1 s doubling to 300 s (architecture, section 5). 0 for no failure. The pause itself is drawn from
/// [0, this] ("full jitter"), so that a site that comes back is not dialed by everyone at once.
constexpr std::int64_t backoff_limit_ns(std::uint32_t failures) noexcept {
  constexpr std::int64_t second = 1'000'000'000;
  constexpr std::int64_t longest = 300 * second;
  if (failures == 0)
    return 0;
  // 2^9 s is beyond the longest pause: no shift overflows.
  const auto exponent = failures - 1 < 9 ? failures - 1 : 9;
  const auto limit = second << exponent;
  return limit < longest ? limit : longest;
}

} // namespace timenode::net
