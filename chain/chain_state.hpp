#pragma once

// The chain as a whole: applies blocks to a store by the rules and takes them off again. Plain and
// synchronous; the chain keeper actor is its only user in a running node.

#include "chain/block_store.hpp"
#include "chain/transaction_rules.hpp"

#include <cstdint>
#include <span>

namespace timenode::chain {

class coin_overlay;

/// What came of applying blocks.
struct apply_result {
  std::size_t applied = 0;            ///< How many from the front are now stored.
  std::optional<failure> rejected;    ///< Why the next one was not: the rule and the values.
  std::uint64_t rejected_height = 0;  ///< Of that one; 0 when none was refused for itself.
  bool storage_failed = false;        ///< The store is at fault, not the block.
};

class chain_state {
 public:
  /// `store` must be open and hold at least the genesis block of the network. `block_store` outlives this.
  /// `rules`: of this network, for blocks that are applied from now on.
  explicit chain_state(block_store& store, spending_rules rules = {});

  /// Applies blocks that follow each other, the first on our tip, as one store batch. Stops at the first
  /// bad one; those before it stay. `now`: Unix seconds by our clock. `sync`: see `block_store::commit`.
  apply_result apply(std::span<const checked_block> blocks, std::int64_t now, bool sync);

  /// Makes a block that was committed part of the chain, with the votes that prove it, and so final; synced.
  /// Blocks without a certificate that are in its place, or on top of its parent, are taken off. Of a block
  /// that is on the chain already, only the certificate is kept; `block` may be null then.
  /// Fails when the block's parent is not on the chain, when a final block is in its place, when the
  /// certificate is one of another block, and for what `apply` refuses. The caller has checked the
  /// certificate's signatures.
  apply_result commit(const checked_block* block, const block_certificate& certificate,
                      std::int64_t now);

  /// Takes `count` blocks off the top, restoring spent outputs, as one store batch. At most
  /// `max_reorg_depth`, never the genesis or a final block.
  outcome<void> roll_back(std::uint64_t count);

  /// Puts these blocks in place of all of ours above `ancestor`, as one store batch: afterwards there are
  /// either all of them, or our old chain as it was. So is a kill at any instruction. `ancestor` is the
  /// height and hash of the last block that both chains have; the first of `blocks`, of which there must be
  /// one, follows on it. Goes back at most `max_reorg_depth` blocks, and not below `final_height()`.
  apply_result reorganise(std::uint64_t ancestor, const hash256& ancestor_hash,
                          std::span<const checked_block> blocks, std::int64_t now);

  const block_store& store() const noexcept { return store_; }

 private:
  apply_result append(std::span<const checked_block> blocks, const block_certificate* certificate,
                      std::int64_t now, bool sync);
  outcome<void> may_undo(std::uint64_t count) const;
  outcome<chain_tip> undo(std::uint64_t count, coin_overlay& coins) const;
  apply_result connect(std::span<const checked_block> blocks, std::int64_t now, coin_overlay& coins,
                       store_batch& batch) const;
  apply_result replace(std::uint64_t ancestor, std::span<const checked_block> blocks,
                       const block_certificate* certificate, std::int64_t now);

  block_store& store_;
  spending_rules rules_;
};

}  // namespace timenode::chain
