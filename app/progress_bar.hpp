#pragma once

// How far a long command is: a bar that is drawn in place on a terminal, now and then a line
// elsewhere.

#include "messages/sync_messages.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace timenode::app {

struct progress_point {
  std::uint64_t blocks = 0;
  std::uint64_t height = 0;
  std::optional<double> fraction;  ///< 0 to 1; none: how much is to come is unknown.
};

/// The whole state as a text of at most `width` characters:
/// "importing [#####-----]  50 %  height 1000  812 blocks/s  1 s left". The bar takes what the
/// others leave, and is left out when that is too little.
std::string render_bar(std::string_view what, const progress_point& at, double blocks_per_second,
                       std::optional<double> seconds_left, std::size_t width);

/// How a node that is behind its peers catches up, the same way; empty: it does not.
std::string render_sync(const sync_progress& x, std::size_t width);

class progress_bar {
 public:
  using clock = std::chrono::steady_clock;

  /// A bar is not drawn more often than people see.
  static constexpr std::chrono::milliseconds redraw_interval{100};
  /// A line is written not more often than this.
  static constexpr std::chrono::seconds line_interval{5};

  struct output {
    std::function<void(std::string_view)> write;
    /// Columns of the terminal, asked at each drawing; empty: it is none.
    std::function<std::size_t()> columns;
  };

  /// `what` is the verb: "importing".
  progress_bar(output out, std::string what, clock::time_point now = clock::now());

  /// Tells the state; draws if it is time.
  void update(const progress_point& at, clock::time_point now = clock::now());

  /// Takes the bar off the terminal. Nothing more may be told.
  void clear();

 private:
  output out_;
  std::string what_;
  clock::time_point begin_;
  std::optional<clock::time_point> drawn_;
  std::optional<std::uint64_t> first_;  ///< Blocks at the first update.
};

/// Writes to standard error.
progress_bar::output progress_on_stderr();

}  // namespace timenode::app
