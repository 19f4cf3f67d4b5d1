#pragma once

// The unspent outputs as blocks that are not stored yet leave them: changes over what a store has.

#include "chain/block_store.hpp"
#include "chain/transaction_rules.hpp"

#include <map>
#include <span>
#include <unordered_map>

namespace timenode::chain {

/// Blocks connect to it on top and disconnect from it, one after the other; then its changes go into
/// one store batch. Reads each transaction's outputs from the store once.
class coin_overlay {
 public:
  /// Starts at the store's tip. The store outlives the overlay and must not change meanwhile.
  explicit coin_overlay(const block_store& store, spending_rules rules = {});

  /// Spends what the block spends and adds its outputs, by the rules of the protocol page, section 7:
  /// every input exists and is unspent, no transaction's outputs exceed its inputs. An output of an
  /// earlier transaction of the block can be spent. Inputs are signed where the rules want it. Refuses a transaction whose id still has unspent
  /// outputs, since these would be lost under the new ones. Returns what was spent, in order. On
  /// failure, nothing has changed; the failure names the rule and the values.
  outcome<block_undo> connect(const checked_block& x);

  /// Takes back the topmost block. Fails when the undo data or the outputs are not those that the
  /// block left; the overlay is of no use then.
  outcome<void> disconnect(const block& x, std::span<const hash256> txids, const block_undo& undo);

  /// Whether the last failure was one of reading the store, and says nothing about the block.
  bool storage_failed() const noexcept { return storage_failed_; }

  /// Number of unspent outputs now, given what it was at the store's tip.
  std::uint64_t count(std::uint64_t at_tip) const noexcept { return at_tip + added_ - removed_; }

  /// The new state of every transaction whose outputs differ from the store's. The overlay is used up.
  std::map<hash256, coin_group> take_changes();

 private:
  struct cached_group {
    coin_group coins;
    bool in_store = false;  ///< The store has outputs of it.
    bool changed = false;
  };

  outcome<cached_group*> find(const hash256& txid);
  outcome<void> connect_transaction(const transaction& tx, const hash256& txid, block_undo& undo);
  outcome<coin> spend(const outpoint& which);
  outcome<void> create(const transaction& tx, const hash256& txid);
  outcome<void> erase_outputs(const transaction& tx, const hash256& txid);
  outcome<void> restore(const outpoint& which, const coin& x);

  const block_store& store_;
  spending_rules rules_;
  std::unordered_map<hash256, cached_group, opaque_hasher> entries_;
  std::uint64_t added_ = 0;
  std::uint64_t removed_ = 0;
  bool storage_failed_ = false;
};

}  // namespace timenode::chain
