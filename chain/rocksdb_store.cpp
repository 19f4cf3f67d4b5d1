#include "chain/rocksdb_store.hpp"

#include "chain/bincode.hpp"
#include "chain/genesis.hpp"
#include "chain/hashes.hpp"
#include "chain/hex.hpp"
#include "chain/rocksdb_database.hpp"
#include "chain/sha256.hpp"
#include "chain/store_codec.hpp"
#include "chain/utxo_hash.hpp"

#include <algorithm>
#include <mutex>
#include <string>
#include <string_view>

namespace timenode::chain {

namespace {

// Raised when what is stored, or how, changes; a program refuses a store with a higher one.
constexpr std::uint64_t schema_version = 1;

constexpr std::string_view schema_key = "schema";
constexpr std::string_view genesis_key = "genesis";
constexpr std::string_view tip_key = "tip";

rocksdb::Slice slice(std::string_view x) {
  return {x.data(), x.size()};
}
template <std::size_t Size>
rocksdb::Slice slice(const std::array<char, Size>& x) {
  return {x.data(), x.size()};
}
rocksdb::Slice slice(const hash256& x) {
  return {reinterpret_cast<const char*>(x.data()), x.size()};
}
rocksdb::Slice slice(const byte_string& x) {
  return {reinterpret_cast<const char*>(x.data()), x.size()};
}
std::span<const std::uint8_t> bytes(const rocksdb::Slice& x) {
  return {reinterpret_cast<const std::uint8_t*>(x.data()), x.size()};
}
std::span<const char> chars(const rocksdb::Slice& x) {
  return {x.data(), x.size()};
}

bool spends_nothing(const block& x) {
  return std::all_of(x.transactions.begin(), x.transactions.end(),
                     [](const auto& tx) { return tx.inputs.empty(); });
}

} // namespace

struct rocksdb_store::impl {
  std::unique_ptr<database> db;

  mutable std::mutex mutex; ///< Guards the four below; never held while the disk works.
  chain_tip tip;
  bool full = false; ///< The last commit failed for want of space.
  std::optional<failure> write_trouble;
  mutable std::optional<failure> read_trouble; ///< The first one.

  mutable std::mutex digest_mutex; ///< Held while the set is walked, so that two do not both walk it.
  mutable std::optional<std::pair<hash256, utxo_digest>> digest; ///< The last one, for this tip.

  void note(failure x) const {
    const std::lock_guard lock{mutex};
    if (!read_trouble)
      read_trouble = std::move(x);
  }

  // Whether it is there. A failure to read is noted, and returned.
  outcome<bool> get(family where, const rocksdb::Slice& key, rocksdb::PinnableSlice& value) const {
    const auto status = (*db)->Get(rocksdb::ReadOptions{}, (*db)[where], key, &value);
    if (status.ok())
      return true;
    if (status.IsNotFound())
      return false;
    auto reason = db->explain(status, "read");
    note(reason);
    return tl::unexpected<failure>{std::move(reason)};
  }

  block_ptr decode(std::uint64_t height, const rocksdb::Slice& value) const {
    auto result = decode_block(bytes(value));
    if (result && result->header.height == height)
      return std::make_shared<const block>(std::move(*result));
    note(db->damaged("block " + std::to_string(height) + " cannot be understood"
                     + (result ? std::string{} : " (" + result.error().reason + ")")));
    return nullptr;
  }

  void add_block(const checked_block& x, byte_string& buffer, rocksdb::WriteBatch& out) const {
    const auto key = encode_height(x.block->header.height);
    buffer.clear();
    encode(*x.block, buffer);
    out.Put((*db)[family::blocks], slice(key), slice(buffer));
    out.Put((*db)[family::heights], slice(x.hash), slice(key));
  }

  outcome<void> create(network_id network);
  outcome<void> load(network_id network);
  outcome<chain_tip> stored_tip(const rocksdb::ReadOptions& options) const;
  outcome<void> check_top() const;
  outcome<rocksdb::WriteBatch> make_batch(const store_batch& batch, const chain_tip& old_tip) const;
};

// -- opening ------------------------------------------------------------------------

outcome<std::unique_ptr<rocksdb_store>>
rocksdb_store::open(const std::filesystem::path& directory, network_id network,
                    const rocksdb_options& options) {
  auto db = database::open(directory, options);
  if (!db)
    return tl::unexpected<failure>{std::move(db.error())};
  auto x = std::make_unique<impl>();
  x->db = std::move(*db);
  if (auto loaded = x->load(network); !loaded)
    return tl::unexpected<failure>{std::move(loaded.error())};
  return std::unique_ptr<rocksdb_store>{new rocksdb_store{std::move(x)}};
}

rocksdb_store::rocksdb_store(std::unique_ptr<impl> x) : impl_(std::move(x)) {}

rocksdb_store::~rocksdb_store() = default;

// One batch, so that a kill leaves either nothing or all of it.
outcome<void> rocksdb_store::impl::create(network_id network) {
  const auto& genesis = genesis_block(network);
  rocksdb::WriteBatch batch;
  byte_string buffer;
  add_block(genesis, buffer, batch);
  coin_group coins;
  for (const auto& output : genesis.block->transactions.front().outputs)
    coins.emplace(static_cast<std::uint32_t>(coins.size()),
                  coin{output.value, output.script_pubkey});
  std::string record;
  encode_coins(coins, record);
  batch.Put((*db)[family::coins], slice(genesis.txids.front()), record);
  const chain_tip first{0, genesis.hash, genesis.block->header.timestamp, coins.size()};
  batch.Put((*db)[family::meta], slice(schema_key), slice(encode_height(schema_version)));
  batch.Put((*db)[family::meta], slice(genesis_key), slice(genesis.hash));
  batch.Put((*db)[family::meta], slice(tip_key), slice(encode_tip(first)));
  rocksdb::WriteOptions options;
  options.sync = true;
  if (const auto written = (*db)->Write(options, &batch); !written.ok())
    return tl::unexpected<failure>{db->explain(written, "write")};
  return {};
}

outcome<void> rocksdb_store::impl::load(network_id network) {
  rocksdb::PinnableSlice value;
  auto found = get(family::meta, slice(schema_key), value);
  if (!found)
    return tl::unexpected<failure>{std::move(found.error())};
  if (!*found) {
    if (auto created = create(network); !created)
      return created;
    value.Reset();
    found = get(family::meta, slice(schema_key), value);
    if (!found || !*found)
      return tl::unexpected<failure>{db->damaged("what was just written to it is not there")};
  }
  const auto schema = decode_height(chars(value));
  if (!schema)
    return tl::unexpected<failure>{db->damaged("its schema version cannot be understood")};
  if (*schema > schema_version)
    return fail("the chain store in " + db->directory().string()
                + " was written by a newer timenode (schema " + std::to_string(*schema)
                + ", this one knows " + std::to_string(schema_version)
                + "): install that version, or use another data directory");

  value.Reset();
  found = get(family::meta, slice(genesis_key), value);
  if (!found)
    return tl::unexpected<failure>{std::move(found.error())};
  const auto other = network == network_id::mainnet ? network_id::testnet : network_id::mainnet;
  if (!*found || value != slice(genesis_block(network).hash)) {
    if (*found && value == slice(genesis_block(other).hash))
      return fail("the chain store in " + db->directory().string() + " belongs to "
                  + std::string{to_string(other)} + ", this node is on "
                  + std::string{to_string(network)} + ": use another data directory");
    return tl::unexpected<failure>{db->damaged("its genesis block is not one of this program")};
  }

  auto top = stored_tip({});
  if (!top)
    return tl::unexpected<failure>{std::move(top.error())};
  tip = *top;
  return check_top();
}

outcome<chain_tip> rocksdb_store::impl::stored_tip(const rocksdb::ReadOptions& options) const {
  rocksdb::PinnableSlice value;
  const auto status = (*db)->Get(options, (*db)[family::meta], slice(tip_key), &value);
  if (!status.ok() && !status.IsNotFound())
    return tl::unexpected<failure>{db->explain(status, "read")};
  auto result = decode_tip(chars(value));
  if (!result)
    return tl::unexpected<failure>{db->damaged(result.error().reason)};
  return result;
}

// The topmost block must be the tip. (All that is below is looked at by `check_store`.)
outcome<void> rocksdb_store::impl::check_top() const {
  const std::unique_ptr<rocksdb::Iterator> last{
    (*db)->NewIterator(rocksdb::ReadOptions{}, (*db)[family::blocks])};
  last->SeekToLast();
  if (!last->status().ok())
    return tl::unexpected<failure>{db->explain(last->status(), "read")};
  if (!last->Valid() || last->key() != slice(encode_height(tip.height))
      || last->value().size() < header_bytes
      || sha256(bytes(last->value()).first(header_bytes)) != tip.hash)
    return tl::unexpected<failure>{
      db->damaged("its topmost block is not the one at height " + std::to_string(tip.height)
                  + " with hash " + to_hex(tip.hash))};
  return {};
}

// -- reading --------------------------------------------------------------------------

chain_tip rocksdb_store::tip() const {
  const std::lock_guard lock{impl_->mutex};
  return impl_->tip;
}

block_ptr rocksdb_store::block_at(std::uint64_t height) const {
  rocksdb::PinnableSlice value;
  const auto found = impl_->get(family::blocks, slice(encode_height(height)), value);
  return found && *found ? impl_->decode(height, value) : nullptr;
}

std::vector<block_ptr> rocksdb_store::blocks(std::uint64_t first, std::uint64_t last,
                                             std::size_t max_bytes) const {
  std::vector<block_ptr> result;
  if (first > last)
    return result;
  const auto& db = *impl_->db;
  const auto from = encode_height(first);
  const auto to = encode_height(last);
  // An iterator sees the store as it is now, whatever is committed meanwhile.
  const std::unique_ptr<rocksdb::Iterator> entry{
    db->NewIterator(rocksdb::ReadOptions{}, db[family::blocks])};
  std::size_t size = 0;
  for (entry->Seek(slice(from)); entry->Valid() && entry->key().compare(slice(to)) <= 0;
       entry->Next()) {
    const auto height = first + result.size();
    if (entry->key() != slice(encode_height(height))) {
      impl_->note(db.damaged("block " + std::to_string(height) + " is missing"));
      break;
    }
    size += entry->value().size();
    if (size > max_bytes && !result.empty())
      break;
    auto x = impl_->decode(height, entry->value());
    if (x == nullptr)
      break;
    result.push_back(std::move(x));
  }
  if (!entry->status().ok())
    impl_->note(db.explain(entry->status(), "read"));
  return result;
}

std::optional<hash256> rocksdb_store::hash_at(std::uint64_t height) const {
  rocksdb::PinnableSlice value;
  const auto found = impl_->get(family::blocks, slice(encode_height(height)), value);
  if (!found || !*found)
    return std::nullopt;
  if (value.size() < header_bytes) {
    impl_->note(impl_->db->damaged("block " + std::to_string(height) + " is too short"));
    return std::nullopt;
  }
  return sha256(bytes(value).first(header_bytes));
}

std::optional<std::uint64_t> rocksdb_store::height_of(const hash256& hash) const {
  rocksdb::PinnableSlice value;
  const auto found = impl_->get(family::heights, slice(hash), value);
  if (!found || !*found)
    return std::nullopt;
  const auto result = decode_height(chars(value));
  if (!result) {
    impl_->note(impl_->db->damaged(result.error().reason));
    return std::nullopt;
  }
  return *result;
}

coin_group rocksdb_store::coins(const hash256& txid) const {
  return load_coins(txid).value_or(coin_group{});
}

outcome<coin_group> rocksdb_store::load_coins(const hash256& txid) const {
  rocksdb::PinnableSlice value;
  auto found = impl_->get(family::coins, slice(txid), value);
  if (!found)
    return tl::unexpected<failure>{std::move(found.error())};
  if (!*found)
    return coin_group{};
  auto result = decode_coins(chars(value));
  if (!result) {
    result.error() = impl_->db->damaged(result.error().reason);
    impl_->note(result.error());
  }
  return result;
}

utxo_digest rocksdb_store::utxo_state() const {
  const auto& db = *impl_->db;
  const std::lock_guard lock{impl_->digest_mutex};
  const auto now = tip();
  if (impl_->digest && impl_->digest->first == now.hash)
    return impl_->digest->second;

  // The tip is read again from the snapshot: a commit may have come between.
  const auto release = [&](const rocksdb::Snapshot* x) { db->ReleaseSnapshot(x); };
  const std::unique_ptr<const rocksdb::Snapshot, decltype(release)> snapshot{db->GetSnapshot(),
                                                                              release};
  rocksdb::ReadOptions options;
  options.snapshot = snapshot.get();
  options.fill_cache = false; // One walk over everything would push out all that is in use.
  const auto failed = [&](failure reason) {
    impl_->note(std::move(reason));
    return utxo_digest{{}, now.height, 0};
  };
  const auto top = impl_->stored_tip(options);
  if (!top)
    return failed(top.error());
  utxo_hasher hasher;
  const std::unique_ptr<rocksdb::Iterator> entry{db->NewIterator(options, db[family::coins])};
  hash256 txid;
  for (entry->SeekToFirst(); entry->Valid(); entry->Next()) {
    const auto coins = decode_coins(chars(entry->value()));
    if (!coins || entry->key().size() != txid.size())
      return failed(db.damaged("a record of unspent outputs cannot be understood"));
    std::copy_n(bytes(entry->key()).begin(), txid.size(), txid.begin());
    hasher.add(txid, *coins);
  }
  if (!entry->status().ok())
    return failed(db.explain(entry->status(), "read"));
  const auto count = hasher.count();
  impl_->digest = {top->hash, utxo_digest{hasher.finish(), top->height, count}};
  return impl_->digest->second;
}

outcome<block_undo> rocksdb_store::undo_at(std::uint64_t height) const {
  rocksdb::PinnableSlice value;
  auto found = impl_->get(family::undo, slice(encode_height(height)), value);
  if (!found)
    return tl::unexpected<failure>{std::move(found.error())};
  if (*found) {
    auto result = decode_undo(chars(value));
    if (!result)
      result.error() = impl_->db->damaged(result.error().reason);
    return result;
  }
  const auto block = block_at(height);
  if (height == 0 || block == nullptr)
    return fail("there are no undo data for height " + std::to_string(height));
  if (!spends_nothing(*block))
    return tl::unexpected<failure>{
      impl_->db->damaged("the undo data of block " + std::to_string(height) + " are missing")};
  return block_undo{};
}

std::optional<failure> rocksdb_store::trouble() const {
  const std::lock_guard lock{impl_->mutex};
  return impl_->write_trouble ? impl_->write_trouble : impl_->read_trouble;
}

std::uint64_t rocksdb_store::disk_bytes() const {
  std::uint64_t result = 0;
  std::error_code error; // Files come and go meanwhile: what cannot be asked counts nothing.
  for (const auto& entry :
       std::filesystem::directory_iterator{impl_->db->directory(), error}) {
    std::error_code ignored;
    const auto size = entry.file_size(ignored);
    if (!ignored)
      result += size;
  }
  return result;
}

// -- writing --------------------------------------------------------------------------

outcome<rocksdb::WriteBatch> rocksdb_store::impl::make_batch(const store_batch& batch,
                                                             const chain_tip& old_tip) const {
  rocksdb::WriteBatch result;
  for (std::uint64_t i = 0; i < batch.remove; ++i) {
    const auto key = encode_height(old_tip.height - i);
    rocksdb::PinnableSlice value;
    auto found = get(family::blocks, slice(key), value);
    if (!found)
      return tl::unexpected<failure>{std::move(found.error())};
    if (!*found || value.size() < header_bytes)
      return tl::unexpected<failure>{
        db->damaged("block " + std::to_string(old_tip.height - i) + " is missing")};
    result.Delete((*db)[family::heights], slice(sha256(bytes(value).first(header_bytes))));
    result.Delete((*db)[family::blocks], slice(key));
    result.Delete((*db)[family::undo], slice(key));
  }
  byte_string buffer;
  std::string record;
  for (std::size_t i = 0; i < batch.append.size(); ++i) {
    const auto& x = batch.append[i];
    add_block(x, buffer, result);
    // Most blocks spend nothing; their record can be told from the block (see `undo_at`).
    if (batch.undo[i].spent.empty())
      continue;
    encode_undo(batch.undo[i], record);
    result.Put((*db)[family::undo], slice(encode_height(x.block->header.height)), record);
  }
  for (const auto& [txid, coins] : batch.coins) {
    if (coins.empty()) {
      result.Delete((*db)[family::coins], slice(txid));
    } else {
      encode_coins(coins, record);
      result.Put((*db)[family::coins], slice(txid), record);
    }
  }
  result.Put((*db)[family::meta], slice(tip_key), slice(encode_tip(batch.tip)));
  return result;
}

outcome<void> rocksdb_store::commit(const store_batch& batch, bool sync) {
  const auto& db = *impl_->db;
  const auto old_tip = tip();
  if (auto fits = check_batch(batch, old_tip); !fits)
    return fits;
  auto writes = impl_->make_batch(batch, old_tip);
  if (!writes)
    return tl::unexpected<failure>{std::move(writes.error())};
  // After a full disk RocksDB refuses writes until it is told, or finds out itself, that there is space.
  // What it says does not matter: the write below shows whether it works.
  if (impl_->full)
    static_cast<void>(db->Resume());
  rocksdb::WriteOptions options;
  options.sync = sync;
  const auto status = db->Write(options, &*writes);

  const std::lock_guard lock{impl_->mutex};
  impl_->full = status.IsNoSpace();
  if (!status.ok()) {
    auto reason = db.explain(status, "write");
    reason.reason += impl_->full ? "; blocks are stored again as soon as there is"
                                 : "; remove the cause and restart timenode";
    impl_->write_trouble = reason;
    return tl::unexpected<failure>{std::move(reason)};
  }
  impl_->write_trouble.reset();
  impl_->tip = batch.tip;
  return {};
}

} // namespace timenode::chain
