#pragma once

// How fast the chain grows, how long it will take, and when that is worth a line in the log. Pure.

#include "actors/sync_types.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace timenode::sync {

/// Where the node stands, as a log line wants it.
struct progress_point {
  std::uint64_t height = 0;
  std::uint64_t target = 0;  ///< 0: unknown.
  std::uint64_t peers = 0;   ///< That have the target.
};

class sync_progress {
 public:
  /// The rate is that of the last so many seconds.
  static constexpr std::int64_t window_seconds = 10;
  /// A line of progress at most this often.
  static constexpr monotonic_ns line_interval = in_ns(std::chrono::seconds{10});
  /// Being fewer blocks behind than this is everyday life, and no line.
  static constexpr std::uint64_t worth_a_line = 10;
  /// A line when nothing came for so long although somebody claims to have more ...
  static constexpr monotonic_ns stall = in_ns(std::chrono::seconds{60});
  /// ... at most this often, since liars can claim anything at any time.
  static constexpr monotonic_ns stall_interval = in_ns(std::chrono::minutes{10});

  /// `height`: of our tip.
  explicit sync_progress(std::uint64_t height) : height_{height} {}

  /// Blocks were stored.
  void applied(std::uint64_t count, monotonic_ns now);

  double blocks_per_second(monotonic_ns now) const;
  /// Seconds until the target at this rate; -1: unknown.
  std::int64_t eta_seconds(const progress_point& at, monotonic_ns now) const;

  /// A line for the log, if it is time for one: "2000 blocks behind, asking 3 peers", progress,
  /// "caught up at height 2000 (2000 blocks in 3.1 s)", that a claim was not kept, or that nothing
  /// comes. Call after each change.
  std::optional<std::string> line(const progress_point& at, monotonic_ns now);

  /// How many blocks were stored since the start.
  std::uint64_t total() const noexcept { return total_; }

 private:
  struct second {
    std::int64_t number = -1;
    std::uint64_t blocks = 0;
  };
  /// A stretch of catching up that was worth a line.
  struct episode {
    monotonic_ns began = 0;
    std::uint64_t from = 0;  ///< Height.
    std::uint64_t goal = 0;  ///< The highest target of it.
    monotonic_ns last_line = 0;
  };

  std::array<second, window_seconds> seconds_{};
  std::optional<monotonic_ns> first_applied_;
  std::uint64_t total_ = 0;
  std::optional<episode> episode_;
  std::uint64_t height_;  ///< At the last call.
  monotonic_ns height_since_ = 0;
  std::optional<monotonic_ns> behind_since_;
  std::optional<monotonic_ns> last_stall_line_;
};

}  // namespace timenode::sync
