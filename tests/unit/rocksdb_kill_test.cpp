// A process that writes to the store is killed at random moments, again and again.

#include "chain/chain_state.hpp"
#include "chain/memory_store.hpp"
#include "chain/rocksdb_store.hpp"
#include "chain/store_check.hpp"
#include "tests/unit/chain_support.hpp"
#include "tests/unit/child_process.hpp"

#include <random>

using namespace timenode;
using namespace timenode::test;

namespace {

// Applies blocks and rolls them back until it is killed. Tells of every commit.
void work_for_ever(const std::string& directory) {
  std::mt19937 random{static_cast<unsigned>(::getpid())};
  auto store = must(chain::rocksdb_store::open(directory, network_id::testnet));
  chain::chain_state state{*store};
  for (;;) {
    const auto height = static_cast<std::size_t>(store->tip().height);
    const bool sync = random() % 8 == 0;
    if (height == 2000 || (height > 0 && random() % 6 == 0)) {
      if (!state.roll_back(1 + random() % std::min<std::size_t>(height, 200)))
        std::_Exit(4);
    } else {
      const auto count = std::min<std::size_t>(1 + random() % 60, 2000 - height);
      if (state.apply(std::span{checked_chain()}.subspan(height, count), late, sync).rejected)
        std::_Exit(5);
    }
    tell_parent(".");
  }
}

}  // namespace

TEST_CASE("child: works on a store until it is killed" * doctest::skip()) {
  if (!child_argument().empty())
    work_for_ever(child_argument());
}

TEST_CASE("a store whose writer was killed at any moment opens with a whole tip") {
  const temporary_directory directory;
  std::mt19937 random{42};
  for (int round = 0; round < 15; ++round) {
    CAPTURE(round);
    {
      child_process child{"child: works on a store until it is killed", directory.path().string()};
      // The first kills come while the store is made or recovered, later ones among the commits.
      REQUIRE(child.wait_for(round < 3 ? 0 : random() % 150));
      for (auto spins = random() % 200'000; spins > 0; --spins)  // Somewhere within a commit.
        asm volatile("");
      child.kill();
    }
    auto store = must(chain::rocksdb_store::open(directory.path(), network_id::testnet));
    const auto tip = store->tip();
    CAPTURE(tip.height);
    CHECK(store->hash_at(tip.height) == tip.hash);
    CHECK(store->block_at(tip.height + 1) == nullptr);

    chain::memory_store replay{network_id::testnet};
    chain::chain_state state{replay};
    const auto blocks = std::span{checked_chain()}.first(tip.height);
    REQUIRE(state.apply(blocks, late, false).applied == tip.height);
    CHECK(replay.tip() == tip);
    CHECK(replay.utxo_state() == store->utxo_state());
    const auto report = chain::check_store(*store, network_id::testnet, 0, tip.height);
    CHECK_MESSAGE(!report.fault, report.fault->reason);
    CHECK(report.coins_checked);
  }
}
