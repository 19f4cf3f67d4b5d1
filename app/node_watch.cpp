#include "app/node_watch.hpp"

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

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

struct node_watch::shared {
  std::shared_ptr<rpc_backend> backend;
  listener tell;
  std::function<void(const std::string&)> violated;
  std::mutex mutex;
  std::map<std::string, std::uint64_t> violations;  ///< At the look before.

  /// Those that have grown.
  std::vector<std::string> fresh(const std::map<std::string, std::uint64_t>& now) {
    const std::lock_guard lock{mutex};
    std::vector<std::string> result;
    for (const auto& [name, count] : now)
      if (count > std::exchange(violations[name], count))
        result.push_back(name);
    return result;
  }
};

node_watch::node_watch(std::shared_ptr<rpc_backend> backend, listener tell,
                       std::function<void(const std::string&)> violated,
                       std::chrono::milliseconds interval)
    : shared_{std::make_shared<shared>()}, interval_{interval} {
  shared_->backend = std::move(backend);
  shared_->tell = std::move(tell);
  shared_->violated = std::move(violated);
  thread_ = std::thread{[this] { run(); }};
}

node_watch::~node_watch() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void node_watch::run() {
  look();
  std::unique_lock lock{mutex_};
  while (!changed_.wait_for(lock, interval_, [this] { return stopping_; })) {
    lock.unlock();
    look();
    lock.lock();
  }
}

void node_watch::look() {
  // The answer comes on another thread, perhaps after our end: nothing of us is used there.
  shared_->backend->pulse([own = shared_](outcome<node_pulse> x) {
    const auto& backend = *own->backend;
    const auto tip = backend.chain().tip();
    const auto health =
        x ? judge_health(*x, tip, backend.health(), backend.unix_now()) : no_health(x.error(), tip);
    own->tell(health, tip, x ? &*x : nullptr);
    if (x && own->violated)
      for (const auto& name : own->fresh(x->invariant_violations))
        own->violated(name);
  });
}

}  // namespace timenode
