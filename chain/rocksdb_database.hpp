#pragma once

// Opening the database of a chain store, and saying in words what is wrong with it. For
// rocksdb_store.cpp only: the one header here that shows RocksDB.

#include "chain/rocksdb_store.hpp"

#include <rocksdb/db.h>

#include <array>

namespace timenode::chain {

/// Column families: kinds of records, each with its own keys.
enum class family : std::size_t {
  meta,     ///< "schema", "genesis" and "tip". RocksDB's "default", which must exist.
  blocks,   ///< Height, big-endian -> the block in bincode.
  heights,  ///< Block hash -> height, big-endian.
  coins,    ///< Transaction id -> its unspent outputs.
  undo,     ///< Height, big-endian -> what the block spent. None for a block that spent nothing.
  certificates,  ///< Height, big-endian -> the votes that committed the block. None for a block without.
  shelf,  ///< Height, big-endian, and hash -> a block that a reorganisation took off the chain, in bincode.
};
inline constexpr std::size_t family_count = 7;

/// An open database with its families; closes in the right order.
class database {
 public:
  /// Opens the database or makes an empty one. The failure is as of `rocksdb_store::open`.
  static outcome<std::unique_ptr<database>> open(const std::filesystem::path& directory,
                                                 const rocksdb_options& options);
  /// Opens the database as it is now, to read only; another may have it open to write. Writes nothing, so
  /// that it also works on a full disk.
  static outcome<std::unique_ptr<database>> open_to_read(const std::filesystem::path& directory,
                                                         const rocksdb_options& options);
  database(const database&) = delete;
  database& operator=(const database&) = delete;
  ~database();

  rocksdb::DB& operator*() const noexcept { return *db_; }
  rocksdb::DB* operator->() const noexcept { return db_.get(); }
  rocksdb::ColumnFamilyHandle* operator[](family x) const noexcept {
    return families_[static_cast<std::size_t>(x)];
  }
  const std::filesystem::path& directory() const noexcept { return directory_; }

  /// Close without syncing the log. After a failed write RocksDB ends the program when it is asked to sync.
  void give_up_log() noexcept { sync_at_close_ = false; }

  /// Space that opening this database again needs on its disk: what is in the log becomes tables.
  std::uint64_t bytes_to_reopen() const;

  /// The sentence for an operator. `doing` is what failed: "open", "read", "write".
  failure explain(const rocksdb::Status& status, std::string_view doing) const;
  /// The sentence when what was read makes no sense.
  failure damaged(const std::string& what) const;

 private:
  database() = default;
  void take(rocksdb::DB* db, const std::vector<rocksdb::ColumnFamilyHandle*>& handles);

  std::filesystem::path directory_;
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, family_count> families_{};
  bool sync_at_close_ = true;
};

}  // namespace timenode::chain
