#include "actors/chain_keeper.hpp"

#include "actors/metrics.hpp"
#include "chain/hex.hpp"
#include "chain/validation.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace timenode {

chain_keeper_state::chain_keeper_state(chain_keeper_actor::pointer self, node_context context,
                                       std::shared_ptr<chain::block_store> store)
    : self_{self}, context_{std::move(context)}, store_{std::move(store)},
      chain_{*store_, context_.rules.spending(context_.network)} {}

chain_keeper_actor::behavior_type chain_keeper_state::make_behavior() {
  self_->set_down_handler([this](const caf::down_msg& msg) { forget(msg.source); });
  if (context_.metrics)
    context_.metrics->height(store_->tip().height);
  return {
      [this](atom::apply, const checked_batch& batch) { return apply(batch); },
      [this](atom::commit, const checked_batch& batch, const wire::message& x) {
        return commit(batch, x);
      },
      [this](atom::roll_back, std::uint64_t count) { return roll_back(count); },
      [this](atom::apply, const chain_branch& branch) { return reorganise(branch); },
      [this](atom::tip) { return store_->tip(); },
      [this](atom::subscribe, const tip_listener_actor& listener) { return subscribe(listener); },
      [this](atom::snapshot) { return snapshot(); },
  };
}

// -- writes -------------------------------------------------------------------------------

apply_reply chain_keeper_state::apply(const checked_batch& batch) {
  if (batch.blocks.empty()) {
    apply_reply reply;
    reply.tip = store_->tip();
    return reply;
  }
  const auto now = context_.unix_now();
  const auto last_timestamp = batch.blocks.back().block->header.timestamp;
  const auto sync = commits_.wants_sync(batch.blocks.size(), last_timestamp, now);
  return settle(chain_.apply(batch.blocks, now, sync), sync);
}

apply_reply chain_keeper_state::commit(const checked_batch& batch, const wire::message& x) {
  apply_reply reply;
  const auto* certificate = std::get_if<wire::block_commit>(&x);
  if (certificate == nullptr || batch.blocks.size() > 1) {
    reply.tip = store_->tip();
    reply.rejected = "not one block and its certificate";
    return reply;
  }
  const auto before = store_->tip();
  const auto* block = batch.blocks.empty() ? nullptr : &batch.blocks.front();
  reply = settle(chain_.commit(block, *certificate, context_.unix_now()), true);
  const auto removed = before.height + reply.applied - reply.tip.height;
  if (removed > 0) {
    spdlog::warn(
        "chain: took {} blocks off the top, since masternodes committed another block at height {}",
        removed, certificate->height);
  }
  return reply;
}

/// What came of it, for the one who asked; and what everybody else has to know.
apply_reply chain_keeper_state::settle(chain::apply_result result, bool synced) {
  apply_reply reply;
  reply.tip = store_->tip();
  reply.applied = result.applied;
  reply.storage_failed = result.storage_failed;
  reply.rejected_height = result.rejected_height;
  if (result.rejected)
    reply.rejected = std::move(result.rejected->reason);
  if (result.storage_failed) {
    storage_failed(reply.rejected);
    reply.rejected.clear();  // nothing is wrong with the block
  } else if (result.rejected) {
    ++counts_.blocks_refused;
  }
  if (result.applied > 0) {
    commits_.committed(result.applied, synced);
    counts_.blocks_applied += result.applied;
    ++counts_.batches;
    if (!result.storage_failed)
      storage_works();
    if (context_.metrics)
      context_.metrics->blocks_applied(result.applied);
    publish();
  }
  return reply;
}

apply_reply chain_keeper_state::reorganise(const chain_branch& branch) {
  const auto before = store_->tip();
  auto reply = settle(
      chain_.reorganise(branch.ancestor, branch.ancestor_hash, branch.blocks, context_.unix_now()),
      true);
  if (reply.applied == 0) {
    spdlog::warn("chain: the branch above height {} was not taken over, our chain is as before: {}",
                 branch.ancestor, reply.storage_failed ? counts_.storage_error : reply.rejected);
    return reply;
  }
  const auto undone = before.height - branch.ancestor;
  const auto level =
      undone > chain::reorg_warning_depth ? spdlog::level::warn : spdlog::level::info;
  spdlog::log(level,
              "chain: changed over to another branch: {} blocks above height {} undone, {} put in "
              "their place; the tip is {} at height {}",
              undone, branch.ancestor, reply.applied, chain::to_hex(reply.tip.hash),
              reply.tip.height);
  return reply;
}

apply_reply chain_keeper_state::roll_back(std::uint64_t count) {
  apply_reply reply;
  const auto before = store_->tip();
  if (const auto result = chain_.roll_back(count); !result) {
    reply.rejected = result.error().reason;
    reply.storage_failed = store_->trouble().has_value();
    spdlog::warn("chain: cannot take {} blocks off the top: {}", count, reply.rejected);
  }
  reply.tip = store_->tip();
  if (reply.tip == before)
    return reply;
  ++counts_.batches;
  const auto level = count > chain::reorg_warning_depth ? spdlog::level::warn : spdlog::level::info;
  spdlog::log(level, "chain: took {} blocks off the top for another branch; now at height {}",
              count, reply.tip.height);
  publish();
  return reply;
}

void chain_keeper_state::storage_failed(const std::string& reason) {
  const auto first = counts_.storage_error.empty();
  counts_.storage_error = reason.empty() ? "the store failed" : reason;
  if (first)
    spdlog::warn(
        "chain: cannot store blocks: {}. Free disk space or repair the disk; the node tries "
        "again by itself",
        counts_.storage_error);
}

void chain_keeper_state::storage_works() {
  if (counts_.storage_error.empty())
    return;
  counts_.storage_error.clear();
  spdlog::info("chain: blocks can be stored again");
}

// -- listeners ------------------------------------------------------------------------------

caf::result<void> chain_keeper_state::subscribe(const tip_listener_actor& listener) {
  if (std::find(listeners_.begin(), listeners_.end(), listener) == listeners_.end()) {
    if (listeners_.size() >= max_listeners)
      return caf::make_error(caf::sec::runtime_error, "the chain keeper has too many listeners");
    listeners_.push_back(listener);
    self_->monitor(listener);
  }
  self_->send(listener, atom::tip_v, store_->tip());
  return caf::unit;
}

void chain_keeper_state::forget(const caf::actor_addr& listener) {
  std::erase_if(listeners_, [&](const auto& x) { return x.address() == listener; });
}

void chain_keeper_state::publish() {
  const auto tip = store_->tip();
  if (context_.metrics)
    context_.metrics->height(tip.height);
  for (const auto& x : listeners_)
    self_->send(x, atom::tip_v, tip);
}

keeper_snapshot chain_keeper_state::snapshot() const {
  auto result = counts_;
  result.tip = store_->tip();
  result.final_height = store_->final_height();
  if (const auto trouble = store_->trouble(); trouble && result.storage_error.empty())
    result.storage_error = trouble->reason;
  return result;
}

}  // namespace timenode
