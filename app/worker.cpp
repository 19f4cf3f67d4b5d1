#include "app/worker.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

namespace timenode {

struct worker::state {
  explicit state(std::size_t x) : most{x} {}

  const std::size_t most;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> tasks;
  bool stopping = false;
};

worker::worker(std::size_t most)
    : state_{std::make_shared<state>(most)}, thread_{[x = state_] { run(x); }} {}

worker::~worker() {
  std::deque<std::function<void()>> dropped;
  {
    const std::lock_guard lock{state_->mutex};
    state_->stopping = true;
    dropped.swap(state_->tasks);
  }
  state_->changed.notify_one();
  if (thread_.get_id() == std::this_thread::get_id())
    thread_.detach();
  else
    thread_.join();
}

bool worker::post(std::function<void()> task) {
  {
    const std::lock_guard lock{state_->mutex};
    if (state_->stopping || state_->tasks.size() >= state_->most)
      return false;
    state_->tasks.push_back(std::move(task));
  }
  state_->changed.notify_one();
  return true;
}

void worker::run(const std::shared_ptr<state>& x) {
  std::unique_lock lock{x->mutex};
  for (;;) {
    x->changed.wait(lock, [&x] { return x->stopping || !x->tasks.empty(); });
    if (x->stopping)
      return;
    auto task = std::move(x->tasks.front());
    x->tasks.pop_front();
    lock.unlock();
    task();
    task = nullptr;  // What it holds goes before the next one begins.
    lock.lock();
  }
}

}  // namespace timenode
