#include "app/node_watch.hpp"

#include <utility>

namespace timenode {

std::string one_line_status(const node_health& health, std::size_t peers) {
  auto result = std::string{to_text(health.sync)} + " at height " + std::to_string(health.height);
  if (health.target > health.height)
    result += " of " + std::to_string(health.target);
  result += ", " + std::to_string(peers) + (peers == 1 ? " peer" : " peers");
  if (!health.problems.empty())
    result += "; " + health.problems.front();
  return result;
}

node_watch::node_watch(std::shared_ptr<rpc_backend> backend,
                       std::function<void(const std::string&)> tell)
    : backend_{std::move(backend)},
      tell_{std::make_shared<const std::function<void(const std::string&)>>(std::move(tell))},
      thread_{[this] { run(); }} {}

node_watch::~node_watch() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void node_watch::run() {
  std::unique_lock lock{mutex_};
  while (!changed_.wait_for(lock, node_watch_interval, [this] { return stopping_; })) {
    lock.unlock();
    look();
    lock.lock();
  }
}

void node_watch::look() {
  // The answer comes on another thread, perhaps after our end: nothing of us is used there.
  backend_->snapshot([backend = backend_, tell = tell_](outcome<node_snapshot> x) {
    const auto tip = backend->chain().tip();
    const auto health = x ? judge_health(*x, tip, backend->health(), backend->unix_now())
                          : no_health(x.error(), tip);
    (*tell)(one_line_status(health, x ? x->registry.established : 0));
  });
}

}  // namespace timenode
