#include "chain/rocksdb_store.hpp"

#include "chain/hashes.hpp"
#include "chain/rocksdb_records.hpp"
#include "chain/store_codec.hpp"
#include "chain/utxo_hash.hpp"

#include <rocksdb/utilities/checkpoint.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <mutex>
#include <shared_mutex>
#include <string>

namespace timenode::chain {

namespace {

bool spends_nothing(const block& x) {
  return std::all_of(x.transactions.begin(), x.transactions.end(),
                     [](const auto& tx) { return tx.inputs.empty(); });
}

// Space on the disk that this user may still use; all there could be, if that cannot be told.
std::uint64_t free_bytes(const std::filesystem::path& directory) {
  struct statvfs about {};
  if (::statvfs(directory.c_str(), &about) != 0)
    return ~std::uint64_t{0};
  return std::uint64_t{about.f_bavail} * about.f_frsize;
}

}  // namespace

struct rocksdb_store::impl {
  network_id network{};
  rocksdb_options options;

  /// Held shared by every read, and by itself to put another database in place: it must outlive what was
  /// read from it. The writing thread, which alone does that, reads without it. Before `state_mutex`.
  mutable std::shared_mutex db_mutex;
  std::unique_ptr<database> db;
  bool full = false;  ///< The last write failed for want of space. Only the writing thread's.

  mutable std::mutex state_mutex;  ///< Guards these five; never held while the disk works.
  chain_tip tip;
  std::uint64_t final_height = 0;
  block_shelf shelf;
  std::optional<failure> write_trouble;
  mutable std::optional<failure> read_trouble;  ///< The first one.

  mutable std::mutex
      digest_mutex;  ///< Held while the set is walked, so that two do not both walk it.
  mutable std::optional<std::pair<hash256, utxo_digest>> digest;  ///< The last one, for this tip.

  // Keeps the reason of a failed read, and gives the value, or nothing.
  template <class T>
  T value_of(outcome<T>&& x) const {
    if (x)
      return std::move(*x);
    note(std::move(x.error()));
    return {};
  }
  void note(failure x) const {
    const std::lock_guard lock{state_mutex};
    if (!read_trouble)
      read_trouble = std::move(x);
  }

  bool get(family where, const rocksdb::Slice& key, rocksdb::PinnableSlice& value) const {
    return value_of(get_record(*db, where, key, value));
  }

  void put_in_place(std::unique_ptr<database>& other) {
    const std::unique_lock lock{db_mutex};
    db.swap(other);
  }

  // Keeps the reason of a failed write, and gives it.
  outcome<void> failed_write(failure&& x) {
    const std::lock_guard lock{state_mutex};
    write_trouble = x;
    return tl::unexpected<failure>{std::move(x)};
  }

  failure full_disk(std::uint64_t needed) const;
  outcome<void> reopen();
  outcome<void> write(const store_batch& batch, bool sync);
  outcome<utxo_digest> walk_coins() const;
};

// -- opening ------------------------------------------------------------------------

outcome<std::unique_ptr<rocksdb_store>> rocksdb_store::open(const std::filesystem::path& directory,
                                                            network_id network,
                                                            const rocksdb_options& options) {
  auto db = database::open(directory, options);
  if (!db)
    return tl::unexpected<failure>{std::move(db.error())};
  auto tip = load_tip(**db, network);
  if (!tip)
    return tl::unexpected<failure>{std::move(tip.error())};
  auto final_height = read_final_height(**db);
  if (!final_height)
    return tl::unexpected<failure>{std::move(final_height.error())};
  auto shelf = load_shelf(**db);
  if (!shelf)
    return tl::unexpected<failure>{std::move(shelf.error())};
  auto x = std::make_unique<impl>();
  x->network = network;
  x->options = options;
  x->db = std::move(*db);
  x->tip = *tip;
  x->final_height = *final_height;
  x->shelf = std::move(*shelf);
  return std::unique_ptr<rocksdb_store>{new rocksdb_store{std::move(x)}};
}

rocksdb_store::rocksdb_store(std::unique_ptr<impl> x) : impl_(std::move(x)) {}

rocksdb_store::~rocksdb_store() = default;

// -- reading --------------------------------------------------------------------------

chain_tip rocksdb_store::tip() const {
  const std::lock_guard lock{impl_->state_mutex};
  return impl_->tip;
}

block_ptr rocksdb_store::block_at(std::uint64_t height) const {
  const std::shared_lock lock{impl_->db_mutex};
  rocksdb::PinnableSlice value;
  if (!impl_->get(family::blocks, slice(encode_height(height)), value))
    return nullptr;
  return impl_->value_of(decode_block_record(*impl_->db, height, value));
}

std::vector<block_ptr> rocksdb_store::blocks(std::uint64_t first, std::uint64_t last,
                                             std::size_t max_bytes) const {
  std::vector<block_ptr> result;
  if (first > last)
    return result;
  const std::shared_lock lock{impl_->db_mutex};
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
    auto x = impl_->value_of(decode_block_record(db, height, entry->value()));
    if (x == nullptr)
      break;
    result.push_back(std::move(x));
  }
  if (!entry->status().ok())
    impl_->note(db.explain(entry->status(), "read"));
  return result;
}

std::optional<hash256> rocksdb_store::hash_at(std::uint64_t height) const {
  const std::shared_lock lock{impl_->db_mutex};
  rocksdb::PinnableSlice value;
  if (!impl_->get(family::blocks, slice(encode_height(height)), value))
    return std::nullopt;
  const auto result = hash_of_record(*impl_->db, height, value);
  if (result)
    return *result;
  impl_->note(result.error());
  return std::nullopt;
}

std::optional<std::uint64_t> rocksdb_store::height_of(const hash256& hash) const {
  const std::shared_lock lock{impl_->db_mutex};
  rocksdb::PinnableSlice value;
  if (!impl_->get(family::heights, slice(hash), value))
    return std::nullopt;
  const auto result = decode_height(chars(value));
  if (result)
    return *result;
  impl_->note(impl_->db->damaged(result.error().reason));
  return std::nullopt;
}

coin_group rocksdb_store::coins(const hash256& txid) const {
  return load_coins(txid).value_or(coin_group{});
}

outcome<coin_group> rocksdb_store::load_coins(const hash256& txid) const {
  const std::shared_lock lock{impl_->db_mutex};
  rocksdb::PinnableSlice value;
  auto found = get_record(*impl_->db, family::coins, slice(txid), value);
  outcome<coin_group> result;
  if (found && *found) {
    result = decode_coins(chars(value));
    if (!result)
      result.error() = impl_->db->damaged(result.error().reason);
  } else if (!found) {
    result = tl::unexpected<failure>{std::move(found.error())};
  }
  if (!result)
    impl_->note(result.error());
  return result;
}

utxo_digest rocksdb_store::utxo_state() const {
  const std::lock_guard digest_lock{impl_->digest_mutex};
  const auto now = tip();
  if (impl_->digest && impl_->digest->first == now.hash)
    return impl_->digest->second;
  auto result = impl_->walk_coins();
  if (result)
    return *result;
  impl_->note(std::move(result.error()));
  return {{}, now.height, 0};
}

outcome<utxo_digest> rocksdb_store::impl::walk_coins() const {
  const std::shared_lock lock{db_mutex};
  const auto release = [&](const rocksdb::Snapshot* x) { (*db)->ReleaseSnapshot(x); };
  const std::unique_ptr<const rocksdb::Snapshot, decltype(release)> snapshot{(*db)->GetSnapshot(),
                                                                             release};
  rocksdb::ReadOptions read;
  read.snapshot = snapshot.get();
  read.fill_cache = false;  // One walk over everything would push out all that is in use.
  // The tip of the snapshot: a commit may have come since the caller looked.
  auto top = read_tip(*db, read);
  if (!top)
    return tl::unexpected<failure>{std::move(top.error())};
  utxo_hasher hasher;
  const std::unique_ptr<rocksdb::Iterator> entry{(*db)->NewIterator(read, (*db)[family::coins])};
  hash256 txid;
  for (entry->SeekToFirst(); entry->Valid(); entry->Next()) {
    const auto coins = decode_coins(chars(entry->value()));
    if (!coins || entry->key().size() != txid.size())
      return tl::unexpected<failure>{
          db->damaged("a record of unspent outputs cannot be understood")};
    std::copy_n(bytes(entry->key()).begin(), txid.size(), txid.begin());
    hasher.add(txid, *coins);
  }
  if (!entry->status().ok())
    return tl::unexpected<failure>{db->explain(entry->status(), "read")};
  const auto count = hasher.count();
  digest = {top->hash, utxo_digest{hasher.finish(), top->height, count}};
  return digest->second;
}

std::vector<shelved_block> rocksdb_store::shelved() const {
  const std::lock_guard lock{impl_->state_mutex};
  return impl_->shelf.list();
}

block_ptr rocksdb_store::block_on_shelf(const hash256& hash) const {
  std::optional<shelved_block> which;
  {
    const std::lock_guard lock{impl_->state_mutex};
    if (const auto* found = impl_->shelf.find(hash))
      which = *found;
  }
  if (!which)
    return nullptr;
  const std::shared_lock lock{impl_->db_mutex};
  rocksdb::PinnableSlice value;
  if (!impl_->get(family::shelf, slice(shelf_key(*which)), value))
    return nullptr;  // It came off meanwhile.
  return impl_->value_of(decode_block_record(*impl_->db, which->height, value));
}

outcome<block_undo> rocksdb_store::undo_at(std::uint64_t height) const {
  if (height == 0)
    return fail("there are no undo data for the genesis block");
  {
    const std::shared_lock lock{impl_->db_mutex};
    rocksdb::PinnableSlice value;
    auto found = get_record(*impl_->db, family::undo, slice(encode_height(height)), value);
    if (!found)
      return tl::unexpected<failure>{std::move(found.error())};
    if (*found) {
      auto result = decode_undo(chars(value));
      if (!result)
        result.error() = impl_->db->damaged(result.error().reason);
      return result;
    }
  }
  // There is no record for a block that spent nothing.
  const auto block = block_at(height);
  if (block == nullptr)
    return fail("there are no undo data for height " + std::to_string(height));
  if (!spends_nothing(*block))
    return tl::unexpected<failure>{
        impl_->db->damaged("the undo data of block " + std::to_string(height) + " are missing")};
  return block_undo{};
}

std::optional<block_certificate> rocksdb_store::certificate_at(std::uint64_t height) const {
  const std::shared_lock lock{impl_->db_mutex};
  rocksdb::PinnableSlice value;
  if (!impl_->get(family::certificates, slice(encode_height(height)), value))
    return std::nullopt;
  auto result = decode_certificate(height, chars(value));
  if (result)
    return std::move(*result);
  impl_->note(impl_->db->damaged(result.error().reason));
  return std::nullopt;
}

std::uint64_t rocksdb_store::final_height() const {
  const std::lock_guard lock{impl_->state_mutex};
  return impl_->final_height;
}

std::optional<failure> rocksdb_store::trouble() const {
  const std::lock_guard lock{impl_->state_mutex};
  return impl_->write_trouble ? impl_->write_trouble : impl_->read_trouble;
}

std::uint64_t rocksdb_store::disk_bytes() const {
  const std::shared_lock lock{impl_->db_mutex};
  std::uint64_t result = 0;
  std::error_code error;  // Files come and go meanwhile: what cannot be asked counts nothing.
  for (const auto& entry : std::filesystem::directory_iterator{impl_->db->directory(), error}) {
    std::error_code gone;
    const auto size = entry.file_size(gone);
    if (!gone)
      result += size;
  }
  return result;
}

std::optional<std::vector<std::pair<outpoint, coin>>>
rocksdb_store::unspent(std::size_t max_count) const {
  const std::shared_lock lock{impl_->db_mutex};
  const auto& db = *impl_->db;
  rocksdb::ReadOptions read;
  read.fill_cache = false;  // As in `walk_coins`. An iterator sees one moment.
  std::vector<std::pair<outpoint, coin>> result;
  const std::unique_ptr<rocksdb::Iterator> entry{db->NewIterator(read, db[family::coins])};
  for (entry->SeekToFirst(); entry->Valid(); entry->Next()) {
    const auto coins = decode_coins(chars(entry->value()));
    outpoint where;
    if (!coins || entry->key().size() != where.txid.size()) {
      impl_->note(db.damaged("a record of unspent outputs cannot be understood"));
      return std::nullopt;
    }
    std::copy_n(bytes(entry->key()).begin(), where.txid.size(), where.txid.begin());
    if (coins->size() > max_count - result.size())
      return std::nullopt;
    for (const auto& [vout, x] : *coins) {
      where.vout = vout;
      result.emplace_back(where, x);
    }
  }
  if (!entry->status().ok()) {
    impl_->note(db.explain(entry->status(), "read"));
    return std::nullopt;
  }
  return result;
}

outcome<chain_tip> rocksdb_store::copy_to(const std::filesystem::path& directory) const {
  {
    const std::shared_lock lock{impl_->db_mutex};
    rocksdb::Checkpoint* made = nullptr;
    auto status = rocksdb::Checkpoint::Create(&**impl_->db, &made);
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint{made};
    if (status.ok())
      status = checkpoint->CreateCheckpoint(directory.string());
    if (!status.ok())
      return fail("cannot copy the chain store to " + directory.string() + ": " +
                  status.ToString());
  }
  // What is in the copy tells its tip, not what is here: blocks may have come meanwhile.
  const auto copy = database::open_to_read(directory, impl_->options);
  if (!copy)
    return tl::unexpected<failure>{copy.error()};
  return read_tip(**copy);
}

// -- writing --------------------------------------------------------------------------

failure rocksdb_store::impl::full_disk(std::uint64_t needed) const {
  return {"the disk that holds " + db->directory().string() + " is full: free at least " +
          std::to_string((needed >> 20) + 1) +
          " MiB on it; blocks are stored again as soon as they are there"};
}

// After a failed write nobody knows what of it is in the log, so the database is opened anew, which finds
// out. Meanwhile, and when that fails, a read-only one takes its place.
outcome<void> rocksdb_store::impl::reopen() {
  const auto directory = db->directory();
  const auto needed = db->bytes_to_reopen();
  if (free_bytes(directory) < needed)
    return tl::unexpected<failure>{full_disk(needed)};
  auto to_read = database::open_to_read(directory, options);
  if (!to_read)
    return tl::unexpected<failure>{std::move(to_read.error())};
  put_in_place(*to_read);
  to_read->reset();  // The old one, which has the lock on the directory.
  auto again = database::open(directory, options);
  if (!again)
    return tl::unexpected<failure>{std::move(again.error())};
  const auto top = load_tip(**again, network);
  if (!top)
    return tl::unexpected<failure>{top.error()};
  const auto highest = read_final_height(**again);
  if (!highest)
    return tl::unexpected<failure>{highest.error()};
  auto beside = load_shelf(**again);
  if (!beside)
    return tl::unexpected<failure>{std::move(beside.error())};
  put_in_place(*again);
  full = false;
  const std::lock_guard lock{state_mutex};
  tip = *top;
  final_height = *highest;
  shelf = std::move(*beside);
  write_trouble.reset();
  return {};
}

outcome<void> rocksdb_store::impl::write(const store_batch& batch, bool sync) {
  const auto now = tip;  // Only this thread changes it.
  if (auto fits = check_batch(batch, now, final_height); !fits)
    return fits;
  auto writes = make_writes(*db, batch, now, shelf);
  if (!writes)
    return tl::unexpected<failure>{std::move(writes.error())};
  rocksdb::WriteOptions write_options;
  write_options.sync = sync;
  const auto status = (*db)->Write(write_options, &writes->records);
  if (status.ok()) {
    const std::lock_guard lock{state_mutex};
    tip = batch.tip;
    if (!batch.certificates.empty())
      final_height = std::max(final_height, batch.certificates.rbegin()->first);
    shelf.apply(writes->shelf);
    write_trouble.reset();
    return {};
  }
  db->give_up_log();
  full = status.IsNoSpace();
  auto reason = full ? full_disk(db->bytes_to_reopen() + writes->records.GetDataSize())
                     : db->explain(status, "write");
  if (!full)
    reason.reason += "; remove the cause and restart timenode";
  return failed_write(std::move(reason));
}

outcome<void> rocksdb_store::commit(const store_batch& batch, bool sync) {
  auto& x = *impl_;
  if (!x.full) {
    auto written = x.write(batch, sync);
    if (written || !x.full)
      return written;
  }
  // There may be space again since RocksDB gave up writing, now or at an earlier commit.
  if (auto reopened = x.reopen(); !reopened)
    return x.failed_write(std::move(reopened.error()));
  // The batch may turn out to have been stored at the first try. One that leaves the tip where it is does
  // not show it, and does no harm twice.
  const bool moves_tip = !batch.append.empty() || batch.remove > 0;
  return moves_tip && x.tip == batch.tip ? outcome<void>{} : x.write(batch, sync);
}

}  // namespace timenode::chain
