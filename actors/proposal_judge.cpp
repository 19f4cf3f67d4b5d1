#include "actors/proposal_judge.hpp"

#include "chain/block_schedule.hpp"
#include "chain/coin_overlay.hpp"
#include "chain/validation.hpp"

#include <utility>

namespace timenode {

namespace {

using chain::block_quality;

judged_block impossible(std::string why, bool in_itself = false) {
  judged_block result;
  result.wrong_in_itself = in_itself;
  result.why = std::move(why);
  return result;
}

/// What a block's transactions leave over. They were connected, so that no sum overflows.
amount fees_of(const block& x, const chain::block_undo& undo) {
  amount in = 0;
  amount out = 0;
  for (const auto& [point, coin] : undo.spent)
    in += coin.value;
  for (std::size_t i = 1; i < x.transactions.size(); ++i)
    for (const auto& output : x.transactions[i].outputs)
      out += output.value;
  return in - out;
}

}  // namespace

judged_block judge_proposal(const block_ptr& block, const judging_context& context,
                            const chain::block_store& store, const masternode_view& view) {
  auto checked = chain::check_block(block);
  if (!checked)
    return impossible(std::move(checked.error().reason), true);
  const auto& parent = context.parent;
  if (auto follows = chain::check_on_parent(
          *checked, {parent.height, parent.hash, parent.timestamp}, context.now);
      !follows)
    return impossible(std::move(follows.error().reason));
  chain::coin_overlay coins{store, context.rules.spending(context.network)};
  auto undo = coins.connect(*checked);
  if (!undo)
    return impossible(std::move(undo.error().reason));

  judged_block result;
  const auto reward = chain::block_subsidy + fees_of(*block, *undo);
  if (auto due = chain::check_due_time(context.rules, context.network, parent,
                                       block->header.timestamp, context.now);
      !due)
    result.why = std::move(due.error().reason);
  else if (block->header.block_reward != reward)
    result.why = "its block_reward is " + std::to_string(block->header.block_reward) +
                 ", subsidy and fees are " + std::to_string(reward);
  result.checked = std::move(*checked);
  result.quality = block_quality::disputed;
  result.against_plan = !result.why.empty();
  judge_again(result, view);
  return result;
}

void judge_again(judged_block& x, const masternode_view& view) {
  if (x.quality == block_quality::impossible || x.against_plan)
    return;
  const auto& paid = x.checked.block->masternode_rewards;
  x.why = paid.size() < chain::least_masternodes
              ? "it pays " + std::to_string(paid.size()) + " masternodes, fewer than " +
                    std::to_string(chain::least_masternodes)
              : view.dispute(paid);
  x.quality = x.why.empty() ? block_quality::good : block_quality::disputed;
}

}  // namespace timenode
