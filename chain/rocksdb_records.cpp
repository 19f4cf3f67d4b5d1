#include "chain/rocksdb_records.hpp"

#include "chain/bincode.hpp"
#include "chain/genesis.hpp"
#include "chain/hex.hpp"
#include "chain/sha256.hpp"
#include "chain/store_codec.hpp"

#include <algorithm>
#include <map>
#include <string>

namespace timenode::chain {

namespace {

constexpr std::string_view schema_key = "schema";
constexpr std::string_view genesis_key = "genesis";
constexpr std::string_view tip_key = "tip";

tl::unexpected<failure> pass_on(failure&& x) {
  return tl::unexpected<failure>{std::move(x)};
}

void put_block(const database& db, const checked_block& x, byte_string& buffer,
               rocksdb::WriteBatch& out) {
  const auto key = encode_height(x.block->header.height);
  buffer.clear();
  encode(*x.block, buffer);
  out.Put(db[family::blocks], slice(key), slice(buffer));
}

void put_height(const database& db, const checked_block& x, rocksdb::WriteBatch& out) {
  out.Put(db[family::heights], slice(x.hash), slice(encode_height(x.block->header.height)));
}

/// In the order of their hashes: a record that goes in beside the one before it costs RocksDB half.
void put_heights(const database& db, const std::vector<checked_block>& blocks,
                 rocksdb::WriteBatch& out) {
  std::vector<const checked_block*> sorted;
  sorted.reserve(blocks.size());
  for (const auto& x : blocks)
    sorted.push_back(&x);
  std::sort(sorted.begin(), sorted.end(),
            [](const auto* a, const auto* b) { return a->hash < b->hash; });
  for (const auto* x : sorted)
    put_height(db, *x, out);
}

// One batch, so that a kill leaves either nothing or all of it.
outcome<void> create(const database& db, network_id network) {
  const auto& genesis = genesis_block(network);
  rocksdb::WriteBatch batch;
  byte_string buffer;
  put_block(db, genesis, buffer, batch);
  put_height(db, genesis, batch);
  coin_group coins;
  for (const auto& output : genesis.block->transactions.front().outputs)
    coins.emplace(static_cast<std::uint32_t>(coins.size()),
                  coin{output.value, output.script_pubkey});
  std::string record;
  encode_coins(coins, record);
  batch.Put(db[family::coins], slice(genesis.txids.front()), record);
  const chain_tip tip{0, genesis.hash, genesis.block->header.timestamp, coins.size()};
  batch.Put(db[family::meta], slice(schema_key), slice(encode_height(schema_version)));
  batch.Put(db[family::meta], slice(genesis_key), slice(genesis.hash));
  batch.Put(db[family::meta], slice(tip_key), slice(encode_tip(tip)));
  rocksdb::WriteOptions options;
  options.sync = true;
  if (const auto written = db->Write(options, &batch); !written.ok())
    return pass_on(db.explain(written, "write"));
  return {};
}

outcome<void> check_schema(const database& db, std::uint64_t schema) {
  if (schema > schema_version)
    return pass_on(newer_schema(db, schema));
  if (schema < schema_version)
    return fail("the chain store in " + db.directory().string() +
                " was written by an older timenode (schema " + std::to_string(schema) +
                ", this one uses " + std::to_string(schema_version) + "): run 'timenode migrate'");
  return {};
}

outcome<void> check_network(const database& db, network_id network) {
  rocksdb::PinnableSlice value;
  auto found = get_record(db, family::meta, slice(genesis_key), value);
  if (!found)
    return pass_on(std::move(found.error()));
  if (*found && value == slice(genesis_block(network).hash))
    return {};
  const auto other = network == network_id::mainnet ? network_id::testnet : network_id::mainnet;
  if (*found && value == slice(genesis_block(other).hash))
    return fail("the chain store in " + db.directory().string() + " belongs to " +
                std::string{to_string(other)} + ", this node is on " +
                std::string{to_string(network)} + ": use another data directory");
  return pass_on(db.damaged("its genesis block is not one of this program"));
}

outcome<void> check_top(const database& db, const chain_tip& tip) {
  const std::unique_ptr<rocksdb::Iterator> last{
      db->NewIterator(rocksdb::ReadOptions{}, db[family::blocks])};
  last->SeekToLast();
  if (!last->status().ok())
    return pass_on(db.explain(last->status(), "read"));
  if (last->Valid() && last->key() == slice(encode_height(tip.height)))
    if (const auto hash = hash_of_record(db, tip.height, last->value()); hash && *hash == tip.hash)
      return {};
  return pass_on(db.damaged("its topmost block is not the one at height " +
                            std::to_string(tip.height) + " with hash " + to_hex(tip.hash)));
}

// A block in a record, as the shelf lists it.
outcome<shelved_block> describe(const database& db, std::uint64_t height,
                                const rocksdb::Slice& value) {
  auto hash = hash_of_record(db, height, value);
  if (!hash)
    return pass_on(std::move(hash.error()));
  shelved_block result{height, *hash, {}, value.size()};
  // Version and height come before it (protocol page, section 3).
  std::copy_n(bytes(value).begin() + 4 + 8, result.previous_hash.size(),
              result.previous_hash.begin());
  return result;
}

// Takes a block off the chain. Returns it, and its record in `value`.
outcome<shelved_block> delete_block(const database& db, std::uint64_t height,
                                    rocksdb::PinnableSlice& value, rocksdb::WriteBatch& out) {
  const auto key = encode_height(height);
  auto found = get_record(db, family::blocks, slice(key), value);
  if (!found)
    return pass_on(std::move(found.error()));
  if (!*found)
    return pass_on(db.damaged("block " + std::to_string(height) + " is missing"));
  auto result = describe(db, height, value);
  if (!result)
    return result;
  out.Delete(db[family::heights], slice(result->hash));
  out.Delete(db[family::blocks], slice(key));
  out.Delete(db[family::undo], slice(key));
  return result;
}

// What the shelf gains and loses by a batch that takes these blocks off the chain.
void write_shelf(const database& db, const block_shelf::change& change,
                 const std::map<hash256, std::string>& values, rocksdb::WriteBatch& out) {
  for (const auto& x : change.dropped)
    out.Delete(db[family::shelf], slice(shelf_key(x)));
  for (const auto& x : change.added)
    out.Put(db[family::shelf], slice(shelf_key(x)), values.at(x.hash));
}

}  // namespace

outcome<bool> get_record(const database& db, family where, const rocksdb::Slice& key,
                         rocksdb::PinnableSlice& value, const rocksdb::ReadOptions& options) {
  const auto status = db->Get(options, db[where], key, &value);
  if (status.ok())
    return true;
  if (status.IsNotFound())
    return false;
  return pass_on(db.explain(status, "read"));
}

outcome<std::optional<std::uint64_t>> read_schema(const database& db) {
  rocksdb::PinnableSlice value;
  auto found = get_record(db, family::meta, slice(schema_key), value);
  if (!found)
    return pass_on(std::move(found.error()));
  if (!*found)
    return std::nullopt;
  const auto result = decode_height(chars(value));
  if (!result)
    return pass_on(db.damaged("its schema version cannot be understood"));
  return *result;
}

outcome<void> write_schema(const database& db, std::uint64_t schema) {
  rocksdb::WriteOptions options;
  options.sync = true;
  const auto written =
      db->Put(options, db[family::meta], slice(schema_key), slice(encode_height(schema)));
  return written.ok() ? outcome<void>{} : pass_on(db.explain(written, "write"));
}

failure newer_schema(const database& db, std::uint64_t schema) {
  return {"the chain store in " + db.directory().string() +
          " was written by a newer timenode (schema " + std::to_string(schema) +
          ", this one knows " + std::to_string(schema_version) +
          "): install that version, or use another data directory"};
}

outcome<chain_tip> load_tip(const database& db, network_id network) {
  auto schema = read_schema(db);
  if (!schema)
    return pass_on(std::move(schema.error()));
  if (*schema) {
    if (auto known = check_schema(db, **schema); !known)
      return pass_on(std::move(known.error()));
  } else if (auto created = create(db, network); !created) {
    return pass_on(std::move(created.error()));
  }
  if (auto ours = check_network(db, network); !ours)
    return pass_on(std::move(ours.error()));
  auto tip = read_tip(db);
  if (tip)
    if (auto top = check_top(db, *tip); !top)
      return pass_on(std::move(top.error()));
  return tip;
}

outcome<chain_tip> read_tip(const database& db, const rocksdb::ReadOptions& options) {
  rocksdb::PinnableSlice value;
  auto found = get_record(db, family::meta, slice(tip_key), value, options);
  if (!found)
    return pass_on(std::move(found.error()));
  auto tip = decode_tip(chars(value));
  if (!tip)
    return pass_on(db.damaged(tip.error().reason));
  return tip;
}

outcome<std::uint64_t> read_final_height(const database& db) {
  const std::unique_ptr<rocksdb::Iterator> last{
      db->NewIterator(rocksdb::ReadOptions{}, db[family::certificates])};
  last->SeekToLast();
  if (!last->status().ok())
    return pass_on(db.explain(last->status(), "read"));
  if (!last->Valid())
    return std::uint64_t{0};
  auto height = decode_height(chars(last->key()));
  if (!height)
    return pass_on(db.damaged("the height of a certificate cannot be understood"));
  return height;
}

outcome<block_ptr> decode_block_record(const database& db, std::uint64_t height,
                                       const rocksdb::Slice& value) {
  auto result = decode_block(bytes(value));
  if (!result)
    return pass_on(db.damaged("block " + std::to_string(height) + " cannot be understood (" +
                              result.error().reason + ")"));
  if (result->header.height != height)
    return pass_on(db.damaged("block " + std::to_string(height) + " says to be block " +
                              std::to_string(result->header.height)));
  return std::make_shared<const block>(std::move(*result));
}

outcome<hash256> hash_of_record(const database& db, std::uint64_t height,
                                const rocksdb::Slice& value) {
  if (value.size() < header_bytes)
    return pass_on(db.damaged("block " + std::to_string(height) + " is too short"));
  return sha256(bytes(value).first(header_bytes));
}

std::array<char, 40> shelf_key(const shelved_block& x) noexcept {
  std::array<char, 40> result;
  const auto height = encode_height(x.height);
  const auto end = std::copy(height.begin(), height.end(), result.begin());
  std::copy(x.hash.begin(), x.hash.end(), end);
  return result;
}

outcome<block_shelf> load_shelf(const database& db) {
  block_shelf result;
  rocksdb::ReadOptions read;
  read.fill_cache = false;  // Each is read once.
  const std::unique_ptr<rocksdb::Iterator> entry{db->NewIterator(read, db[family::shelf])};
  for (entry->SeekToFirst(); entry->Valid(); entry->Next()) {
    const auto key = chars(entry->key());
    const auto height = decode_height(key.first(std::min<std::size_t>(key.size(), 8)));
    if (!height)
      return pass_on(db.damaged("a record of a block beside the chain cannot be understood"));
    auto x = describe(db, *height, entry->value());
    if (!x)
      return pass_on(std::move(x.error()));
    result.add(*x);
  }
  if (!entry->status().ok())
    return pass_on(db.explain(entry->status(), "read"));
  return result;
}

outcome<batch_writes> make_writes(const database& db, const store_batch& batch,
                                  const chain_tip& tip, const block_shelf& shelf) {
  batch_writes writes;
  auto& result = writes.records;
  std::vector<shelved_block> removed;
  std::map<hash256, std::string> removed_values;
  for (std::uint64_t i = 0; i < batch.remove; ++i) {
    rocksdb::PinnableSlice value;
    auto deleted = delete_block(db, tip.height - i, value, result);
    if (!deleted)
      return pass_on(std::move(deleted.error()));
    removed_values.emplace(deleted->hash, value.ToString());
    removed.push_back(std::move(*deleted));
  }
  writes.shelf = shelf.plan(removed, batch);
  write_shelf(db, writes.shelf, removed_values, result);
  byte_string buffer;
  std::string record;
  for (std::size_t i = 0; i < batch.append.size(); ++i) {
    const auto& x = batch.append[i];
    put_block(db, x, buffer, result);
    // Most blocks spend nothing, which can be told from the block.
    if (batch.undo[i].spent.empty())
      continue;
    encode_undo(batch.undo[i], record);
    result.Put(db[family::undo], slice(encode_height(x.block->header.height)), record);
  }
  put_heights(db, batch.append, result);
  for (const auto& [height, x] : batch.certificates) {
    encode_certificate(x, record);
    result.Put(db[family::certificates], slice(encode_height(height)), record);
  }
  for (const auto& [txid, coins] : batch.coins) {
    if (coins.empty()) {
      result.Delete(db[family::coins], slice(txid));
    } else {
      encode_coins(coins, record);
      result.Put(db[family::coins], slice(txid), record);
    }
  }
  result.Put(db[family::meta], slice(tip_key), slice(encode_tip(batch.tip)));
  return writes;
}

}  // namespace timenode::chain
