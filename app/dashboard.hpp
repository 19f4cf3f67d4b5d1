#pragma once

// The dashboard: a page that the RPC server serves (app/dashboard.html), and what keeps it up to
// date. It shows what RPC methods answer, as they answer it.

#include "app/http_server.hpp"
#include "app/rpc_backend.hpp"
#include "app/worker.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace timenode {

/// Between two events: what a person can follow, and cheap for a node.
inline constexpr std::chrono::milliseconds dashboard_interval{1000};

/// The page. It loads nothing from anywhere, and says so to the browser.
http_response dashboard_page();

/// A server-sent event called `name` with the answers of the methods that the page shows, the last
/// blocks, and the lines of the log after that number; or called "trouble", with the reason, when
/// there is no snapshot.
std::string dashboard_event(rpc_backend& backend, const outcome<node_snapshot>& snapshot,
                            std::string_view name, std::uint64_t log_after);

/// Publishes an event a second as long as anybody reads along.
class dashboard_feed {
 public:
  explicit dashboard_feed(std::shared_ptr<rpc_backend> backend);
  ~dashboard_feed();
  dashboard_feed(const dashboard_feed&) = delete;
  dashboard_feed& operator=(const dashboard_feed&) = delete;

  /// Answers with the first event and what follows. On the server's thread.
  void serve(http_answer answer);

 private:
  /// What answers that come late need.
  struct shared;

  void run();

  std::shared_ptr<shared> shared_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace timenode
