#pragma once

// Looks at the node now and then, for what must be known over time though nobody asks: whether it
// makes progress, and the line that `systemctl status` shows.

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
  /// `tell` gets a line after each look, on some thread, and by a look that is under way even a
  /// moment after the destructor. It must not throw.
  node_watch(std::shared_ptr<rpc_backend> backend, std::function<void(const std::string&)> tell);
  ~node_watch();
  node_watch(const node_watch&) = delete;
  node_watch& operator=(const node_watch&) = delete;

 private:
  void run();
  void look();

  std::shared_ptr<rpc_backend> backend_;
  std::shared_ptr<const std::function<void(const std::string&)>> tell_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;  ///< Last: it uses all of the above.
};

}  // namespace timenode
