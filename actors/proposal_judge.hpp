#pragma once

// What a proposed block is to us: against the chain's rules, and against what we would have made. Pure but for
// reading the store.

#include "actors/masternode_view.hpp"
#include "chain/block_store.hpp"
#include "chain/consensus_rules.hpp"
#include "chain/height_consensus.hpp"
#include "messages/ledger.hpp"
#include "messages/network.hpp"

#include <cstdint>
#include <string>

namespace timenode {

/// What is known about a proposed block. What it was checked for does not change while its parent is the tip,
/// except for the dispute.
struct judged_block {
  checked_block checked;  ///< Its block is null when it is impossible in itself.
  chain::block_quality quality = chain::block_quality::impossible;
  bool wrong_in_itself = false;  ///< Provably, without the chain: whoever sent it is at fault.
  bool against_plan =
      false;        ///< Disputed for good: its time or its sums are not what they have to be.
  std::string why;  ///< Empty when it is good.
};

/// What blocks are judged by.
struct judging_context {
  chain::consensus_rules rules;
  network_id network = network_id::testnet;
  chain_tip parent;
  std::int64_t now = 0;  ///< Unix seconds.
};

/// Judges a block on the store's tip, which is `context.parent`.
judged_block judge_proposal(const block_ptr& block, const judging_context& context,
                            const chain::block_store& store, const masternode_view& view);

/// Judges anew by what can have changed: the masternodes. Never worse than impossible.
void judge_again(judged_block& x, const masternode_view& view);

}  // namespace timenode
