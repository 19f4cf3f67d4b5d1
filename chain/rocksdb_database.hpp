#pragma once

// Opening the database of a chain store, and saying in words what is wrong with it. For
// rocksdb_store.cpp only: the one header here that shows RocksDB.

#include "chain/rocksdb_store.hpp"

#include <rocksdb/db.h>

#include <array>

namespace timenode::chain {

/// Column families: kinds of records, each with its own keys.
enum class family : std::size_t {
  meta,    ///< "schema", "genesis" and "tip". RocksDB's "default", which must exist.
  blocks,  ///< Height, big-endian -> the block in bincode.
  heights, ///< Block hash -> height, big-endian.
  coins,   ///< Transaction id -> its unspent outputs.
  undo,    ///< Height, big-endian -> what the block spent. None for a block that spent nothing.
};
inline constexpr std::size_t family_count = 5;

/// An open database with its families; closes in the right order.
class database {
public:
  /// As `rocksdb_store::open`, but neither looks inside nor writes anything.
  static outcome<std::unique_ptr<database>> open(const std::filesystem::path& directory,
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

  /// The sentence for an operator. `doing` is what failed: "open", "read", "write".
  failure explain(const rocksdb::Status& status, std::string_view doing) const;
  /// The sentence when what was read makes no sense.
  failure damaged(const std::string& what) const;

private:
  database() = default;

  std::filesystem::path directory_;
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, family_count> families_{};
};

} // namespace timenode::chain
