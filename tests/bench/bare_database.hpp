#pragma once

// RocksDB with nothing around it: what storing blocks costs whoever does it.

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

namespace bench {

class bare_database {
 public:
  explicit bare_database(const std::filesystem::path& directory) {
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* db = nullptr;
    demand(rocksdb::DB::Open(options, directory.string(), &db));
    db_.reset(db);
  }

  /// One synced batch of texts, numbered from `first` on.
  void write(std::uint64_t first, std::span<const std::string> texts) {
    rocksdb::WriteBatch batch;
    for (const auto& text : texts)
      demand(batch.Put(key(first++), text));
    rocksdb::WriteOptions options;
    options.sync = true;
    demand(db_->Write(options, &batch));
  }

  std::string read(std::uint64_t number) {
    std::string result;
    demand(db_->Get({}, key(number), &result));
    return result;
  }

 private:
  static std::string key(std::uint64_t number) {
    std::string result(8, '\0');
    for (auto i = result.rbegin(); i != result.rend(); ++i, number >>= 8)
      *i = static_cast<char>(number & 0xff);
    return result;
  }

  static void demand(const rocksdb::Status& status) {
    if (!status.ok())
      throw std::runtime_error{status.ToString()};
  }

  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace bench
