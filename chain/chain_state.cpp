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

} // namespace

chain_state::chain_state(block_store& store) : store_(store) {}

apply_result chain_state::apply(std::span<const checked_block> blocks, std::int64_t now, bool sync) {
  return append(blocks, nullptr, now, sync);
}

// `certificate`: of the last block, or null.
apply_result chain_state::append(std::span<const checked_block> blocks,
                                 const block_certificate* certificate, std::int64_t now, bool sync) {
  apply_result result;
  const auto old_tip = store_.tip();
  coin_overlay coins{store_};
  store_batch batch;
  batch.tip = old_tip;
  for (const auto& x : blocks) {
    const parent_info parent{batch.tip.height, batch.tip.hash, batch.tip.timestamp};
    if (auto follows = check_on_parent(x, parent, now); !follows) {
      result.rejected = std::move(follows.error());
      break;
    }
    auto undo = coins.connect(x);
    if (!undo) {
      result.rejected = std::move(undo.error());
      result.storage_failed = coins.storage_failed();
      break;
    }
    batch.append.push_back(x);
    batch.undo.push_back(std::move(*undo));
    batch.tip = tip_of(x, coins.count(old_tip.utxo_count));
  }
  if (batch.append.empty())
    return result;

  batch.coins = coins.take_changes();
  if (certificate != nullptr && batch.append.size() == blocks.size())
    batch.certificates.emplace(certificate->height, *certificate);
  if (auto stored = store_.commit(batch, sync); !stored) {
    result.rejected = std::move(stored.error());
    result.storage_failed = true;
    return result;
  }
  result.applied = batch.append.size();
  return result;
}

apply_result chain_state::commit(const checked_block* block, const block_certificate& certificate,
                                 std::int64_t now) {
  const auto refuse = [&](const std::string& reason) {
    apply_result result;
    result.rejected = failure{"block " + std::to_string(certificate.height) + ": " + reason};
    return result;
  };
  const auto height = certificate.height;
  auto tip = store_.tip();
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
  if (height == 0 || height - 1 > tip.height
      || store_.hash_at(height - 1) != block->block->header.previous_hash)
    return refuse("its parent is not on our chain");
  if (height <= tip.height)
    if (auto undone = roll_back(tip.height - height + 1); !undone) {
      auto result = refuse("other blocks are in its place: " + undone.error().reason);
      result.storage_failed = store_.trouble().has_value();
      return result;
    }
  return append({block, 1}, &certificate, now, true);
}

outcome<void> chain_state::roll_back(std::uint64_t count) {
  if (count == 0)
    return {};
  const auto old_tip = store_.tip();
  if (count > max_reorg_depth)
    return fail("rolling back " + std::to_string(count) + " blocks is refused: a reorganisation goes "
                + "back at most " + std::to_string(max_reorg_depth));
  if (const auto final_height = store_.final_height();
      count <= old_tip.height && old_tip.height - count < final_height)
    return fail("rolling back " + std::to_string(count) + " blocks from height "
                + std::to_string(old_tip.height) + " is refused: block "
                + std::to_string(final_height) + " is final, masternodes voted for it");
  if (count > old_tip.height)
    return fail("rolling back " + std::to_string(count) + " blocks from height "
                + std::to_string(old_tip.height) + " is refused: the genesis block stays");

  const auto missing = [&](std::uint64_t height) {
    const auto trouble = store_.trouble();
    return fail("block " + std::to_string(height) + " cannot be read from the store"
                + (trouble ? ": " + trouble->reason : std::string{}));
  };
  coin_overlay coins{store_};
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
      return undone;
  }

  const auto height = old_tip.height - count;
  const auto top = store_.block_at(height);
  if (top == nullptr)
    return missing(height);
  store_batch batch;
  batch.remove = count;
  batch.tip = {height, block_hash(top->header), top->header.timestamp,
               coins.count(old_tip.utxo_count)};
  batch.coins = coins.take_changes();
  // Without a sync: a power cut may bring the old branch back, whole, and we would leave it again.
  return store_.commit(batch, false);
}

} // namespace timenode::chain
