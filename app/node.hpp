#pragma once

// A running node: store, sockets, actors and RPC put together.

#include "app/config.hpp"
#include "messages/outcome.hpp"

#include <memory>

namespace timenode::app {

class node {
public:
  /// Opens the store, starts the actors, serves RPC and listens for peers, in this order. The failure is a
  /// sentence for the operator, and nothing of the node is left then. At most one node a process at a time:
  /// CAF's types are registered once.
  static outcome<std::unique_ptr<node>> start(const node_config& config);

  /// Stops in order if that has not been done.
  ~node();

  /// Begins to stop. Thread-safe; may be called again.
  void request_stop();

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

} // namespace timenode::app
