#include "app/commands.hpp"
#include "chain/chain_file.hpp"
#include "chain/rocksdb_store.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

using namespace timenode;
using namespace timenode::app;

namespace {

const std::string chain_file{TIMENODE_TEST_DATA "/testnet-0-2000.jsonl.xz"};

/// A node's data in a directory that goes away.
struct scratch {
  scratch() { config.data_dir = dir / "node"; }
  ~scratch() { std::filesystem::remove_all(dir); }

  outcome<std::uint64_t> import(const std::string& file) {
    return import_file(config, file, [] { return false; });
  }
  std::uint64_t height() {
    return chain::rocksdb_store::open(chain_directory(config), config.network)
        .value()
        ->tip()
        .height;
  }
  /// A file of the first blocks of the chain, one of them changed by `damage`.
  std::string damaged(std::size_t count, std::size_t height, void (*damage)(block&)) {
    auto from = chain::chain_file_reader::open(chain_file).value();
    auto name = (dir / "damaged.jsonl").string();
    std::filesystem::create_directories(dir);
    auto to = chain::chain_file_writer::create(name).value();
    for (std::size_t i = 0; i < count; ++i) {
      auto x = **from.next().value();
      if (i == height)
        damage(x);
      REQUIRE(to.write(x));
    }
    REQUIRE(to.finish());
    return name;
  }

  std::filesystem::path dir =
      std::filesystem::temp_directory_path() / ("timenode-transfer-" + std::to_string(getpid()));
  node_config config;
};

}  // namespace

TEST_CASE("import: a whole chain is taken, and taking it again changes nothing") {
  scratch x;
  CHECK(x.import(chain_file) == outcome<std::uint64_t>{2000});
  CHECK(x.import(chain_file) == outcome<std::uint64_t>{2000});
  CHECK(x.height() == 2000);
}

TEST_CASE("import: a bad block ends it with line, height and reason; what came before stays") {
  scratch x;
  const auto file = x.damaged(20, 7, [](block& y) { y.header.merkle_root = {}; });
  const auto done = x.import(file);
  REQUIRE_FALSE(done);
  CHECK(done.error().reason.find("line 8") != std::string::npos);
  CHECK(done.error().reason.find("block 7") != std::string::npos);
  CHECK(done.error().reason.find("merkle") != std::string::npos);
  CHECK(x.height() == 6);
}

TEST_CASE("import: a file that is not there makes no data directory") {
  scratch x;
  CHECK_FALSE(x.import("/nonexistent/file"));
  CHECK_FALSE(std::filesystem::exists(x.config.data_dir));
}

TEST_CASE("import: it can be interrupted, and what came before stays") {
  scratch x;
  const auto done = import_file(x.config, chain_file, [] { return true; });
  REQUIRE_FALSE(done);
  CHECK(done.error().reason.find("interrupted") != std::string::npos);
  CHECK(x.height() < 2000);
  CHECK(x.import(chain_file) == outcome<std::uint64_t>{2000});
}

TEST_CASE("export: what was imported comes out the same") {
  scratch x;
  REQUIRE(x.import(chain_file));
  const auto file = (x.dir / "out.jsonl").string();
  CHECK(export_file(x.config, file, [] { return false; }) == outcome<std::uint64_t>{2001});
  auto a = chain::chain_file_reader::open(chain_file).value();
  auto b = chain::chain_file_reader::open(file).value();
  for (int i = 0; i <= 2000; ++i) {
    const auto from = a.next().value();
    const auto to = b.next().value();
    REQUIRE(from);
    REQUIRE(to);
    REQUIRE(**from == **to);
  }
  CHECK_FALSE(b.next().value());
}

TEST_CASE("export: an interrupted one leaves no file") {
  scratch x;
  REQUIRE(x.import(chain_file));
  const auto file = (x.dir / "out.jsonl").string();
  CHECK_FALSE(export_file(x.config, file, [] { return true; }));
  CHECK_FALSE(std::filesystem::exists(file));
}
