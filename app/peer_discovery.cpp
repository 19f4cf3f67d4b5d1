#include "app/peer_discovery.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>
#include <utility>

namespace timenode::app {

outcome<std::vector<std::string>> parse_peer_list(std::string_view json_text) {
  auto document = nlohmann::json::parse(json_text, nullptr, false);
  if (document.is_object() && document.contains("peers"))
    document = nlohmann::json(document["peers"]);
  if (!document.is_array())
    return fail("it is not a JSON array of addresses, nor an object with one called \"peers\"");
  std::vector<std::string> result;
  for (const auto& x : document)
    if (x.is_string() && result.size() < max_listed_peers)
      result.push_back(x.get<std::string>());
  return result;
}

/// What the thread and its owner share; the thread may outlive its owner.
struct peer_discovery::shared {
  web_address from;
  std::mutex mutex;
  std::condition_variable stop;
  std::function<void(std::vector<std::string>)> take;  ///< Null: stopped.
};

peer_discovery::peer_discovery(web_address from, std::function<void(std::vector<std::string>)> take)
    : shared_{std::make_shared<shared>()} {
  shared_->from = std::move(from);
  shared_->take = std::move(take);
  std::thread{[x = shared_] {
    // Signals are for whoever waits for them.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    run(x);
  }}.detach();
}

peer_discovery::~peer_discovery() {
  const std::lock_guard guard{shared_->mutex};
  shared_->take = nullptr;
  shared_->stop.notify_all();
}

void peer_discovery::run(const std::shared_ptr<shared>& x) {
  for (;;) {
    const auto body = fetch(x->from, max_peer_list_bytes, peer_list_deadline);
    auto list = body ? parse_peer_list(*body)
                     : outcome<std::vector<std::string>>{fail(body.error().reason)};
    std::chrono::seconds pause = peer_list_period;
    // The log may be gone when its owner is.
    std::unique_lock guard{x->mutex};
    if (!x->take)
      return;
    if (list) {
      spdlog::info("discovery: {} addresses from {}", list->size(), x->from.to_string());
      x->take(std::move(*list));
    } else {
      pause = peer_list_retry;
      spdlog::warn("discovery: no list of peers from {}: {}; next try in {} min",
                   x->from.to_string(), list.error().reason, pause.count() / 60);
    }
    if (x->stop.wait_for(guard, pause, [&x] { return !x->take; }))
      return;
  }
}

}  // namespace timenode::app
