#pragma once

// A thread for what must not hold up another one.

#include <cstddef>
#include <functional>
#include <memory>
#include <thread>

namespace timenode {

/// Does one task after the other. Thread-safe.
class worker {
 public:
  /// `most`: tasks that may wait.
  explicit worker(std::size_t most);
  /// Waits for the task that is being done, unless it is that task which ends us; those that wait are
  /// dropped.
  ~worker();
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  /// False when too many wait already. A task does not throw.
  bool post(std::function<void()> task);

 private:
  /// Outlives us when a task ends us.
  struct state;

  static void run(const std::shared_ptr<state>& x);

  std::shared_ptr<state> state_;
  std::thread thread_;
};

}  // namespace timenode
