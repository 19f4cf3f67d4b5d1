#pragma once

// A thread for what must not hold up another one.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace timenode {

/// Does one task after the other. Thread-safe.
class worker {
 public:
  /// `most`: tasks that may wait.
  explicit worker(std::size_t most);
  /// Waits for the task that is being done; those that wait are dropped.
  ~worker();
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  /// False when too many wait already. A task does not throw.
  bool post(std::function<void()> task);

 private:
  void run();

  std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::thread thread_;  ///< Last: it uses all of the above.
};

}  // namespace timenode
