#pragma once

// What the records of a chain store are: reading and writing them in an open database. For
// rocksdb_store.cpp only.

#include "chain/block_shelf.hpp"
#include "chain/rocksdb_database.hpp"

#include <rocksdb/write_batch.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace timenode::chain {

// -- bytes as RocksDB wants and gives them ------------------------------------------------

inline rocksdb::Slice slice(std::string_view x) {
  return {x.data(), x.size()};
}
template <std::size_t Size>
rocksdb::Slice slice(const std::array<char, Size>& x) {
  return {x.data(), x.size()};
}
inline rocksdb::Slice slice(const hash256& x) {
  return {reinterpret_cast<const char*>(x.data()), x.size()};
}
inline rocksdb::Slice slice(const byte_string& x) {
  return {reinterpret_cast<const char*>(x.data()), x.size()};
}
inline std::span<const std::uint8_t> bytes(const rocksdb::Slice& x) {
  return {reinterpret_cast<const std::uint8_t*>(x.data()), x.size()};
}
inline std::span<const char> chars(const rocksdb::Slice& x) {
  return {x.data(), x.size()};
}

// -- records --------------------------------------------------------------------------------

/// Whether the record is there, and then its value.
outcome<bool> get_record(const database& db, family where, const rocksdb::Slice& key,
                         rocksdb::PinnableSlice& value, const rocksdb::ReadOptions& options = {});

/// What the records are. Raised when what is stored, or how, changes, with a step in migration.cpp; a program
/// refuses a store with another one.
inline constexpr std::uint64_t schema_version = 1;

/// The schema of what is stored; none in an empty database.
outcome<std::optional<std::uint64_t>> read_schema(const database& db);
/// Says, durably, that the records are of that schema.
outcome<void> write_schema(const database& db, std::uint64_t schema);
/// The sentence about a store that is newer than this program.
failure newer_schema(const database& db, std::uint64_t schema);

/// Writes the genesis block when the database is empty; else sees that the schema and the network are ours
/// and that the topmost block is the tip. Returns the tip. (What is below is looked at by `check_store`.)
outcome<chain_tip> load_tip(const database& db, network_id network);

/// The tip as the options' snapshot has it.
outcome<chain_tip> read_tip(const database& db, const rocksdb::ReadOptions& options = {});

/// The height of the highest block with a certificate; 0 when there is none.
outcome<std::uint64_t> read_final_height(const database& db);

/// A block's record as a block, which must be of that height.
outcome<block_ptr> decode_block_record(const database& db, std::uint64_t height,
                                       const rocksdb::Slice& value);

/// The hash of the block in a record, without decoding it.
outcome<hash256> hash_of_record(const database& db, std::uint64_t height,
                                const rocksdb::Slice& value);

/// What a batch does to the records and to the shelf.
struct batch_writes {
  rocksdb::WriteBatch records;
  block_shelf::change shelf;
};
/// The batch must fit on the tip (`check_batch`).
outcome<batch_writes> make_writes(const database& db, const store_batch& batch,
                                  const chain_tip& tip, const block_shelf& shelf);

/// The blocks beside the chain, as they lie in the database.
outcome<block_shelf> load_shelf(const database& db);
/// The key of one of them.
std::array<char, 40> shelf_key(const shelved_block& x) noexcept;

}  // namespace timenode::chain
