#pragma once

// The last lines of the log, for the dashboard and the flight recorder; and the folding of floods.

#include "app/flight_memory.hpp"

#include <spdlog/common.h>
#include <spdlog/sinks/sink.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace timenode {

struct log_line {
  std::uint64_t number = 0;  ///< Counts up from 1: who follows knows what it has seen.
  std::int64_t at = 0;       ///< Unix milliseconds.
  std::string level;         ///< "info".
  std::string text;
};

/// The last so many lines. Thread-safe.
class log_tail {
 public:
  static constexpr std::size_t most = 200;

  /// Lines of each of spdlog's levels since the start; those that were folded count, too.
  using counts = std::array<std::uint64_t, 7>;

  void add(log_line x);
  void count(int level) noexcept;
  counts counted() const noexcept;
  /// Those after that number, oldest first.
  std::vector<log_line> after(std::uint64_t number) const;

 private:
  mutable std::mutex mutex_;
  std::deque<log_line> lines_;
  std::uint64_t last_ = 0;
  std::array<std::atomic<std::uint64_t>, 7> counts_{};
};

/// The tail of this process's log.
log_tail& process_log_tail();

// -- folding ------------------------------------------------------------------------

/// Decides which lines are shown. Of equal ones the first five in ten seconds are; the others are
/// counted, and told in one line when the ten seconds are over.
class line_folder {
 public:
  using clock = std::chrono::steady_clock;

  static constexpr std::uint64_t shown_at_most = 5;
  static constexpr std::chrono::seconds window{10};
  /// Different lines that are remembered; when more come within a window, it is no flood of equal
  /// ones.
  static constexpr std::size_t max_remembered = 256;

  struct folded {
    int level = 0;
    std::string text;  ///< "folded 17 more lines within 10 s: TEXT".
  };

  /// Whether the line is to be shown.
  bool shows(int level, std::string_view text, clock::time_point now);
  /// What is to be told of windows that are over.
  std::vector<folded> due(clock::time_point now);

 private:
  struct seen {
    clock::time_point since;
    std::uint64_t count = 0;
  };
  std::map<std::pair<int, std::string>, seen> seen_;
};

/// Folds floods, hands the rest to another sink and keeps the tail.
std::shared_ptr<spdlog::sinks::sink> make_folding_sink(std::shared_ptr<spdlog::sinks::sink> to,
                                                       log_tail& tail, flight_memory& memory);

}  // namespace timenode
