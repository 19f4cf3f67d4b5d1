#pragma once

// This program, started again as a child.

#include "messages/outcome.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace timenode::app {

/// A child that dies with us, whatever we die of.
class child_process {
 public:
  /// Runs this program with those arguments. What it prints goes to `output`; it reads nothing. To
  /// be called by the main thread: the child dies when the thread that started it ends.
  static outcome<child_process> start(const std::vector<std::string>& arguments,
                                      const std::filesystem::path& output);
  child_process(child_process&& other) noexcept;
  child_process& operator=(child_process&& other) noexcept;
  /// Kills it if it still runs.
  ~child_process();

  pid_t pid() const noexcept { return pid_; }

  /// How it ended, once it has: "exit status 1", "killed by signal 11 (Segmentation fault)". Does
  /// not block.
  const std::optional<std::string>& ended();

  /// Whether it ended with exit status 0.
  bool ended_well() const noexcept { return status_ == 0; }

  /// Sends a signal if it still runs.
  void send(int signal);

 private:
  explicit child_process(pid_t pid) noexcept : pid_{pid} {}

  pid_t pid_ = -1;  ///< -1: moved from.
  int status_ = -1;
  std::optional<std::string> ended_;
};

/// Stops all: SIGTERM, and SIGKILL for those that are still there after `patience` or when the user
/// asks again (SIGINT or SIGTERM, which are blocked). Returns how many had to be killed.
std::size_t stop_all(std::span<child_process> children, std::chrono::milliseconds patience);

/// The last lines of a file, at most `count`; none when it cannot be read.
std::vector<std::string> last_lines(const std::filesystem::path& file, std::size_t count);

}  // namespace timenode::app
