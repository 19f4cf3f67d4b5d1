#include "chain/import.hpp"
#include "messages/wire_codec.hpp"
#include "tests/unit/chain_stores.hpp"

using namespace timenode;
using namespace timenode::test;

namespace fs = std::filesystem;

namespace {

void write_chain(const std::string& name, std::size_t first, std::size_t last) {
  auto out = must(chain::chain_file_writer::create(name));
  for (auto height = first; height <= last; ++height)
    REQUIRE(out.write(*real_chain()[height]).has_value());
  REQUIRE(out.finish().has_value());
}

chain::import_report import_into(chain::block_store& store, const std::string& name,
                                 const chain::transfer_callback& progress = {}) {
  auto file = must(chain::chain_file_reader::open(name));
  chain::chain_state state{store};
  return chain::import_chain(file, state, late, progress);
}

void check_report(const chain::import_report& x, std::uint64_t lines, std::uint64_t applied,
                  std::uint64_t skipped) {
  CHECK(x.lines == lines);
  CHECK(x.applied == applied);
  CHECK(x.skipped == skipped);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE_TEMPLATE("a chain is imported and exported byte for byte", Store, in_memory, on_disk) {
  const temporary_directory directory;
  Store store;
  std::vector<std::uint64_t> seen;
  const auto report = import_into(*store, data_file("testnet-0-2000.jsonl.xz"), [&](const auto& x) {
    seen.push_back(x.blocks);
    CHECK(x.bytes <= x.bytes_total);
    CHECK(x.height <= x.blocks);
    return true;
  });
  CHECK_FALSE(report.stopped.has_value());
  check_report(report, 2001, 2000, 1);  // The genesis block is there already.
  CHECK(seen == std::vector<std::uint64_t>{1000, 2000});
  CHECK(store->tip().height == 2000);

  for (const std::string name : {"out.jsonl", "out.jsonl.xz"}) {
    auto out = must(chain::chain_file_writer::create(directory.file(name)));
    CHECK(must(chain::export_chain(*store, 0, ~std::uint64_t{0}, out)) == 2001);
  }
  write_chain(directory.file("expected"), 0, 2000);
  CHECK(read_file(directory.file("out.jsonl")) == read_file(directory.file("expected")));
  in_memory other;
  check_report(import_into(*other, directory.file("out.jsonl.xz")), 2001, 2000, 1);
  CHECK(other->tip() == store->tip());
  CHECK(other->utxo_state() == store->utxo_state());
}

TEST_CASE("a file may begin in the middle of our chain or on its top, and be imported again") {
  const temporary_directory directory;
  const auto name = directory.file("a");
  in_memory store;
  write_chain(name, 0, 100);
  check_report(import_into(*store, name), 101, 100, 1);
  check_report(import_into(*store, name), 101, 0, 101);
  write_chain(name, 50, 150);
  check_report(import_into(*store, name), 101, 50, 51);
  write_chain(name, 151, 160);
  check_report(import_into(*store, name), 10, 10, 0);
  CHECK(store->tip().height == 160);
}

TEST_CASE("an import stops at a hole and keeps what came before") {
  const temporary_directory directory;
  const auto name = directory.file("a");
  in_memory store;
  write_chain(name, 5, 10);
  auto report = import_into(*store, name);
  check_report(report, 1, 0, 0);
  REQUIRE(report.stopped.has_value());
  CHECK(report.stopped->line == 1);
  CHECK(report.stopped->height == 5);
  CHECK(report.stopped->reason == "block 5 leaves a hole: our chain ends at 0");

  write_chain(directory.file("b"), 1, 20);
  write_file(name, read_file(directory.file("b")) + read_file(name));
  write_chain(directory.file("b"), 22, 22);
  write_file(name, read_file(name) + read_file(directory.file("b")));
  report = import_into(*store, name);
  check_report(report, 27, 20, 6);
  CHECK(report.stopped->line == 27);
  CHECK(report.stopped->reason == "block 22 leaves a hole: our chain ends at 20");
  CHECK(store->tip().height == 20);
}

TEST_CASE("a bad block stops the import at its own line, wherever it is in a batch") {
  const temporary_directory directory;
  const auto name = directory.file("a");
  for (const std::size_t bad : {1u, 2u, 999u, 1000u, 1001u, 1500u}) {
    CAPTURE(bad);
    {
      auto out = must(chain::chain_file_writer::create(name));
      for (std::size_t height = 1; height <= 1600; ++height) {
        auto x = *real_chain()[height];
        if (height == bad)
          x.header.timestamp = 5;  // Seen only with its parent.
        REQUIRE(out.write(x).has_value());
      }
      REQUIRE(out.finish().has_value());
    }
    in_memory store;
    auto report = import_into(*store, name);
    CHECK(report.applied == bad - 1);
    REQUIRE(report.stopped.has_value());
    CHECK(report.stopped->line == bad);
    CHECK(report.stopped->height == bad);
    CHECK(contains(report.stopped->reason,
                   "block " + std::to_string(bad) + ": its timestamp 5 is not above its parent's"));
    CHECK_FALSE(report.stopped->storage_failed);
    CHECK(store->tip().height == bad - 1);

    {
      auto out = must(chain::chain_file_writer::create(name));
      for (std::size_t height = 1; height <= 1600; ++height) {
        auto x = *real_chain()[height];
        if (height == bad)
          x.header.merkle_root[0] ^= 1;  // Seen by itself.
        REQUIRE(out.write(x).has_value());
      }
      REQUIRE(out.finish().has_value());
    }
    in_memory other;
    report = import_into(*other, name);
    CHECK(report.applied == bad - 1);
    CHECK(report.stopped->line == bad);
    CHECK(contains(report.stopped->reason, "the merkle root is"));
    CHECK(other->tip().height == bad - 1);
  }
}

TEST_CASE("a line that is no block stops the import at that line, after what came before") {
  const temporary_directory directory;
  write_chain(directory.file("a"), 1, 30);
  write_file(directory.file("b"), read_file(directory.file("a")) + "\nnonsense\n");
  in_memory store;
  const auto report = import_into(*store, directory.file("b"));
  CHECK(report.applied == 30);
  REQUIRE(report.stopped.has_value());
  CHECK(report.stopped->line == 32);
  CHECK_FALSE(report.stopped->height.has_value());
  CHECK_FALSE(report.stopped->reason.starts_with("line"));
  CHECK(store->tip().height == 30);
}

TEST_CASE(
    "a block that differs from ours stops the import, in our chain and in what was just read") {
  const temporary_directory directory;
  const auto name = directory.file("a");
  in_memory store;
  write_chain(name, 1, 30);
  check_report(import_into(*store, name), 30, 30, 0);
  auto other = *real_chain()[20];
  other.header.version = 9;
  {
    auto out = must(chain::chain_file_writer::create(name));
    REQUIRE(out.write(*real_chain()[19]).has_value());
    REQUIRE(out.write(other).has_value());
    REQUIRE(out.finish().has_value());
  }
  auto report = import_into(*store, name);
  check_report(report, 2, 0, 1);
  CHECK(report.stopped->line == 2);
  CHECK(report.stopped->height == 20);
  CHECK(report.stopped->reason == "block 20 is " + chain::to_hex(chain::block_hash(other.header)) +
                                      " in the file and " +
                                      chain::to_hex(chain::block_hash(real_chain()[20]->header)) +
                                      " in our chain: they are different chains, or parted there");
  CHECK(store->tip().height == 30);

  {
    auto out = must(chain::chain_file_writer::create(name));
    REQUIRE(out.write(*real_chain()[31]).has_value());
    REQUIRE(out.write(*real_chain()[32]).has_value());
    REQUIRE(out.write(*real_chain()[31]).has_value());
    REQUIRE(out.write(*real_chain()[33]).has_value());
    other.header.height = 32;
    REQUIRE(out.write(other).has_value());
    REQUIRE(out.finish().has_value());
  }
  report = import_into(*store, name);
  check_report(report, 5, 3, 1);
  CHECK(report.stopped->line == 5);
  CHECK(report.stopped->height == 32);
}

TEST_CASE("the genesis block of another network stops the import at the first line") {
  const temporary_directory directory;
  chain::memory_store mainnet{network_id::mainnet};
  const auto report = import_into(mainnet, data_file("testnet-0-2000.jsonl.xz"));
  check_report(report, 1, 0, 0);
  CHECK(report.stopped->line == 1);
  CHECK(report.stopped->height == 0);
}

TEST_CASE("an import can be stopped, and goes on later") {
  in_memory store;
  auto report =
      import_into(*store, data_file("testnet-0-2000.jsonl.xz"), [](const auto&) { return false; });
  check_report(report, 1000, 999, 1);
  REQUIRE(report.stopped.has_value());
  CHECK(report.stopped->cancelled);
  CHECK(store->tip().height == 999);
  report = import_into(*store, data_file("testnet-0-2000.jsonl.xz"));
  check_report(report, 2001, 1001, 1000);
}

TEST_CASE("a store that fails stops the import and is blamed") {
  struct failing_store : chain::memory_store {
    using memory_store::memory_store;
    outcome<void> commit(const chain::store_batch&, bool) override {
      return fail("the disk is full");
    }
  };
  failing_store store{network_id::testnet};
  const auto report = import_into(store, data_file("testnet-0-2000.jsonl.xz"));
  CHECK(report.applied == 0);
  REQUIRE(report.stopped.has_value());
  CHECK(report.stopped->storage_failed);
  CHECK(report.stopped->reason == "the disk is full");
  CHECK(report.stopped->line == 2);
}

TEST_CASE("a part of the chain is exported, cut at the tip") {
  const temporary_directory directory;
  const auto name = directory.file("a");
  in_memory store;
  write_chain(name, 1, 30);
  import_into(*store, name);
  const auto exported = [&](std::uint64_t first, std::uint64_t last) {
    auto out = must(chain::chain_file_writer::create(name));
    return chain::export_chain(*store, first, last, out);
  };
  CHECK(must(exported(10, 12)) == 3);
  write_chain(directory.file("b"), 10, 12);
  CHECK(read_file(name) == read_file(directory.file("b")));
  CHECK(must(exported(25, 99)) == 6);
  const auto old = read_file(name);
  CHECK(exported(31, 40).error().reason == "our chain ends at block 30, below 31");
  CHECK(exported(9, 8).error().reason == "there are no blocks from 9 to 8");
  CHECK(read_file(name) == old);
}

TEST_CASE("an export that is stopped, or meets a reorganisation, leaves no file") {
  const temporary_directory directory;
  in_memory store;
  import_into(*store, data_file("testnet-0-2000.jsonl.xz"));
  {
    auto out = must(chain::chain_file_writer::create(directory.file("a")));
    const auto result =
        chain::export_chain(*store, 0, 2000, out, [](const auto&) { return false; });
    CHECK(result.error().reason == "the export was stopped");
  }
  // Gives blocks of two chains, as a store does when the chain changes between two reads.
  struct changing_store : chain::memory_store {
    using memory_store::memory_store;
    chain_tip tip() const override { return {100, {}, 0, 0}; }
    std::vector<block_ptr> blocks(std::uint64_t first, std::uint64_t, std::size_t) const override {
      auto x = *real_chain()[first];
      if (first == 50)
        x.header.previous_hash = {};
      return {std::make_shared<const block>(x)};
    }
  };
  {
    const changing_store changing{network_id::testnet};
    auto out = must(chain::chain_file_writer::create(directory.file("a")));
    CHECK(chain::export_chain(changing, 0, 100, out).error().reason ==
          "our chain was reorganised at block 50 while it was written: try again");
  }
  CHECK(fs::is_empty(directory.path()));
}
