// The chain without a network: checks, unspent outputs, the store on the disk.

#include "chain/bincode.hpp"
#include "chain/chain_state.hpp"
#include "chain/memory_store.hpp"
#include "chain/rocksdb_store.hpp"
#include "chain/sha256.hpp"
#include "chain/validation.hpp"
#include "tests/bench/bare_database.hpp"
#include "tests/bench/bench.hpp"
#include "tests/bench/long_chain.hpp"

#include <filesystem>
#include <stdexcept>

namespace bench {

namespace {

using namespace timenode;

constexpr std::size_t batch =
    100;  // blocks in a batch of the bare database (the ceiling of the design page)
constexpr std::int64_t late = 4'000'000'000;

/// What has to be hashed of a block, whoever does it: its header and each transaction.
std::vector<std::vector<byte_string>> hashed_parts(const long_chain& x) {
  std::vector<std::vector<byte_string>> result;
  for (std::size_t i = 1; i < x.blocks.size(); ++i) {
    auto& parts = result.emplace_back();
    const auto header = chain::encode_header(x.blocks[i]->header);
    parts.emplace_back(header.begin(), header.end());
    for (const auto& tx : x.blocks[i]->transactions)
      chain::encode(tx, parts.emplace_back());
  }
  return result;
}

result check(const long_chain& x) {
  const auto parts = hashed_parts(x);
  const auto [ours, bare] = rates(
      static_cast<double>(x.height()),
      [&] {
        for (std::size_t i = 1; i < x.blocks.size(); ++i)
          keep(chain::check_block(x.blocks[i]).has_value());
      },
      [&] {
        for (const auto& block : parts)
          for (const auto& part : block)
            keep(chain::sha256(part));
      });
  return {"check a block by itself", ours, "blocks/s", bare,
          "SHA-256 of its header and transactions"};
}

/// Applies all of a chain in batches.
void apply_all(chain::block_store& store, const long_chain& x, std::size_t at_once, bool sync) {
  chain::chain_state state{store};
  const std::span<const checked_block> all{x.checked};
  for (std::size_t i = 0; i < all.size(); i += at_once) {
    const auto done = state.apply(all.subspan(i, std::min(at_once, all.size() - i)), late, sync);
    if (done.rejected)
      throw std::runtime_error{done.rejected->reason};
  }
}

results run(const options& x) {
  const auto& chain = chain_of(x.quick ? 2000 : 10'000);
  const auto count = static_cast<double>(chain.height());
  results result{check(chain)};

  result.push_back({"apply, store in memory",
                    rate(
                        count,
                        [&] {
                          chain::memory_store store{network_id::testnet};
                          apply_all(store, chain, 500, false);
                        },
                        0.1),
                    "blocks/s",
                    0,
                    {}});

  const auto directory =
      std::filesystem::path{x.directory} /
      ("timenode-bench-" + std::to_string(clock::now().time_since_epoch().count()));
  std::filesystem::create_directories(directory);
  int number = 0;
  const auto fresh = [&] { return directory / std::to_string(number++); };
  const auto [stored, bare] = rates(
      count,
      [&] {
        const auto at = fresh();
        auto store = chain::rocksdb_store::open(at, network_id::testnet);
        if (!store)
          throw std::runtime_error{store.error().reason};
        apply_all(**store, chain, 500, true);
        store->reset();
        std::filesystem::remove_all(at);
      },
      [&] {
        const auto at = fresh();
        {
          bare_database database{at};
          for (std::size_t i = 1; i < chain.texts.size(); i += batch)
            database.write(i, {chain.texts.data() + i, std::min(batch, chain.texts.size() - i)});
        }
        std::filesystem::remove_all(at);
      },
      0.1);
  result.push_back({"apply and store on the disk, synced", stored, "blocks/s", bare,
                    "RocksDB, the texts in synced batches of 100"});

  const auto at = fresh();
  auto store = chain::rocksdb_store::open(at, network_id::testnet);
  if (!store)
    throw std::runtime_error{store.error().reason};
  apply_all(**store, chain, 500, true);
  bare_database database{fresh()};
  database.write(1, {chain.texts.data() + 1, chain.texts.size() - 1});
  const auto [read, bare_read] = rates(
      count,
      [&] {
        for (std::uint64_t i = 1; i <= chain.height(); i += batch)
          if ((*store)->blocks(i, i + batch - 1, 64u << 20).empty())
            throw std::runtime_error{"blocks are missing"};
      },
      [&] {
        for (std::uint64_t i = 1; i <= chain.height(); ++i)
          keep(database.read(i));
      });
  result.push_back({"read ranges of 100 from the disk's store", read, "blocks/s", bare_read,
                    "RocksDB, the texts one by one"});
  store->reset();
  std::filesystem::remove_all(directory);
  return result;
}

const registration registered{"chain", run};

}  // namespace

}  // namespace bench
