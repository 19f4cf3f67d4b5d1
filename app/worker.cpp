#include "app/worker.hpp"

#include <utility>

namespace timenode {

worker::worker(std::size_t most) : most_{most}, thread_{[this] { run(); }} {}

worker::~worker() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

bool worker::post(std::function<void()> task) {
  {
    const std::lock_guard lock{mutex_};
    if (stopping_ || tasks_.size() >= most_)
      return false;
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
  return true;
}

void worker::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    if (stopping_)
      return;
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;  // What it holds goes before the next one begins.
    lock.lock();
  }
}

}  // namespace timenode
