// The store on disk: what it says when something is wrong with its directory, its files or its disk.
// What it does when nothing is, is in block_store_test.cpp.

#include "chain/chain_state.hpp"
#include "chain/rocksdb_records.hpp"
#include "chain/rocksdb_store.hpp"
#include "chain/store_codec.hpp"
#include "tests/unit/chain_support.hpp"
#include "tests/unit/child_process.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

using namespace timenode;
using namespace timenode::test;

namespace fs = std::filesystem;

namespace {

outcome<std::unique_ptr<chain::rocksdb_store>> open(const fs::path& directory,
                                                    network_id network = network_id::testnet) {
  return chain::rocksdb_store::open(directory, network);
}

std::string why_not(const fs::path& directory, network_id network = network_id::testnet) {
  const auto result = open(directory, network);
  return result ? "opened" : result.error().reason;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A store with the real chain up to that height, closed, its records in table files (which a start makes
// of the log).
void make_store(const fs::path& directory, std::size_t height) {
  {
    auto store = must(open(directory));
    chain::chain_state state{*store};
    REQUIRE(state.apply(std::span{checked_chain()}.first(height), late, true).applied == height);
  }
  must(open(directory));
}

std::vector<fs::path> files_of(const fs::path& directory, const std::string& extension) {
  std::vector<fs::path> result;
  for (const auto& entry : fs::directory_iterator{directory})
    if (entry.path().extension() == extension)
      result.push_back(entry.path());
  std::sort(result.begin(), result.end());
  return result;
}

}  // namespace

TEST_CASE("a store is made with all directories above it, and opens again") {
  const temporary_directory directory;
  const auto path = directory.path() / "a" / "b" / "chain";
  CHECK(must(open(path))->tip().height == 0);
  CHECK(must(open(path))->tip().height == 0);
  CHECK(must(open(path))->disk_bytes() > 1000);
}

TEST_CASE("a store in use is not opened a second time") {
  const temporary_directory directory;
  const auto store = must(open(directory.path()));
  CHECK(why_not(directory.path()) ==
        "the chain store in " + directory.path().string() +
            " is in use by another process: is timenode running already?");
}

TEST_CASE("child: opens a store" * doctest::skip()) {
  if (!child_argument().empty())
    tell_parent(why_not(child_argument()));
}

TEST_CASE("a store in use by another process is not opened") {
  const temporary_directory directory;
  const auto store = must(open(directory.path()));
  child_process child{"child: opens a store", directory.path().string()};
  CHECK(child.read_all() == "the chain store in " + directory.path().string() +
                                " is in use by another process: is timenode running already?");
}

TEST_CASE("a directory that cannot be made or is a file is said to be so") {
  CHECK(contains(why_not("/proc/timenode/chain"),
                 "the directory /proc/timenode/chain for the chain store cannot be made: "));
  const temporary_directory directory;
  write_file(directory.file("file"), "");
  CHECK(contains(why_not(directory.file("file")), "cannot be made: "));
  CHECK(contains(why_not(directory.file("file") + "/below"), "cannot be made: "));
}

TEST_CASE("a directory without the right to write is said to be so") {
  if (::geteuid() == 0) {
    MESSAGE("root may write everywhere: not tested");
    return;
  }
  const temporary_directory directory;
  ::chmod(directory.path().c_str(), 0500);
  CHECK(contains(why_not(directory.path()), "cannot be written (Permission denied)"));
}

TEST_CASE("a store of the other network is refused") {
  const temporary_directory directory;
  must(open(directory.path(), network_id::mainnet));
  CHECK(why_not(directory.path()) ==
        "the chain store in " + directory.path().string() +
            " belongs to mainnet, this node is on testnet: use another data directory");
  CHECK(must(open(directory.path(), network_id::mainnet))->tip().hash ==
        chain::genesis_block(network_id::mainnet).hash);
}

TEST_CASE("a damaged table file is named, by opening or by the first read of it") {
  const temporary_directory directory;
  const auto original = directory.path() / "original";
  make_store(original, 500);
  const auto tables = files_of(original, ".sst");
  REQUIRE(tables.size() >= 3);
  for (const auto& table : tables) {
    const auto size = static_cast<std::size_t>(fs::file_size(table));
    // Records come first; behind them are filters and indexes, and a footer.
    for (const std::size_t place : {std::size_t{20}, size / 2, size - 20}) {
      const auto name = table.filename().string();
      CAPTURE(name);
      CAPTURE(place);
      const auto copy = directory.path() / "copy";
      fs::copy(original, copy);
      auto bytes = read_file(copy / name);
      bytes[place] = static_cast<char>(bytes[place] ^ 0x55);
      write_file(copy / name, bytes);
      std::string reason;
      if (auto store = open(copy)) {
        // All there is to read.
        for (const auto& x : (*store)->blocks(0, 500, ~std::size_t{0})) {
          static_cast<void>((*store)->height_of(chain::block_hash(x->header)));
          static_cast<void>((*store)->coins(chain::txid(x->transactions[0])));
        }
        static_cast<void>((*store)->utxo_state());
        reason = (*store)->trouble().value_or(failure{"nothing was noticed"}).reason;
      } else {
        reason = store.error().reason;
      }
      fs::remove_all(copy);
      // Behind the records there are bytes that do not matter, such as statistics.
      if (reason == "nothing was noticed" && place != 20)
        continue;
      CHECK(contains(reason, "the chain store in " + copy.string() + " is damaged: "));
      CHECK(contains(reason, name));
      CHECK(contains(reason, "Run 'timenode check --repair'"));
    }
  }
}

TEST_CASE("a damaged block is nothing to peers, and no reason to call their blocks invalid") {
  const temporary_directory directory;
  make_store(directory.path(), 100);
  // The coins' table is the one in which a coinbase's id stands, the key of its record.
  const auto txid = chain::txid(real_chain()[50]->transactions[0]);
  const std::string key{txid.begin(), txid.end()};
  for (const auto& table : files_of(directory.path(), ".sst")) {
    auto bytes = read_file(table);
    if (!contains(bytes, key.substr(8)))  // Keys may leave out what they share with the one before.
      continue;
    bytes[bytes.find(key.substr(8))] ^= 1;
    write_file(table, bytes);
  }
  auto store = must(open(directory.path()));
  CHECK(store->coins(txid).empty());
  REQUIRE(store->trouble().has_value());
  CHECK_FALSE(store->load_coins(txid).has_value());
  const auto spender = seal(make_block(store->tip(), {make_transaction({{txid, 0}}, {1})}));
  const std::array blocks{must(chain::check_block(spender))};
  chain::chain_state state{*store};
  const auto result = state.apply(blocks, late, false);
  CHECK(result.applied == 0);
  CHECK(result.storage_failed);
}

TEST_CASE("a store without its list of files is damaged, and not begun anew over the old one") {
  const temporary_directory directory;
  make_store(directory.path(), 10);
  const auto tables = files_of(directory.path(), ".sst");
  fs::rename(directory.path() / "CURRENT", directory.path() / "gone");
  CHECK(contains(why_not(directory.path()), "is damaged: its file CURRENT is missing"));
  CHECK(files_of(directory.path(), ".sst") == tables);
  fs::rename(directory.path() / "gone", directory.path() / "CURRENT");
  fs::remove(tables[0]);
  const auto reason = why_not(directory.path());
  CHECK(contains(reason, " is damaged: "));
  CHECK(contains(reason, tables[0].stem().string()));
}

TEST_CASE("what is missing at the end of the log is lost, and the rest is whole") {
  const temporary_directory directory;
  {
    auto store = must(open(directory.path()));
    chain::chain_state state{*store};
    for (std::size_t i = 0; i < 50; ++i)
      REQUIRE(state.apply(std::span{checked_chain()}.subspan(i, 1), late, false).applied == 1);
  }
  const auto logs = files_of(directory.path(), ".log");
  REQUIRE(logs.size() == 1);
  const auto whole = read_file(logs[0]);
  fs::resize_file(logs[0], whole.size() * 3 / 5);
  auto store = must(open(directory.path()));
  const auto tip = store->tip();
  CHECK(tip.height > 10);
  CHECK(tip.height < 50);
  CHECK(tip.utxo_count == store->utxo_state().count);
  chain::chain_state state{*store};
  const auto rest = std::span{checked_chain()}.subspan(tip.height, 100);
  CHECK(state.apply(rest, late, false).applied == 100);
}

TEST_CASE("a store can be opened to read while it is open to write, with all that is in its log") {
  const temporary_directory directory;
  auto store = must(open(directory.path()));
  chain::chain_state state{*store};
  REQUIRE(state.apply(std::span{checked_chain()}.first(200), late, false).applied == 200);
  const auto reader = must(chain::database::open_to_read(directory.path(), {}));
  CHECK(must(chain::read_tip(*reader)) == store->tip());
  rocksdb::PinnableSlice value;
  REQUIRE(must(chain::get_record(*reader, chain::family::blocks,
                                 chain::slice(chain::encode_height(200)), value)));
  CHECK(*must(chain::decode_block_record(*reader, 200, value)) == *real_chain()[200]);
  value.Reset();
  CHECK_FALSE(must(chain::get_record(*reader, chain::family::blocks,
                                     chain::slice(chain::encode_height(201)), value)));
  CHECK(reader->bytes_to_reopen() > 4u << 20);
}

TEST_CASE("child: fills its disk" * doctest::skip()) {
  const fs::path directory = child_argument();
  if (directory.empty())
    return;
  // A small disk that is seen by this process only.
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("none", directory.c_str(), "tmpfs", 0, "size=16m") != 0)
    return tell_parent("not tested");
  auto store = must(open(directory / "chain"));
  chain::chain_state state{*store};
  const auto apply = [&](std::size_t from, std::size_t count) {
    return state.apply(std::span{checked_chain()}.subspan(from, count), late, true);
  };
  REQUIRE(apply(0, 100).applied == 100);
  const auto digest = store->utxo_state();

  write_file((directory / "filler").string(), std::string(32u << 20, 'x'));
  chain::apply_result result;
  std::size_t stored = 100;
  while (stored < 2000 && !(result = apply(stored, 1)).rejected)
    ++stored;
  if (!result.rejected)
    return tell_parent("the disk never got full");
  tell_parent(result.rejected->reason + "\n");
  tell_parent(result.storage_failed ? "store's fault\n" : "block's fault\n");
  // Still there, and readable.
  tell_parent(store->trouble().value_or(failure{"no trouble"}).reason == result.rejected->reason
                  ? "says so\n"
                  : "says something else\n");
  tell_parent(store->tip().height == stored && store->block_at(stored) != nullptr &&
                      store->block_at(stored + 1) == nullptr &&
                      store->utxo_state().count == store->tip().utxo_count
                  ? "readable\n"
                  : "not readable\n");
  tell_parent(apply(stored, 1).storage_failed ? "still full\n" : "not full any more\n");

  fs::remove(directory / "filler");
  result = apply(stored, 100);
  tell_parent(result.applied == 100 ? "goes on\n" : result.rejected->reason + "\n");
  tell_parent(store->trouble() ? store->trouble()->reason + "\n" : "no trouble\n");
  store.reset();
  store = must(open(directory / "chain"));
  tell_parent(store->tip().height == stored + 100 &&
                      store->utxo_state().count == store->tip().utxo_count
                  ? "whole\n"
                  : "not whole\n");
  chain::chain_state reopened{*store};
  REQUIRE(reopened.roll_back(stored).has_value());
  tell_parent(store->utxo_state() == digest ? "same" : "other");
}

TEST_CASE(
    "a full disk is said to be full, the store stays readable, and goes on when there is space") {
  const temporary_directory directory;
  child_process child{"child: fills its disk", directory.path().string()};
  const auto said = child.read_all();
  if (said == "not tested") {
    MESSAGE("no disk of its own could be made for the test: not tested");
    return;
  }
  CHECK(child.wait() == 0);
  const auto line = said.find('\n');
  CHECK(contains(said.substr(0, line), "the disk that holds " +
                                           (directory.path() / "chain").string() +
                                           " is full: free at least "));
  CHECK(contains(said.substr(0, line),
                 " MiB on it; blocks are stored again as soon as they are there"));
  CHECK(said.substr(line + 1) ==
        "store's fault\nsays so\nreadable\nstill full\ngoes on\nno trouble\nwhole\nsame");
}
