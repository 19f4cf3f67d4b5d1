#pragma once

// How the program is told to stop. SIGINT and SIGTERM are blocked before the first thread starts
// and are then waited for, so that nothing ever runs inside of a signal handler.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

namespace timenode::app {

/// Blocks SIGINT, SIGTERM and SIGCHLD in this thread and those that it starts from here on.
void block_signals();

/// Blocks SIGHUP in the same way, for a program that reads its configuration anew then (others end
/// when their terminal is gone).
void block_reload_signal();

/// Undoes that, in a child between fork and exec. Async-signal-safe.
void unblock_signals_in_child() noexcept;

/// Waits for one of the blocked signals. None when `at_most` has passed.
std::optional<int> wait_for_signal(std::chrono::milliseconds at_most);

/// Whether SIGINT or SIGTERM is waiting. Leaves it there.
bool stop_signal_pending();

/// "Ctrl+C (SIGINT)".
const char* name_of_signal(int signal) noexcept;

/// A thread that waits for SIGINT and SIGTERM, and for SIGHUP if that is blocked. At the first
/// SIGINT or SIGTERM it calls the handler; a second one kills the process as if nobody had asked
/// for it; and if the program is still there `patience` after the first, it ends at once, with exit
/// status 1.
class stop_watcher {
 public:
  /// What is stored survives that (invariant `contiguous`), so it is for a program that hangs.
  static constexpr std::chrono::seconds patience{8};

  /// `block_signals` has been called, in front of every thread.
  stop_watcher();
  /// No handler runs any more.
  ~stop_watcher();
  stop_watcher(const stop_watcher&) = delete;
  stop_watcher& operator=(const stop_watcher&) = delete;

  /// Sets the handler; calls it at once when the signal has been there already. An empty one takes
  /// it away, and then none is running on return. The handler gets the signal's number and must not
  /// block.
  void on_stop(std::function<void(int signal)> handler);

  /// The same for SIGHUP, which may come again and again until one of the others does.
  void on_reload(std::function<void()> handler);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace timenode::app
