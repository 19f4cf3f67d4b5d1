#pragma once

// One line under the log on a terminal that always says how things are now, such as a progress bar.

#include <spdlog/common.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace timenode::app {

/// Thread-safe.
class status_line {
 public:
  /// `write` gets what the terminal is to do: text and ECMA-48 control sequences.
  explicit status_line(std::function<void(std::string_view)> write);

  /// Shows the text, which must be shorter than the terminal is wide, in place of what was there; an
  /// empty one takes the line away.
  void show(const std::string& text);

  /// Takes the line away for good.
  void close();

  /// Calls `log`, which writes whole lines to the terminal, and puts the line under them.
  void write_above(const std::function<void()>& log);

 private:
  std::mutex mutex_;
  std::function<void(std::string_view)> write_;
  std::string shown_;
  bool closed_ = false;
};

/// The line of standard error; null when that is not a terminal.
std::shared_ptr<status_line> status_line_on_stderr();

/// A sink that writes to `sink` above the line.
spdlog::sink_ptr make_sink_above(std::shared_ptr<status_line> line, spdlog::sink_ptr sink);

}  // namespace timenode::app
