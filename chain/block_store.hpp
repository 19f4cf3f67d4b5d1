#pragma once

// Where blocks, unspent outputs and undo data are kept. Two implementations: `rocksdb_store.hpp` on
// disk and `memory_store.hpp`. Reads are thread-safe and see a consistent tip; writes come from one
// thread (the chain keeper's).

#include "chain/validation.hpp"
#include "messages/ledger.hpp"
#include "messages/outcome.hpp"
#include "messages/wire.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace timenode::chain {

// `chain_tip` is in messages/ledger.hpp, since actors send it to each other.

/// An unspent output.
struct coin {
  amount value = 0;
  byte_string script_pubkey;
  bool operator==(const coin&) const = default;
};

/// The unspent outputs of one transaction, by vout. Kept together: one key a transaction.
using coin_group = std::map<std::uint32_t, coin>;

/// What `GetUTXOStateHash` answers: the set's hash at a height.
struct utxo_digest {
  hash256 hash{};
  std::uint64_t height = 0;
  std::uint64_t count = 0;
  bool operator==(const utxo_digest&) const = default;
};

/// The votes that committed a block: what makes it final. Whoever keeps one has checked the signatures.
using block_certificate = wire::block_commit;

/// A block that was on our chain until a reorganisation took it off.
struct shelved_block {
  std::uint64_t height = 0;
  hash256 hash{};
  hash256 previous_hash{};
  std::size_t bytes = 0;  ///< Of bincode.
  bool operator==(const shelved_block&) const = default;
};

/// Spent coins of one block, to put back when it is rolled back.
struct block_undo {
  std::vector<std::pair<outpoint, coin>> spent;  ///< In the order of spending.
};

/// The read side: what peers, RPC and the sync engine ask for. Const and thread-safe.
class chain_reader {
 public:
  virtual ~chain_reader() = default;
  /// Cheap: no disk access.
  virtual chain_tip tip() const = 0;
  /// Null above the tip.
  virtual block_ptr block_at(std::uint64_t height) const = 0;
  /// Blocks first..last (both included, cut at the tip), at most `max_bytes` of bincode, but at least one
  /// if there is one. In order, without holes.
  virtual std::vector<block_ptr> blocks(std::uint64_t first, std::uint64_t last,
                                        std::size_t max_bytes) const = 0;
  virtual std::optional<hash256> hash_at(std::uint64_t height) const = 0;
  /// Height of a block on our chain.
  virtual std::optional<std::uint64_t> height_of(const hash256& hash) const = 0;
  /// Unspent outputs of a transaction; empty when there are none.
  virtual coin_group coins(const hash256& txid) const = 0;
  /// Hash of the whole unspent set (protocol page, section 4). Walks the set: costs time in proportion to
  /// it the first time at a tip; then kept.
  virtual utxo_digest utxo_state() const = 0;
  /// All unspent outputs, if there are no more than `max_count`; none otherwise, and when the store cannot
  /// list them. Walks the set.
  virtual std::optional<std::vector<std::pair<outpoint, coin>>>
  unspent(std::size_t max_count) const {
    static_cast<void>(max_count);
    return std::nullopt;
  }
  /// The certificate that is kept with the block at that height; none when it has none or is not ours.
  virtual std::optional<block_certificate> certificate_at(std::uint64_t height) const {
    static_cast<void>(height);
    return std::nullopt;
  }
  /// Height of the highest block of ours that has a certificate; 0 when none has. It and all blocks below
  /// it are final: no rule may take them off the chain. Cheap: no disk access.
  virtual std::uint64_t final_height() const { return 0; }
  /// Whether the block of ours at that height is final, by a certificate of its own or of one above it.
  bool is_certified(std::uint64_t height) const { return height <= final_height(); }
  /// What reorganisations took off our chain and may yet come back (block_shelf.hpp), in ascending order of
  /// their heights.
  virtual std::vector<shelved_block> shelved() const { return {}; }
  /// One of those; null when it is not there.
  virtual block_ptr block_on_shelf(const hash256& hash) const {
    static_cast<void>(hash);
    return nullptr;
  }
  /// Undo data of a stored block above genesis.
  virtual outcome<block_undo> undo_at(std::uint64_t height) const {
    return fail("there are no undo data for height " + std::to_string(height));
  }
  /// What is wrong with the store, if anything: a read or a commit failed and none has worked since. A
  /// read that cannot be done answers as if there were nothing, and says so here.
  virtual std::optional<failure> trouble() const { return std::nullopt; }
};

/// One atomic change: all of it is stored, or nothing.
struct store_batch {
  std::vector<checked_block> append;  ///< On top, in order; empty when rolling back.
  std::vector<block_undo> undo;       ///< One for each block of `append`.
  std::uint64_t remove = 0;           ///< How many blocks are taken off the top, before `append`.
  std::map<hash256, coin_group>
      coins;      ///< New state of each touched transaction; empty: none left.
  chain_tip tip;  ///< After the change.
  /// Of blocks that are on the chain after the change, by height. Those of removed blocks go by themselves.
  std::map<std::uint64_t, block_certificate> certificates = {};
};

/// Whether a batch fits on a tip: heights without holes, one undo record for each block, the new tip
/// that of the last block, no final block removed, each certificate for a block of the new chain. Every
/// store refuses other batches, as the last guard of "contiguous" and of finality.
/// `final_height`: see `chain_reader::final_height`.
outcome<void> check_batch(const store_batch& batch, const chain_tip& tip,
                          std::uint64_t final_height);

/// The write side, for one thread.
class block_store : public chain_reader {
 public:
  /// As `coins`, but tells "none" from "the store cannot be read": a block must not be called invalid
  /// because of a failing disk.
  virtual outcome<coin_group> load_coins(const hash256& txid) const { return coins(txid); }
  /// Commits atomically. `sync`: on return it survives a power cut, else only a kill of the process.
  virtual outcome<void> commit(const store_batch& batch, bool sync) = 0;
};

}  // namespace timenode::chain
