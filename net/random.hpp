#pragma once

#include <cstdint>
#include <limits>

namespace timenode {

/// A small random generator (SplitMix64, Steele et al. 2014): 8 bytes of state, so that each connection
/// can have its own, and the same on every platform, so that a seed replays. Not for keys.
class random_source {
 public:
  using result_type = std::uint64_t;

  explicit random_source(std::uint64_t seed) noexcept : state_{seed} {}

  static constexpr result_type min() noexcept { return 0; }
  static constexpr result_type max() noexcept { return std::numeric_limits<result_type>::max(); }

  result_type operator()() noexcept {
    auto z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  /// A number in [0, bound); 0 for a bound of 0.
  std::uint64_t below(std::uint64_t bound) noexcept {
    // The bias of the plain remainder is below 2^-32 for any bound that we use.
    return bound == 0 ? 0 : (*this)() % bound;
  }

  /// `value` times something in [1 - share, 1 + share].
  std::int64_t jitter(std::int64_t value, double share) noexcept {
    const auto unit = static_cast<double>((*this)() >> 11) * 0x1.0p-53;  // [0, 1)
    return value + static_cast<std::int64_t>(static_cast<double>(value) * share * (2 * unit - 1));
  }

 private:
  std::uint64_t state_;
};

}  // namespace timenode
