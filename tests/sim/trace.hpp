#pragma once

// What happens in a run, a line each: "  1:02:03.004 10.0.0.7  connected to 10.0.0.9". Every line goes into a
// digest, so that two runs can be compared without keeping either.

#include "tests/sim/event_queue.hpp"

#include <cstdint>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sim {

/// "1:02:03.004"
std::string text_of_time(monotonic_ns at);

class trace {
 public:
  explicit trace(std::function<monotonic_ns()> now) : now_{std::move(now)} {}

  /// Also writes to this file from now on. False when it cannot be opened.
  bool write_to(const std::string& file);
  /// Also keeps the lines (tests).
  void keep() noexcept { keeps_ = true; }

  /// `who`: an address, or what else did it.
  void add(std::string_view who, std::string_view what);

  std::uint64_t digest() const noexcept { return digest_; }
  std::uint64_t lines() const noexcept { return count_; }
  const std::vector<std::string>& kept() const noexcept { return kept_; }

 private:
  std::function<monotonic_ns()> now_;
  std::ofstream file_;
  bool keeps_ = false;
  std::vector<std::string> kept_;
  std::uint64_t digest_ = 0xcbf29ce484222325;
  std::uint64_t count_ = 0;
};

/// While it lives, what the nodes log goes into the trace: who of them is told by `who`.
class log_to_trace {
 public:
  /// Debug lines as well: `verbose`.
  log_to_trace(trace& to, std::function<std::string()> who, bool verbose);
  ~log_to_trace();
  log_to_trace(const log_to_trace&) = delete;
  log_to_trace& operator=(const log_to_trace&) = delete;

 private:
  struct previous;
  previous* previous_;
};

}  // namespace sim
