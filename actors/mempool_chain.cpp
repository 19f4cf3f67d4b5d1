// What blocks do to transactions that wait.

#include "actors/mempool.hpp"
#include "actors/metrics.hpp"
#include "chain/hashes.hpp"
#include "chain/hex.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace timenode {

namespace {

/// More blocks than these are not looked through one by one: checking all that waits costs less.
constexpr std::uint64_t max_followed = 100;
/// Undone blocks whose transactions come back; whoever sent those of blocks below can send them again.
constexpr std::size_t max_undone = 100;

/// What left the chain with a block that is on it no more.
struct undone_branch {
  std::vector<transaction>
      transactions;  ///< Of its blocks, the lowest first, without their coinbases.
  std::optional<std::uint64_t>
      fork;  ///< Height of the block that it left the chain at; none: not found.
};

undone_branch branch_off_chain(const chain::chain_reader& store, hash256 block) {
  std::vector<block_ptr> undone;
  while (undone.size() < max_undone && !store.height_of(block)) {
    const auto found = store.block_on_shelf(block);
    if (!found)
      break;
    undone.push_back(found);
    block = found->header.previous_hash;
  }
  undone_branch result{{}, store.height_of(block)};
  for (auto i = undone.rbegin(); i != undone.rend(); ++i)
    for (const auto& x : (*i)->transactions)
      if (!x.inputs.empty())
        result.transactions.push_back(x);
  return result;
}

}  // namespace

void mempool_state::on_tip() {
  const auto tip = parts_.store->tip();
  if (knows_tip_ && tip.hash == tip_.hash)
    return;
  const auto before = std::exchange(tip_, tip);
  const auto knew_one = std::exchange(knows_tip_, true);
  if (!knew_one ||
      (pool_.size() == 0 && votes_.size() == 0 && approved_.size() == 0 && watches_.empty())) {
    // Nothing waits, as while a chain is downloaded: who votes is asked when there is something to vote on.
    const auto continues = !knew_one || parts_.store->hash_at(before.height) == before.hash;
    voters_ = {};
    viewed_at_ = 0;
    if (continues) {
      unpark();
      return;
    }
  }
  set_voters();
  if (parts_.store->hash_at(before.height) == before.hash &&
      tip.height - before.height <= max_followed)
    follow(before.height + 1, tip.height);
  else
    change_over(before);
  unpark();
  refresh();
  count();
}

void mempool_state::follow(std::uint64_t first, std::uint64_t last) {
  for (auto height = first; height <= last; ++height) {
    const auto block = parts_.store->block_at(height);
    if (!block)  // The disk fails, or the chain has changed again: then we are told of another tip.
      return;
    for (const auto& x : block->transactions)
      approved_.forget(x);
    auto update = pool_.on_block(*block);
    tell_of_block(*block);
    for (const auto& x : update.confirmed) {
      ++counts_.confirmed;
      forget_votes(x);
    }
    for (const auto& x : update.overtaken) {
      ++counts_.overtaken;
      if (x.is_final()) {
        spdlog::error("mempool: transaction {}, which the masternodes agreed on, is void: block {} "
                      "spends what it spent",
                      chain::to_hex(x.txid), height);
        if (context_.metrics)
          context_.metrics->invariant_violated(invariant::one_spend);
      }
      leave(x);
    }
  }
}

/// The chain is another one than the one that we followed.
void mempool_state::change_over(const chain_tip& before) {
  auto undone = branch_off_chain(*parts_.store, before.hash);
  std::vector<hash256> back;
  for (const auto& x : undone.transactions)
    back.push_back(chain::txid(x));
  for (const auto& x :
       pool_.recheck(*parts_.store, std::move(undone.transactions), context_.unix_now())) {
    ++counts_.overtaken;
    leave(x);
  }
  for (const auto& txid : back)
    if (const auto* x = pool_.find(txid)) {
      ++counts_.returned;
      approve(*x);
      tell_of_inputs(*x);
    }
  if (undone.fork && !watches_.empty() && tip_.height - *undone.fork <= max_followed)
    for (auto height = *undone.fork + 1; height <= tip_.height; ++height)
      if (const auto block = parts_.store->block_at(height))
        tell_of_block(*block);
  settle_all();
  set_alarm();
}

/// It is in the pool no more, and in no block.
void mempool_state::leave(const chain::pooled_transaction& x) {
  forget_votes(x);
  tell_of_inputs(x);
}

void mempool_state::forget_votes(const chain::pooled_transaction& x) {
  votes_.forget(x.txid);
  own_votes_.erase(x.txid);
  // Nobody has heard of that.
  if (unwritten_.erase(x.txid) > 0)
    approved_.forget(x.tx);
}

}  // namespace timenode
