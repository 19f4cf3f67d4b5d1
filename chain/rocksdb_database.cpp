#include "chain/rocksdb_database.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

namespace timenode::chain {

namespace {

constexpr std::array<const char*, family_count> family_names{
    "default", "blocks", "heights", "coins", "undo", "certificates", "shelf"};

std::string in_directory(const std::filesystem::path& x) {
  return "the chain store in " + x.string();
}

failure explain_damage(const std::filesystem::path& directory, const std::string& what) {
  return {
      in_directory(directory) + " is damaged: " + what +
      ". Run 'timenode check --repair', which keeps what is whole; the node downloads the rest. Or "
      "move that directory away: then it downloads (or you import) all of it"};
}

failure explain_status(const std::filesystem::path& directory, const rocksdb::Status& status,
                       std::string_view doing) {
  const auto text = status.ToString();
  const auto says = [&](const char* part) { return text.find(part) != std::string::npos; };
  if (status.IsNoSpace())
    return {"the disk that holds " + directory.string() + " is full: free some space on it"};
  if (status.IsCorruption())
    return explain_damage(directory, text);
  if (says("lock hold by current process") || (says("LOCK") && says("temporarily unavailable")))
    return {in_directory(directory) +
            " is in use by another process: is timenode running already?"};
  if (says("Read-only file system") || says("Permission denied"))
    return {in_directory(directory) + " cannot be written (" + text +
            "): make the directory writable for this user"};
  return {in_directory(directory) + " failed to " + std::string{doing} + ": " + text};
}

// RocksDB would go on by itself some time after a failed write. Then it and we might differ about whether
// that write is stored; rocksdb_store.cpp opens the database anew instead, and looks.
class no_recovery final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* automatic) override {
    *automatic = false;
  }
};

rocksdb::DBOptions make_db_options() {
  rocksdb::DBOptions result;
  result.listeners.push_back(std::make_shared<no_recovery>());
  result.create_if_missing = true;
  result.create_missing_column_families = true;
  // The default, said aloud: refuse a database in which anything does not fit.
  result.paranoid_checks = true;
  // After a kill the log may end in half a record, after a power cut earlier: take all whole records
  // before the first bad one. They are whole commits, and what is lost is downloaded again.
  result.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // Bounds the log, and so how long opening takes after a kill.
  result.max_total_wal_size = 64u << 20;
  // Bounds what is not on disk yet, over all families.
  result.db_write_buffer_size = 64u << 20;
  // One flush and one compaction at a time are plenty for a chain that grows by a block in 600 s.
  result.max_background_jobs = 2;
  // Each costs a file descriptor, and its index in memory.
  result.max_open_files = 256;
  // RocksDB's own log: warnings only, at most 3 MB. It is for developers; we report what fails.
  result.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  result.max_log_file_size = 1u << 20;
  result.keep_log_file_num = 3;
  result.stats_dump_period_sec = 0;
  result.stats_persist_period_sec = 0;
  // The list of files is rewritten when it grows above this (the default is 1 GB).
  result.max_manifest_file_size = 4u << 20;
  // Write out steadily rather than in bursts that make a sync slow.
  result.bytes_per_sync = 1u << 20;
  result.wal_bytes_per_sync = 1u << 20;
  // One thread writes: what lets several do so costs each record a little.
  result.allow_concurrent_memtable_write = false;
  result.enable_write_thread_adaptive_yield = false;
  // Opening reads statistics of every file else, for better guesses that we do not need.
  result.skip_stats_update_on_db_open = true;
  return result;
}

bool has_lz4() {
  const auto supported = rocksdb::GetSupportedCompressions();
  return std::find(supported.begin(), supported.end(), rocksdb::kLZ4Compression) != supported.end();
}

rocksdb::ColumnFamilyOptions make_family_options(family x,
                                                 const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  // Indexes and filters count as cache too: without this they come on top of all bounds.
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  // Most lookups there are of new ids, which are not in it: 10 bits a key spare 99 % of the disk reads.
  if (x == family::coins || x == family::heights)
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  // Blocks are read in ranges: larger units compress better.
  if (x == family::blocks)
    table.block_size = 16u << 10;

  rocksdb::ColumnFamilyOptions result;
  result.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  result.write_buffer_size = 16u << 20;
  // The same for what is not on disk yet (800 KiB): each new output is looked up there, and hardly one is found.
  if (x == family::coins) {
    result.memtable_whole_key_filtering = true;
    result.memtable_prefix_bloom_size_ratio = 0.05;
  }
  // Blocks of one time pay the same addresses, so they compress; hashes and signatures do not.
  const bool compress = x != family::heights && x != family::certificates && has_lz4();
  result.compression = compress ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  result.bottommost_compression = result.compression;
  return result;
}

std::vector<rocksdb::ColumnFamilyDescriptor> make_descriptors(const rocksdb_options& options) {
  const auto cache = rocksdb::NewLRUCache(options.cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> result;
  for (std::size_t i = 0; i < family_count; ++i)
    result.emplace_back(family_names[i], make_family_options(static_cast<family>(i), cache));
  return result;
}

// Without its list of files (CURRENT) a database looks like none, and RocksDB would start a new one and
// delete the old one's files.
bool has_lost_its_list(const std::filesystem::path& directory) {
  std::error_code ignored;
  if (std::filesystem::exists(directory / "CURRENT", ignored))
    return false;
  for (const auto& entry : std::filesystem::directory_iterator{directory, ignored}) {
    const auto extension = entry.path().extension();
    if (extension == ".sst" || extension == ".log")
      return true;
  }
  return false;
}

outcome<void> prepare_directory(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    return fail("the directory " + directory.string() +
                " for the chain store cannot be made: " + error.message());
  if (::access(directory.c_str(), R_OK | W_OK | X_OK) != 0) {
    const auto reason = std::error_code{errno, std::generic_category()}.message();
    return fail("the directory " + directory.string() + " cannot be written (" + reason +
                "): make it writable for this user");
  }
  if (has_lost_its_list(directory))
    return tl::unexpected<failure>{explain_damage(directory, "its file CURRENT is missing")};
  return {};
}

// Families that we do not know are the mark of a newer program.
outcome<void> check_families(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  const auto listed =
      rocksdb::DB::ListColumnFamilies(rocksdb::DBOptions{}, directory.string(), &names);
  if (!listed.ok())
    return {};  // There is none yet; or opening tells what is wrong.
  for (const auto& name : names)
    if (std::find(family_names.begin(), family_names.end(), name) == family_names.end())
      return fail(in_directory(directory) +
                  " was written by a newer timenode (it has records of kind '" + name +
                  "'): install that version, or use another data directory");
  return {};
}

}  // namespace

outcome<std::unique_ptr<database>> database::open(const std::filesystem::path& directory,
                                                  const rocksdb_options& options) {
  if (auto prepared = prepare_directory(directory); !prepared)
    return tl::unexpected<failure>{std::move(prepared.error())};
  if (auto known = check_families(directory); !known)
    return tl::unexpected<failure>{std::move(known.error())};

  std::unique_ptr<database> result{new database};
  result->directory_ = directory;
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const auto opened = rocksdb::DB::Open(make_db_options(), directory.string(),
                                        make_descriptors(options), &handles, &db);
  if (!opened.ok())
    return tl::unexpected<failure>{explain_status(directory, opened, "open")};
  result->take(db, handles);
  return result;
}

outcome<std::unique_ptr<database>> database::open_to_read(const std::filesystem::path& directory,
                                                          const rocksdb_options& options) {
  std::unique_ptr<database> result{new database};
  result->directory_ = directory;
  result->sync_at_close_ = false;
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const auto opened = rocksdb::DB::OpenForReadOnly(make_db_options(), directory.string(),
                                                   make_descriptors(options), &handles, &db);
  if (!opened.ok())
    return tl::unexpected<failure>{explain_status(directory, opened, "open")};
  result->take(db, handles);
  return result;
}

void database::take(rocksdb::DB* db, const std::vector<rocksdb::ColumnFamilyHandle*>& handles) {
  db_.reset(db);
  std::copy(handles.begin(), handles.end(), families_.begin());
}

std::uint64_t database::bytes_to_reopen() const {
  // New lists and logs of RocksDB itself, with room to spare.
  std::uint64_t result = 4u << 20;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator{directory_, error}) {
    std::error_code gone;
    const auto size = entry.path().extension() == ".log" ? entry.file_size(gone) : 0;
    if (!gone)
      result += size;
  }
  return result;
}

database::~database() {
  if (db_ == nullptr)
    return;
  // Nothing can be done about failures here; the log is recovered at the next start.
  if (sync_at_close_)
    static_cast<void>(db_->SyncWAL());
  for (auto* handle : families_)
    static_cast<void>(db_->DestroyColumnFamilyHandle(handle));
  static_cast<void>(db_->Close());
}

failure database::explain(const rocksdb::Status& status, std::string_view doing) const {
  return explain_status(directory_, status, doing);
}

failure database::damaged(const std::string& what) const {
  return explain_damage(directory_, what);
}

}  // namespace timenode::chain
