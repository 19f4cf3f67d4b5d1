#pragma once

// A store in memory: for tests, for simulations, and for replaying a chain to check it.

#include "chain/block_shelf.hpp"
#include "chain/block_store.hpp"
#include "messages/network.hpp"

#include <mutex>
#include <shared_mutex>
#include <unordered_map>

namespace timenode::chain {

/// Starts with the genesis block of its network. Blocks are shared, not copied. A commit fails only
/// when the batch does not fit on the tip. Not final, so that tests can make commits fail.
class memory_store : public block_store {
 public:
  explicit memory_store(network_id network);

  chain_tip tip() const override;
  block_ptr block_at(std::uint64_t height) const override;
  std::vector<block_ptr> blocks(std::uint64_t first, std::uint64_t last,
                                std::size_t max_bytes) const override;
  std::optional<hash256> hash_at(std::uint64_t height) const override;
  std::optional<std::uint64_t> height_of(const hash256& hash) const override;
  coin_group coins(const hash256& txid) const override;
  utxo_digest utxo_state() const override;
  std::optional<block_certificate> certificate_at(std::uint64_t height) const override;
  std::uint64_t final_height() const override;
  std::vector<shelved_block> shelved() const override;
  block_ptr block_on_shelf(const hash256& hash) const override;
  outcome<void> commit(const store_batch& batch, bool sync) override;
  outcome<block_undo> undo_at(std::uint64_t height) const override;

 private:
  struct entry {
    block_ptr block;
    hash256 hash{};
    std::size_t bytes = 0;
    block_undo undo;
  };

  mutable std::shared_mutex mutex_;  ///< Guards all below but the digest.
  std::vector<entry> entries_;       ///< By height.
  std::unordered_map<hash256, std::uint64_t, opaque_hasher> heights_;
  std::map<hash256, coin_group> coins_;
  std::map<std::uint64_t, block_certificate> certificates_;
  chain_tip tip_;
  block_shelf shelf_;
  std::map<hash256, block_ptr> shelved_;  ///< What is on it.

  mutable std::mutex digest_mutex_;  ///< Taken before `mutex_` where both are.
  mutable std::optional<std::pair<hash256, utxo_digest>> digest_;  ///< The last one, for this tip.
};

}  // namespace timenode::chain
