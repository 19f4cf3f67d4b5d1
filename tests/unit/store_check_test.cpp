#include "chain/chain_state.hpp"
#include "chain/store_check.hpp"
#include "tests/unit/chain_stores.hpp"

using namespace timenode;
using namespace timenode::test;

namespace {

// Holds a chain in which coins move, and lies about one thing.
struct lying_store : chain::memory_store {
  lying_store() : memory_store(network_id::testnet) {
    chain::chain_state state{*this};
    std::vector<checked_block> blocks;
    auto tip = memory_store::tip();
    hash256 spent{};
    for (int i = 0; i < 10; ++i) {
      std::vector<transaction> transactions;
      if (i > 0)
        transactions.push_back(make_transaction({{spent, 0}}, {1, 2}));
      blocks.push_back(must(chain::check_block(seal(make_block(tip, transactions)))));
      tip = tip_after(blocks.back().block);
      spent = blocks.back().txids[0];
    }
    REQUIRE(state.apply(blocks, late, false).applied == 10);
  }

  std::optional<block> other_block;
  std::optional<std::uint64_t> other_height;
  bool other_undo = false;
  bool other_digest = false;
  bool other_count = false;
  std::uint64_t missing_from = ~std::uint64_t{0};

  std::vector<block_ptr> blocks(std::uint64_t first, std::uint64_t last,
                                std::size_t max_bytes) const override {
    auto result = memory_store::blocks(first, last, max_bytes);
    std::erase_if(result, [&](const auto& x) { return x->header.height >= missing_from; });
    for (auto& x : result)
      if (other_block && x->header.height == other_block->header.height)
        x = std::make_shared<const block>(*other_block);
    return result;
  }
  std::optional<std::uint64_t> height_of(const hash256& hash) const override {
    const auto result = memory_store::height_of(hash);
    return result == other_height ? std::nullopt : result;
  }
  outcome<chain::block_undo> undo_at(std::uint64_t height) const override {
    auto result = memory_store::undo_at(height);
    if (other_undo && height == 5)
      ++result->spent[0].second.value;
    return result;
  }
  chain::utxo_digest utxo_state() const override {
    auto result = memory_store::utxo_state();
    result.hash[0] = static_cast<std::uint8_t>(result.hash[0] + (other_digest ? 1 : 0));
    return result;
  }
  chain_tip tip() const override {
    auto result = memory_store::tip();
    result.utxo_count += other_count ? 1 : 0;
    return result;
  }
};

std::string fault_of(const chain::block_store& store, std::uint64_t height) {
  const auto report = chain::check_store(store, network_id::testnet, 0, ~std::uint64_t{0});
  if (!report.fault)
    return "none";
  CHECK(report.fault->height == height);
  return report.fault->reason;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE_TEMPLATE("a good store passes the check", Store, in_memory, on_disk) {
  Store store;
  chain::chain_state state{*store};
  REQUIRE(state.apply(checked_chain(), late, false).applied == 2000);
  std::vector<std::uint64_t> seen;
  auto report = chain::check_store(*store, network_id::testnet, 0, ~std::uint64_t{0},
                                   [&](std::uint64_t height) {
                                     seen.push_back(height);
                                     return true;
                                   });
  CHECK_MESSAGE(!report.fault, report.fault->reason);
  CHECK(report.checked == 2001);
  CHECK(report.coins_checked);
  CHECK(seen.back() == 2000);

  report = chain::check_store(*store, network_id::testnet, 100, 199);
  CHECK_FALSE(report.fault.has_value());
  CHECK(report.checked == 100);
  CHECK_FALSE(report.coins_checked);
  report = chain::check_store(*store, network_id::testnet, 0, 2000, [](auto) { return false; });
  CHECK(report.checked == 1000);
  CHECK_FALSE(report.coins_checked);
}

TEST_CASE("each thing that can be wrong in a store is found, at its height") {
  const lying_store good;
  CHECK(fault_of(good, 0) == "none");
  {
    lying_store x;
    x.other_block = *x.block_at(4);
    x.other_block->transactions[0].timestamp += 1;
    CHECK(contains(fault_of(x, 4), "block 4: the merkle root is"));
  }
  {
    lying_store x;
    x.other_block = *x.block_at(4);
    x.other_block->header.version = 7;
    CHECK(contains(fault_of(x, 4), "the store gives another hash for it"));
  }
  {
    lying_store x;
    x.other_block = *x.block_at(4);
    x.other_block->header.previous_hash[0] ^= 1;
    CHECK(contains(fault_of(x, 4), "block 4: its previous hash is"));
  }
  {
    lying_store x;
    x.other_block = *chain::genesis_block(network_id::mainnet).block;
    CHECK(fault_of(x, 0) == "it is not the genesis block of testnet");
  }
  {
    lying_store x;
    x.other_height = 6;
    CHECK(contains(fault_of(x, 6), "it is not found by its hash"));
  }
  {
    lying_store x;
    x.other_undo = true;
    CHECK(fault_of(x, 5) == "its undo data are not what it spends");
  }
  {
    lying_store x;
    x.other_count = true;
    CHECK(fault_of(x, 10) == "there should be 40 unspent outputs, the tip says 41");
  }
  {
    lying_store x;
    x.other_digest = true;
    CHECK(contains(fault_of(x, 10), "the hash of the 40 unspent outputs should be"));
  }
  {
    lying_store x;
    x.missing_from = 7;
    CHECK(fault_of(x, 7) == "it cannot be read");
  }
}
