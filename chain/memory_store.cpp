#include "chain/memory_store.hpp"

#include "chain/genesis.hpp"
#include "chain/utxo_hash.hpp"

#include <string>

namespace timenode::chain {

memory_store::memory_store(network_id network) {
  const auto& genesis = genesis_block(network);
  entries_.push_back({genesis.block, genesis.hash, genesis.bytes, {}});
  heights_.emplace(genesis.hash, 0);
  auto& coins = coins_[genesis.txids.front()];
  for (const auto& output : genesis.block->transactions.front().outputs)
    coins.emplace(static_cast<std::uint32_t>(coins.size()),
                  coin{output.value, output.script_pubkey});
  tip_ = {0, genesis.hash, genesis.block->header.timestamp, coins.size()};
}

chain_tip memory_store::tip() const {
  const std::shared_lock lock{mutex_};
  return tip_;
}

block_ptr memory_store::block_at(std::uint64_t height) const {
  const std::shared_lock lock{mutex_};
  return height < entries_.size() ? entries_[height].block : nullptr;
}

std::vector<block_ptr> memory_store::blocks(std::uint64_t first, std::uint64_t last,
                                            std::size_t max_bytes) const {
  const std::shared_lock lock{mutex_};
  std::vector<block_ptr> result;
  std::size_t bytes = 0;
  for (auto height = first; height <= last && height < entries_.size(); ++height) {
    bytes += entries_[height].bytes;
    if (bytes > max_bytes && !result.empty())
      break;
    result.push_back(entries_[height].block);
  }
  return result;
}

std::optional<hash256> memory_store::hash_at(std::uint64_t height) const {
  const std::shared_lock lock{mutex_};
  if (height >= entries_.size())
    return std::nullopt;
  return entries_[height].hash;
}

std::optional<std::uint64_t> memory_store::height_of(const hash256& hash) const {
  const std::shared_lock lock{mutex_};
  const auto found = heights_.find(hash);
  if (found == heights_.end())
    return std::nullopt;
  return found->second;
}

coin_group memory_store::coins(const hash256& txid) const {
  const std::shared_lock lock{mutex_};
  const auto found = coins_.find(txid);
  return found != coins_.end() ? found->second : coin_group{};
}

utxo_digest memory_store::utxo_state() const {
  // Held while the set is walked, so that two who ask at once do not both walk it.
  const std::lock_guard digest_lock{digest_mutex_};
  const std::shared_lock lock{mutex_};
  if (!digest_ || digest_->first != tip_.hash) {
    utxo_hasher hasher;
    for (const auto& [txid, coins] : coins_)
      hasher.add(txid, coins);
    const auto count = hasher.count();
    digest_ = {tip_.hash, utxo_digest{hasher.finish(), tip_.height, count}};
  }
  return digest_->second;
}

std::optional<block_certificate> memory_store::certificate_at(std::uint64_t height) const {
  const std::shared_lock lock{mutex_};
  const auto found = certificates_.find(height);
  if (found == certificates_.end())
    return std::nullopt;
  return found->second;
}

std::uint64_t memory_store::final_height() const {
  const std::shared_lock lock{mutex_};
  return certificates_.empty() ? 0 : certificates_.rbegin()->first;
}

outcome<void> memory_store::commit(const store_batch& batch, bool) {
  const std::unique_lock lock{mutex_};
  if (auto fits =
          check_batch(batch, tip_, certificates_.empty() ? 0 : certificates_.rbegin()->first);
      !fits)
    return fits;
  std::vector<shelved_block> removed;
  std::map<hash256, block_ptr> bodies;
  for (std::uint64_t i = 0; i < batch.remove; ++i) {
    auto& top = entries_.back();
    heights_.erase(top.hash);
    removed.push_back({entries_.size() - 1, top.hash, top.block->header.previous_hash, top.bytes});
    bodies.emplace(top.hash, std::move(top.block));
    entries_.pop_back();
  }
  const auto change = shelf_.plan(removed, batch);
  shelf_.apply(change);
  for (const auto& x : change.dropped)
    shelved_.erase(x.hash);
  for (const auto& x : change.added)
    shelved_.emplace(x.hash, std::move(bodies[x.hash]));
  for (std::size_t i = 0; i < batch.append.size(); ++i) {
    const auto& x = batch.append[i];
    heights_.emplace(x.hash, entries_.size());
    entries_.push_back({x.block, x.hash, x.bytes, batch.undo[i]});
  }
  for (const auto& [height, x] : batch.certificates)
    certificates_.insert_or_assign(height, x);
  for (const auto& [txid, coins] : batch.coins) {
    if (coins.empty())
      coins_.erase(txid);
    else
      coins_.insert_or_assign(txid, coins);
  }
  tip_ = batch.tip;
  return {};
}

std::vector<shelved_block> memory_store::shelved() const {
  const std::shared_lock lock{mutex_};
  return shelf_.list();
}

block_ptr memory_store::block_on_shelf(const hash256& hash) const {
  const std::shared_lock lock{mutex_};
  const auto found = shelved_.find(hash);
  return found != shelved_.end() ? found->second : nullptr;
}

outcome<block_undo> memory_store::undo_at(std::uint64_t height) const {
  const std::shared_lock lock{mutex_};
  if (height == 0 || height >= entries_.size())
    return fail("there are no undo data for height " + std::to_string(height));
  return entries_[height].undo;
}

}  // namespace timenode::chain
