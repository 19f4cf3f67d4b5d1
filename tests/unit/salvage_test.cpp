#include "chain/chain_state.hpp"
#include "chain/salvage.hpp"
#include "chain/store_check.hpp"
#include "tests/unit/chain_stores.hpp"

#include <algorithm>

using namespace timenode;
using namespace timenode::test;

namespace fs = std::filesystem;

namespace {

void fill(chain::block_store& store, std::size_t count) {
  chain::chain_state state{store};
  REQUIRE(state.apply(std::span{checked_chain()}.first(count), late, true).applied == count);
}

std::string check(const chain::block_store& store) {
  const auto report = chain::check_store(store, network_id::testnet, 0, ~std::uint64_t{0});
  return report.fault ? report.fault->reason : "whole";
}

}  // namespace

TEST_CASE("all of a whole chain is put into the new store") {
  chain::memory_store from{network_id::testnet};
  chain::memory_store to{network_id::testnet};
  fill(from, 1500);
  std::vector<std::uint64_t> told;
  const auto report = chain::salvage(from, to, [&](std::uint64_t height) {
    told.push_back(height);
    return true;
  });
  CHECK(report.height == 1500);
  CHECK(report.ended_because.empty());
  CHECK(told == std::vector<std::uint64_t>{1000, 1500});
  CHECK(to.tip() == from.tip());
  CHECK(to.utxo_state() == from.utxo_state());
  CHECK(check(to) == "whole");
}

TEST_CASE("a chain is kept up to the first block that breaks a rule or cannot be read") {
  struct damaged_store : chain::memory_store {
    using memory_store::memory_store;
    std::uint64_t wrong = 0;
    std::uint64_t missing = ~std::uint64_t{0};
    std::vector<block_ptr> blocks(std::uint64_t first, std::uint64_t last,
                                  std::size_t bytes) const override {
      auto result = memory_store::blocks(first, last, bytes);
      for (auto& x : result)
        if (x->header.height == wrong) {
          auto copy = *x;
          copy.transactions[0].timestamp += 1;
          x = std::make_shared<const block>(std::move(copy));
        }
      std::erase_if(result, [this](const auto& x) { return x->header.height >= missing; });
      return result;
    }
  };
  damaged_store from{network_id::testnet};
  fill(from, 300);
  from.wrong = 120;
  chain::memory_store first{network_id::testnet};
  auto report = chain::salvage(from, first);
  CHECK(report.height == 119);
  CHECK(report.ended_because.find("block 120: the merkle root is") == 0);
  CHECK(first.tip().height == 119);
  CHECK(check(first) == "whole");

  from.wrong = 0;
  from.missing = 200;
  chain::memory_store second{network_id::testnet};
  report = chain::salvage(from, second);
  CHECK(report.height == 199);
  CHECK(report.ended_because == "block 200 cannot be read");
  from.missing = 1;
  chain::memory_store third{network_id::testnet};
  CHECK(chain::salvage(from, third).height == 0);
}

TEST_CASE(
    "what the new store's disk does not take is no fault of the old one, and stopping stops") {
  struct full_store : chain::memory_store {
    using memory_store::memory_store;
    outcome<void> commit(const chain::store_batch&, bool) override {
      return fail("the disk is full");
    }
  };
  chain::memory_store from{network_id::testnet};
  fill(from, 300);
  full_store full{network_id::testnet};
  const auto report = chain::salvage(from, full);
  CHECK(report.storage_failed);
  CHECK(report.ended_because == "the disk is full");
  chain::memory_store to{network_id::testnet};
  CHECK(chain::salvage(from, to, [](auto) { return false; }).cancelled);
}

TEST_CASE("whatever byte of whatever file is damaged or cut off, a store opens whole, or is "
          "salvaged, or is "
          "refused with what to do") {
  const temporary_directory directory;
  const auto original = directory.path() / "original";
  {
    auto store = must(chain::rocksdb_store::open(original, network_id::testnet));
    fill(*store, 400);
  }
  {  // Some of it in tables, some in the log.
    auto store = must(chain::rocksdb_store::open(original, network_id::testnet));
    chain::chain_state state{*store};
    for (std::size_t i = 400; i < 500; i += 10)
      REQUIRE(state.apply(std::span{checked_chain()}.subspan(i, 10), late, false).applied == 10);
  }
  int opened = 0;
  int salvaged = 0;
  int refused = 0;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator{original})
    if (entry.is_regular_file() && entry.path().filename() != "LOCK" &&
        entry.path().filename().string().find("LOG") == std::string::npos && entry.file_size() > 0)
      files.push_back(entry.path().filename());
  REQUIRE(files.size() >= 5);
  for (const auto& name : files) {
    const auto size = fs::file_size(original / name);
    for (const auto place : {std::uintmax_t{0}, size / 3, size * 2 / 3, size - 1})
      for (const bool cut : {false, true}) {
        CAPTURE(name.string());
        CAPTURE(place);
        CAPTURE(cut);
        const auto copy = directory.path() / "copy";
        fs::remove_all(copy);
        fs::copy(original, copy, fs::copy_options::recursive);
        if (cut) {
          fs::resize_file(copy / name, place);
        } else {
          auto bytes = read_file(copy / name);
          bytes[place] = static_cast<char>(bytes[place] ^ 0x3c);
          write_file(copy / name, bytes);
        }
        auto store = chain::rocksdb_store::open(copy, network_id::testnet);
        if (!store) {
          ++refused;
          CHECK_MESSAGE(store.error().reason.find("is damaged: ") != std::string::npos,
                        store.error().reason);
          CHECK(store.error().reason.find("'timenode check --repair'") != std::string::npos);
          continue;
        }
        if (check(**store) == "whole") {
          ++opened;
          continue;
        }
        ++salvaged;
        chain::memory_store fresh{network_id::testnet};
        const auto report = chain::salvage(**store, fresh);
        CHECK(!report.storage_failed);
        CHECK(check(fresh) == "whole");
        if (report.height > 0)
          CHECK(fresh.tip().hash == checked_chain()[report.height - 1].hash);
      }
  }
  CHECK(opened > 0);
  CHECK(salvaged > 0);
  CHECK(refused > 0);
}
