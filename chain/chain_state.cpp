#include "chain/chain_state.hpp"

#include "chain/coin_overlay.hpp"
#include "chain/hashes.hpp"

#include <string>
#include <utility>
#include <vector>

namespace timenode::chain {

namespace {

chain_tip tip_of(const checked_block& x, std::uint64_t utxo_count) {
  return {x.block->header.height, x.hash, x.block->header.timestamp, utxo_count};
}

}  // namespace

chain_state::chain_state(block_store& store, spending_rules rules) : store_(store), rules_(rules) {}

apply_result chain_state::apply(std::span<const checked_block> blocks, std::int64_t now,
                                bool sync) {
  return append(blocks, nullptr, now, sync);
}

// Puts blocks on the batch's tip until one does not fit.
apply_result chain_state::connect(std::span<const checked_block> blocks, std::int64_t now,
                                  coin_overlay& coins, store_batch& batch) const {
  apply_result result;
  const auto stored_count = store_.tip().utxo_count;
  for (const auto& x : blocks) {
    const parent_info parent{batch.tip.height, batch.tip.hash, batch.tip.timestamp};
    if (auto follows = check_on_parent(x, parent, now); !follows) {
      result.rejected = std::move(follows.error());
      result.rejected_height = x.block->header.height;
      break;
    }
    auto undo = coins.connect(x);
    if (!undo) {
      result.rejected = std::move(undo.error());
      result.storage_failed = coins.storage_failed();
      result.rejected_height = result.storage_failed ? 0 : x.block->header.height;
      break;
    }
    batch.append.push_back(x);
    batch.undo.push_back(std::move(*undo));
    batch.tip = tip_of(x, coins.count(stored_count));
  }
  return result;
}

// `certificate`: of the last block, or null.
apply_result chain_state::append(std::span<const checked_block> blocks,
                                 const block_certificate* certificate, std::int64_t now,
                                 bool sync) {
  coin_overlay coins{store_, rules_};
  store_batch batch;
  batch.tip = store_.tip();
  auto result = connect(blocks, now, coins, batch);
  if (batch.append.empty())
    return result;

  batch.coins = coins.take_changes();
  if (certificate != nullptr && batch.append.size() == blocks.size())
    batch.certificates.emplace(certificate->height, *certificate);
  if (auto stored = store_.commit(batch, sync); !stored) {
    result.rejected = std::move(stored.error());
    result.rejected_height = 0;
    result.storage_failed = true;
    return result;
  }
  result.applied = batch.append.size();
  return result;
}

outcome<void> chain_state::may_undo(std::uint64_t count) const {
  const auto tip = store_.tip().height;
  if (count > max_reorg_depth)
    return fail("rolling back " + std::to_string(count) +
                " blocks is refused: a reorganisation goes " + "back at most " +
                std::to_string(max_reorg_depth));
  if (count > tip)
    return fail("rolling back " + std::to_string(count) + " blocks from height " +
                std::to_string(tip) + " is refused: the genesis block stays");
  if (const auto last = store_.final_height(); tip - count < last)
    return fail("rolling back " + std::to_string(count) + " blocks from height " +
                std::to_string(tip) + " is refused: block " + std::to_string(last) +
                " is final, masternodes voted for it");
  return {};
}

// Takes blocks off in the overlay. Returns the tip below them.
outcome<chain_tip> chain_state::undo(std::uint64_t count, coin_overlay& coins) const {
  const auto old_tip = store_.tip();
  const auto missing = [&](std::uint64_t height) {
    const auto trouble = store_.trouble();
    return fail("block " + std::to_string(height) + " cannot be read from the store" +
                (trouble ? ": " + trouble->reason : std::string{}));
  };
  std::vector<hash256> txids;
  for (auto height = old_tip.height; height > old_tip.height - count; --height) {
    const auto block = store_.block_at(height);
    if (block == nullptr)
      return missing(height);
    auto undo = store_.undo_at(height);
    if (!undo)
      return tl::unexpected<failure>{std::move(undo.error())};
    txids.clear();
    for (const auto& tx : block->transactions)
      txids.push_back(txid(tx));
    if (auto undone = coins.disconnect(*block, txids, *undo); !undone)
      return tl::unexpected<failure>{std::move(undone.error())};
  }
  const auto height = old_tip.height - count;
  const auto top = store_.block_at(height);
  if (top == nullptr)
    return missing(height);
  return chain_tip{height, block_hash(top->header), top->header.timestamp,
                   coins.count(old_tip.utxo_count)};
}

outcome<void> chain_state::roll_back(std::uint64_t count) {
  if (count == 0)
    return {};
  if (auto allowed = may_undo(count); !allowed)
    return allowed;
  coin_overlay coins{store_, rules_};
  auto below = undo(count, coins);
  if (!below)
    return tl::unexpected<failure>{std::move(below.error())};
  store_batch batch;
  batch.remove = count;
  batch.tip = *below;
  batch.coins = coins.take_changes();
  // Without a sync: a power cut may bring the old branch back, whole, and we would leave it again.
  return store_.commit(batch, false);
}

apply_result chain_state::commit(const checked_block* block, const block_certificate& certificate,
                                 std::int64_t now) {
  const auto refuse = [&](const std::string& reason) {
    apply_result result;
    result.rejected = failure{"block " + std::to_string(certificate.height) + ": " + reason};
    return result;
  };
  const auto height = certificate.height;
  const auto tip = store_.tip();
  if (height <= tip.height && store_.hash_at(height) == certificate.block_hash) {
    apply_result result;
    if (store_.certificate_at(height))
      return result;
    store_batch batch;
    batch.tip = tip;
    batch.certificates.emplace(height, certificate);
    if (auto stored = store_.commit(batch, true); !stored) {
      result.rejected = std::move(stored.error());
      result.storage_failed = true;
    }
    return result;
  }
  if (block == nullptr)
    return refuse("its certificate came without it, and it is not on our chain");
  if (block->hash != certificate.block_hash || block->block->header.height != height)
    return refuse("the certificate is one of another block");
  if (height == 0 || height - 1 > tip.height ||
      store_.hash_at(height - 1) != block->block->header.previous_hash)
    return refuse("its parent is not on our chain");
  if (height > tip.height)
    return append({block, 1}, &certificate, now, true);
  auto result = replace(height - 1, {block, 1}, &certificate, now);
  if (result.rejected && !result.storage_failed && result.rejected_height == 0)
    return refuse("other blocks are in its place: " + result.rejected->reason);
  return result;
}

apply_result chain_state::reorganise(std::uint64_t ancestor, const hash256& ancestor_hash,
                                     std::span<const checked_block> blocks, std::int64_t now) {
  if (blocks.empty() || ancestor > store_.tip().height ||
      store_.hash_at(ancestor) != ancestor_hash) {
    apply_result result;
    result.rejected = failure{"the branch above height " + std::to_string(ancestor) +
                              " does not begin on our chain any more"};
    result.storage_failed = store_.trouble().has_value();
    return result;
  }
  return replace(ancestor, blocks, nullptr, now);
}

// Puts blocks in place of ours above `ancestor`, all or none, as one batch. `certificate`: of the last one,
// or null.
apply_result chain_state::replace(std::uint64_t ancestor, std::span<const checked_block> blocks,
                                  const block_certificate* certificate, std::int64_t now) {
  apply_result result;
  const auto refuse = [&result](failure why, bool storage_failed) {
    result.rejected = std::move(why);
    result.storage_failed = storage_failed;
    return result;
  };
  const auto count = store_.tip().height - ancestor;
  if (auto allowed = may_undo(count); !allowed)
    return refuse(std::move(allowed.error()), false);

  coin_overlay coins{store_, rules_};
  auto below = undo(count, coins);
  if (!below)  // Nothing is wrong with the branch if our own blocks cannot be undone.
    return refuse(std::move(below.error()), true);
  store_batch batch;
  batch.remove = count;
  batch.tip = *below;
  result = connect(blocks, now, coins, batch);
  if (result.rejected)
    return result;  // All or nothing: the overlay goes, and with it what was done.
  batch.coins = coins.take_changes();
  if (certificate != nullptr)
    batch.certificates.emplace(certificate->height, *certificate);
  if (auto stored = store_.commit(batch, true); !stored)
    return refuse(std::move(stored.error()), true);
  result.applied = batch.append.size();
  return result;
}

}  // namespace timenode::chain
