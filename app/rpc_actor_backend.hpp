#pragma once

// The RPC server's view of a running node.

#include "actors/interfaces.hpp"
#include "actors/node_context.hpp"
#include "app/rpc_backend.hpp"
#include "chain/keys.hpp"

#include <caf/actor_system.hpp>

#include <functional>
#include <memory>
#include <mutex>

namespace timenode {

/// What the snapshots that went by tell of progress.
struct observed_health {
  mutable std::mutex mutex;
  progress_memory progress;
};

/// What a client may do to the node, besides looking at it. An empty one is refused.
struct rpc_controls {
  /// Begins to stop the node; called once for each `stop`, on the server's thread: it must not wait
  /// for the server's end.
  std::function<void()> stop;
  std::function<outcome<reload_report>()> reload;
  std::function<outcome<backup_report>(const std::filesystem::path&)> backup;
  std::function<std::uint64_t()> disk_bytes;
  std::function<actor_report()> actors;
  std::function<outcome<std::filesystem::path>(const std::string& why)> dump;
  std::function<outcome<chain::key_pair>()> wallet;  ///< The node's own key.
};

/// Asks the actors, by one short-lived actor a question, so that nobody blocks. `system` outlives
/// the server that uses this.
class actor_rpc_backend final : public rpc_backend {
 public:
  /// @param chain The store's read side.
  actor_rpc_backend(caf::actor_system& system, node_actors actors,
                    std::shared_ptr<const chain::chain_reader> chain, rpc_facts facts,
                    wall_clock unix_now, rpc_controls controls);

  void snapshot(std::function<void(outcome<node_snapshot>)> then) override;
  void pulse(std::function<void(outcome<node_pulse>)> then) override;
  void ask(node_question question, std::function<void(outcome<node_reply>)> then) override;
  const chain::chain_reader& chain() const override { return *chain_; }
  const rpc_facts& facts() const override { return facts_; }
  std::int64_t unix_now() const override { return unix_now_(); }
  void stop() override { controls_.stop(); }
  health_facts health() const override;
  std::uint64_t disk_bytes() const override;
  actor_report actors() const override;
  outcome<std::filesystem::path> dump(const std::string& why) override;
  outcome<std::string> wallet_address() const override;
  outcome<void> sign(transaction& x) const override;
  outcome<reload_report> reload() override;
  outcome<backup_report> backup(const std::filesystem::path& to) override;

 private:
  template <class View, class Question>
  void look(Question what, std::function<void(outcome<View>)> then);

  caf::actor_system& system_;
  node_actors actors_;
  std::shared_ptr<const chain::chain_reader> chain_;
  rpc_facts facts_;
  wall_clock unix_now_;
  rpc_controls controls_;
  std::shared_ptr<observed_health> observed_ = std::make_shared<observed_health>();
};

}  // namespace timenode
