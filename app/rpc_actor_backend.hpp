#pragma once

// The RPC server's view of a running node.

#include "actors/interfaces.hpp"
#include "actors/node_context.hpp"
#include "app/rpc_backend.hpp"

#include <caf/actor_system.hpp>

#include <functional>
#include <memory>

namespace timenode {

/// Asks the telemetry actor, by one short-lived actor a question, so that nobody blocks. `system`
/// outlives the server that uses this.
class actor_rpc_backend final : public rpc_backend {
 public:
  /// @param chain The store's read side.
  /// @param on_stop Begins to stop the node; called once for each `stop`, on the server's thread:
  /// it must
  ///                not wait for the server's end.
  actor_rpc_backend(caf::actor_system& system, telemetry_actor telemetry,
                    std::shared_ptr<const chain::chain_reader> chain, rpc_facts facts,
                    wall_clock unix_now, std::function<void()> on_stop);

  void snapshot(std::function<void(outcome<node_snapshot>)> then) override;
  const chain::chain_reader& chain() const override { return *chain_; }
  const rpc_facts& facts() const override { return facts_; }
  std::int64_t unix_now() const override { return unix_now_(); }
  void stop() override { on_stop_(); }

 private:
  caf::actor_system& system_;
  telemetry_actor telemetry_;
  std::shared_ptr<const chain::chain_reader> chain_;
  rpc_facts facts_;
  wall_clock unix_now_;
  std::function<void()> on_stop_;
};

}  // namespace timenode
