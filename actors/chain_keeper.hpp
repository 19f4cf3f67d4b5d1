#pragma once

// Owns the tip, the unspent outputs and all writes to the store: the rules are in
// `chain::chain_state`, this actor brings it blocks one batch after the other and tells everybody
// of the new tip. Waits for the disk, so a running node spawns it detached.

#include "actors/commit_policy.hpp"
#include "actors/interfaces.hpp"
#include "actors/node_context.hpp"
#include "chain/chain_state.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace timenode {

class chain_keeper_state {
 public:
  static constexpr auto name = "timenode.chain-keeper";

  /// Most listeners; a node has three. More subscriptions are refused.
  static constexpr std::size_t max_listeners = 64;

  /// @param store  Open, with at least the genesis block. Nobody else writes to it.
  chain_keeper_state(chain_keeper_actor::pointer self, node_context context,
                     std::shared_ptr<chain::block_store> store);

  chain_keeper_actor::behavior_type make_behavior();

 private:
  apply_reply apply(const checked_batch& batch);
  apply_reply commit(const checked_batch& batch, const wire::message& x);
  apply_reply roll_back(std::uint64_t count);
  apply_reply reorganise(const chain_branch& branch);
  caf::result<void> subscribe(const tip_listener_actor& listener);
  void forget(const caf::actor_addr& listener);

  apply_reply settle(chain::apply_result result, bool synced);
  void publish();
  void storage_failed(const std::string& reason);
  void storage_works();
  keeper_snapshot snapshot() const;

  chain_keeper_actor::pointer self_;
  node_context context_;
  std::shared_ptr<chain::block_store> store_;
  chain::chain_state chain_;
  commit_policy commits_;
  std::vector<tip_listener_actor> listeners_;  ///< At most `max_listeners`.
  keeper_snapshot counts_;                     ///< Its tip is not kept up to date.
};

using chain_keeper = chain_keeper_actor::stateful_impl<chain_keeper_state>;

}  // namespace timenode
