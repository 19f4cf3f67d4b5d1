#pragma once

// Looks at the node now and then, for what must be known over time though nobody asks: whether it
// makes progress, whether an invariant was violated, and the line that `systemctl status` shows.

#include "app/rpc_backend.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace timenode {

/// How often: six looks within the time after which a lack of progress counts (`progress_within`).
inline constexpr std::chrono::seconds node_watch_interval{10};

/// "in sync at height 2000, 12 peers"
std::string one_line_status(const node_health& health, std::size_t peers);

class node_watch {
 public:
  /// What came of a look. `pulse`: null when the node did not answer.
  using listener =
      std::function<void(const node_health& health, const chain_tip& tip, const node_pulse* pulse)>;

  /// `tell` is called after each look, the first of which is at once, on some thread, and by a look
  /// that is under way even a moment after the destructor. It must not throw. `violated` gets the
  /// name of each invariant that was violated since the look before.
  node_watch(std::shared_ptr<rpc_backend> backend, listener tell,
             std::function<void(const std::string&)> violated = {},
             std::chrono::milliseconds interval = node_watch_interval);
  ~node_watch();
  node_watch(const node_watch&) = delete;
  node_watch& operator=(const node_watch&) = delete;

 private:
  void run();
  void look();

  /// What a look needs that may outlast us.
  struct shared;

  std::shared_ptr<shared> shared_;
  std::chrono::milliseconds interval_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;  ///< Last: it uses all of the above.
};

}  // namespace timenode
