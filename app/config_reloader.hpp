#pragma once

// Reads the configuration of a running node again and finds what changed.

#include "app/command_line.hpp"
#include "app/config_show.hpp"
#include "app/rpc_backend.hpp"

#include <functional>
#include <mutex>
#include <vector>

namespace timenode::app {

/// How a running node takes over what changed. Each is called on the thread of `reload`.
struct live_settings {
  std::function<void(log_level)> set_log_level;
  std::function<void(const endpoint&)> add_peer;        ///< To be connected to from now on.
  std::function<void(const endpoint&)> remove_peer;     ///< Not any more.
  std::function<void(const peer_settings&)> set_peers;  ///< Bans, trust, places.
};

class config_reloader {
 public:
  /// `options`: those that the node was started with; `started_with`: what they gave then.
  config_reloader(node_options options, const loaded_config& started_with, live_settings live);

  /// Reads the configuration file, and applies what can be applied. When it is wrong, everything
  /// stays as it is. May wait for names to be resolved. Thread-safe.
  outcome<reload_report> reload();

 private:
  void change_peers(node_config config, reload_report& report);

  node_options options_;
  live_settings live_;
  std::mutex mutex_;
  std::vector<shown_setting> shown_;  ///< What is in force, as far as it was applied.
  std::vector<endpoint> peers_;       ///< The bootstrap peers, resolved.
};

}  // namespace timenode::app
