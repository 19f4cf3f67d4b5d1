#pragma once

// The disk of a simulated node: a chain in memory that can lose what was not synced, and that a node which was
// killed cannot write to any more; and the small files beside it.

#include "chain/approval_journal.hpp"
#include "chain/memory_store.hpp"
#include "chain/vote_journal.hpp"
#include "net/line_store.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>

namespace sim {

/// What outlives a node's process.
class sim_disk {
 public:
  explicit sim_disk(timenode::network_id network);

  /// Blocks that it holds from the start; only when there are none yet.
  void fill(std::span<const timenode::checked_block> blocks);
  /// Power was lost: what was stored after the last synced commit is gone.
  void lose_unsynced();
  /// Another disk: nothing but the genesis block.
  void wipe();

  const std::shared_ptr<timenode::chain::memory_store>& chain() const noexcept { return chain_; }
  /// These are synced with each write, as the files of the program are.
  const std::shared_ptr<timenode::chain::vote_journal>& journal() const noexcept {
    return journal_;
  }
  const std::shared_ptr<timenode::chain::approval_journal>& approvals() const noexcept {
    return approvals_;
  }
  const std::shared_ptr<timenode::net::line_store>& lists() const noexcept { return lists_; }

 private:
  friend class sim_store;
  timenode::network_id network_;
  std::shared_ptr<timenode::chain::memory_store> chain_;
  std::shared_ptr<timenode::chain::vote_journal> journal_;
  std::shared_ptr<timenode::chain::approval_journal> approvals_;
  std::shared_ptr<timenode::net::line_store> lists_;
  std::uint64_t synced_ = 0;  ///< Height that survives a power cut.
};

/// The store as one run of a node has it.
class sim_store final : public timenode::chain::block_store {
 public:
  using committed =
      std::function<void(const timenode::chain::store_batch&, const timenode::chain_tip&)>;

  /// `tell` is told of every commit and of the tip before it.
  sim_store(std::shared_ptr<sim_disk> disk, committed tell);

  /// The process is gone: whatever its actors still do has no effect.
  void freeze() noexcept { frozen_ = true; }

  timenode::chain_tip tip() const override { return chain_->tip(); }
  timenode::block_ptr block_at(std::uint64_t height) const override {
    return chain_->block_at(height);
  }
  std::vector<timenode::block_ptr> blocks(std::uint64_t first, std::uint64_t last,
                                          std::size_t max_bytes) const override {
    return chain_->blocks(first, last, max_bytes);
  }
  std::optional<timenode::hash256> hash_at(std::uint64_t height) const override {
    return chain_->hash_at(height);
  }
  std::optional<std::uint64_t> height_of(const timenode::hash256& hash) const override {
    return chain_->height_of(hash);
  }
  timenode::chain::coin_group coins(const timenode::hash256& txid) const override {
    return chain_->coins(txid);
  }
  timenode::chain::utxo_digest utxo_state() const override { return chain_->utxo_state(); }
  std::optional<timenode::chain::block_certificate>
  certificate_at(std::uint64_t height) const override {
    return chain_->certificate_at(height);
  }
  std::uint64_t final_height() const override { return chain_->final_height(); }
  std::vector<timenode::chain::shelved_block> shelved() const override { return chain_->shelved(); }
  timenode::block_ptr block_on_shelf(const timenode::hash256& hash) const override {
    return chain_->block_on_shelf(hash);
  }
  timenode::outcome<void> commit(const timenode::chain::store_batch& batch, bool sync) override;
  timenode::outcome<timenode::chain::block_undo> undo_at(std::uint64_t height) const override {
    return chain_->undo_at(height);
  }

 private:
  std::shared_ptr<sim_disk> disk_;
  std::shared_ptr<timenode::chain::memory_store> chain_;
  committed tell_;
  bool frozen_ = false;
};

}  // namespace sim
