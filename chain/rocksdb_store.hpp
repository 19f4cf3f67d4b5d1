#pragma once

// The store on disk, a RocksDB database.

#include "chain/block_store.hpp"
#include "messages/network.hpp"

#include <filesystem>
#include <memory>

namespace timenode::chain {

/// What an operator may tune.
struct rocksdb_options {
  /// Memory for what was read. A cache smaller than the range that peers ask for serves 20 to 40 %
  /// fewer blocks (measured with 8 against 64 MB).
  std::size_t cache_bytes = 64u << 20;
};

/// Consistent after a kill at any instruction: each commit is one write batch, in the write-ahead log as
/// one checksummed record. Uses at most the cache, 64 MB of write buffers and some MB more of memory; one
/// directory, that no other process may use meanwhile.
class rocksdb_store final : public block_store {
 public:
  /// Opens the store in that directory, or makes it there with the genesis block of the network. The
  /// failure is a sentence that an operator can act on: the directory is in use, cannot be written, its
  /// disk is full, it belongs to another network or to a newer program, or it is damaged (and which file).
  static outcome<std::unique_ptr<rocksdb_store>> open(const std::filesystem::path& directory,
                                                      network_id network,
                                                      const rocksdb_options& options = {});
  /// Syncs what was committed without `sync`.
  ~rocksdb_store() override;

  chain_tip tip() const override;
  block_ptr block_at(std::uint64_t height) const override;
  std::vector<block_ptr> blocks(std::uint64_t first, std::uint64_t last,
                                std::size_t max_bytes) const override;
  std::optional<hash256> hash_at(std::uint64_t height) const override;
  std::optional<std::uint64_t> height_of(const hash256& hash) const override;
  coin_group coins(const hash256& txid) const override;
  outcome<coin_group> load_coins(const hash256& txid) const override;
  utxo_digest utxo_state() const override;
  std::vector<shelved_block> shelved() const override;
  block_ptr block_on_shelf(const hash256& hash) const override;
  outcome<block_undo> undo_at(std::uint64_t height) const override;
  std::optional<block_certificate> certificate_at(std::uint64_t height) const override;
  std::uint64_t final_height() const override;

  /// When it fails, nothing of the batch is stored, the store stays readable, and `trouble` says why. After
  /// a full disk, a later commit works once there is space again; after any other failure the program has
  /// to be restarted, which the failure says.
  outcome<void> commit(const store_batch& batch, bool sync) override;

  /// The last commit's failure; or a failed read, which stays until a restart, since what a disk has lost
  /// does not come back.
  std::optional<failure> trouble() const override;

  /// Bytes of the database's files, write-ahead log included.
  std::uint64_t disk_bytes() const;

  /// Every unspent output; none when there are more than `max_count`.
  std::optional<std::vector<std::pair<outpoint, coin>>>
  unspent(std::size_t max_count) const override;

  /// Makes a copy of the store, as it is at one moment, in a directory that does not exist yet. What does
  /// not change any more is linked when it is on the same disk, so that this takes little time and space.
  /// Thread-safe; commits wait for moments only. Returns the tip of the copy.
  outcome<chain_tip> copy_to(const std::filesystem::path& directory) const;

 private:
  struct impl;
  explicit rocksdb_store(std::unique_ptr<impl> x);
  std::unique_ptr<impl> impl_;
};

}  // namespace timenode::chain
