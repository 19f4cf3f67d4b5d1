#pragma once

// A running node: store, sockets, actors and RPC put together.

#include "app/config_reloader.hpp"
#include "app/service_manager.hpp"
#include "messages/outcome.hpp"

#include <memory>
#include <optional>

namespace timenode::app {

class status_line;

/// What a node works with beside its configuration. All of it may be left out.
struct node_surroundings {
  /// Reads the configuration again for `reload`, and from this on.
  std::optional<node_options> options;
  loaded_config loaded;  ///< What `options` gave.
  /// Is told how the node is doing; null: nobody.
  std::shared_ptr<const service_manager> manager;
  /// Shows how the node catches up; null: nothing does.
  std::shared_ptr<status_line> terminal;
};

class node {
 public:
  /// Opens the store, starts the actors, serves RPC and listens for peers, in this order. The failure is a
  /// sentence for the operator, and nothing of the node is left then. At most one node a process at a time:
  /// CAF's types are registered once.
  static outcome<std::unique_ptr<node>> start(const node_config& config,
                                              node_surroundings around = {});

  /// Stops in order if that has not been done.
  ~node();

  /// Begins to stop. Thread-safe; may be called again.
  void request_stop();

  /// Reads the configuration again, on a thread of its own; the log tells what came of it. Thread-safe.
  void request_reload();

  /// Returns when the node has stopped: because of `request_stop`, of `stop` by RPC, or (then it is a
  /// failure) because a part of it failed. At most 5 s after the stop began.
  outcome<void> wait();

  /// Where it listens for peers and serves RPC, as bound.
  endpoint p2p_endpoint() const;

 private:
  struct impl;
  explicit node(std::unique_ptr<impl> x);
  std::unique_ptr<impl> impl_;
};

}  // namespace timenode::app
