#pragma once

#include "messages/link_types.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace timenode {

/// Keeps one kind of log line from flooding the log, whatever peers do: some at once, then one now and
/// then, with the number of those left out.
class line_limit {
 public:
  /// `burst` lines at once; one more for each `interval` that passes.
  constexpr line_limit(std::uint32_t burst, std::chrono::nanoseconds interval) noexcept
      : burst_{burst}, left_{burst}, interval_{interval.count()} {}

  /// Whether the line may be written; then how many were left out since the last one.
  std::optional<std::uint64_t> take(monotonic_ns now) noexcept {
    if (now - refilled_at_ >= interval_) {
      const auto periods = static_cast<std::uint64_t>((now - refilled_at_) / interval_);
      left_ = periods >= burst_ - left_ ? burst_ : left_ + static_cast<std::uint32_t>(periods);
      refilled_at_ += static_cast<monotonic_ns>(periods) * interval_;
    }
    if (left_ == 0) {
      ++left_out_;
      return std::nullopt;
    }
    --left_;
    const auto result = left_out_;
    left_out_ = 0;
    return result;
  }

 private:
  std::uint32_t burst_;
  std::uint32_t left_;
  monotonic_ns interval_;
  monotonic_ns refilled_at_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace timenode
