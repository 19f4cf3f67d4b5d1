#include "chain/chain_state.hpp"
#include "tests/unit/chain_stores.hpp"

#include <array>

using namespace timenode;
using namespace timenode::test;

namespace {

// Applies what must be applied.
void apply_all(chain::block_store& store, std::span<const checked_block> blocks) {
  chain::chain_state state{store};
  const auto result = state.apply(blocks, late, false);
  REQUIRE_MESSAGE(!result.rejected, result.rejected->reason);
  REQUIRE(result.applied == blocks.size());
}

// Makes a block of these transactions on the tip and applies it. Returns the reason if it is refused, and
// then sees that nothing changed.
std::string try_block(chain::block_store& store, std::vector<transaction> transactions) {
  const auto tip = store.tip();
  const auto digest = store.utxo_state();
  const std::array blocks{must(chain::check_block(seal(make_block(tip, std::move(transactions)))))};
  chain::chain_state state{store};
  const auto result = state.apply(blocks, late, false);
  CHECK_FALSE(result.storage_failed);
  if (!result.rejected) {
    CHECK(result.applied == 1);
    CHECK(store.tip().hash == blocks[0].hash);
    CHECK(store.tip().utxo_count == store.utxo_state().count);
    return "accepted";
  }
  CHECK(result.applied == 0);
  CHECK(store.tip() == tip);
  CHECK(store.utxo_state() == digest);
  return result.rejected->reason;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

hash256 coinbase_of(const chain::block_store& store, std::uint64_t height) {
  return chain::txid(store.block_at(height)->transactions[0]);
}

}  // namespace

TEST_CASE_TEMPLATE("rolling back and applying again gives the same state at every height", Store,
                   in_memory, on_disk) {
  Store store;
  const std::span blocks{checked_chain()};
  std::map<std::uint64_t, std::pair<chain_tip, chain::utxo_digest>> states;
  for (std::size_t from = 0; from < 2000; from += 100) {
    apply_all(*store, blocks.subspan(from, 100));
    states[from + 100] = {store->tip(), store->utxo_state()};
  }
  chain::chain_state state{*store};
  for (std::size_t height = 1900; height >= 1000; height -= 100) {
    REQUIRE(state.roll_back(100).has_value());
    CHECK(store->tip() == states[height].first);
    CHECK(store->utxo_state() == states[height].second);
    CHECK(store->block_at(height + 1) == nullptr);
    CHECK_FALSE(store->height_of(blocks[height].hash).has_value());
  }
  store.reopen();
  for (std::size_t from = 1000; from < 2000; from += 100) {
    apply_all(*store, blocks.subspan(from, 100));
    CHECK(store->tip() == states[from + 100].first);
    CHECK(store->utxo_state() == states[from + 100].second);
  }
  chain::chain_state again{*store};
  REQUIRE(again.roll_back(1000).has_value());
  CHECK(store->tip() == states[1000].first);
  CHECK(store->utxo_state() == states[1000].second);
}

TEST_CASE("blocks up to the first bad one are stored, and the bad one is named") {
  in_memory store;
  std::vector<checked_block> blocks{checked_chain().begin(), checked_chain().begin() + 20};
  blocks.erase(blocks.begin() + 7);  // Block 8.
  chain::chain_state state{*store};
  const auto result = state.apply(blocks, late, false);
  CHECK(result.applied == 7);
  REQUIRE(result.rejected.has_value());
  CHECK(result.rejected->reason == "block 9: it does not follow on height 7");
  CHECK_FALSE(result.storage_failed);
  CHECK(store->tip().height == 7);
  CHECK(store->utxo_state().count == 29);
}

TEST_CASE("applying nothing, and blocks from the future, changes nothing") {
  in_memory store;
  chain::chain_state state{*store};
  CHECK(state.apply({}, late, true).applied == 0);
  const auto& first = checked_chain()[0];
  const auto result = state.apply(std::span{&first, 1}, first.block->header.timestamp - 601, true);
  CHECK(result.applied == 0);
  CHECK(contains(result.rejected->reason,
                 "block 1: its timestamp 1764547800 is more than 600 s ahead"));
  CHECK(store->tip().height == 0);
}

TEST_CASE("a rollback is refused below the genesis block and beyond the deepest reorganisation") {
  in_memory store;
  apply_all(*store, checked_chain());
  chain::chain_state state{*store};
  CHECK(state.roll_back(0).has_value());
  CHECK(state.roll_back(1001).error().reason ==
        "rolling back 1001 blocks is refused: a reorganisation goes back at most 1000");
  CHECK(store->tip().height == 2000);
  CHECK(state.roll_back(1000).has_value());
  CHECK(state.roll_back(995).has_value());
  CHECK(state.roll_back(6).error().reason ==
        "rolling back 6 blocks from height 5 is refused: the genesis block stays");
  CHECK(state.roll_back(5).has_value());
  CHECK(store->tip().height == 0);
  CHECK(chain::to_hex(store->utxo_state().hash) == vectors().at("genesis_utxo_set_hash_hex"));
}

TEST_CASE_TEMPLATE("inputs must exist and be unspent", Store, in_memory, on_disk) {
  Store store;
  REQUIRE(try_block(*store, {}) == "accepted");
  const auto coins = coinbase_of(*store, 1);
  CHECK(contains(try_block(*store, {make_transaction({{hash256{}, 0}}, {1})}),
                 ":0 does not exist or is spent"));
  CHECK(contains(try_block(*store, {make_transaction({{coins, 3}}, {1})}),
                 "its input " + chain::to_hex(coins) + ":3 does not exist or is spent"));
  CHECK(try_block(*store, {make_transaction({{coins, 1}}, {1})}) == "accepted");
  const auto again = try_block(*store, {make_transaction({{coins, 1}}, {2})});
  CHECK(contains(again, "block 3: transaction 1 ("));
  CHECK(contains(again, "its input " + chain::to_hex(coins) + ":1 does not exist or is spent"));
  // What an earlier transaction of the block spent well is given back when a later one is bad.
  CHECK(contains(try_block(*store, {make_transaction({{coins, 0}, {coins, 2}}, {5, 6}),
                                    make_transaction({{coins, 1}}, {2})}),
                 "block 3: transaction 2 ("));
  CHECK(try_block(*store, {make_transaction({{coins, 0}, {coins, 2}}, {5, 6})}) == "accepted");
  CHECK(store->coins(coins).empty());
}

TEST_CASE_TEMPLATE("outputs are at most the inputs, and what is left over is a fee", Store,
                   in_memory, on_disk) {
  Store store;
  REQUIRE(try_block(*store, {}) == "accepted");
  const auto coins = coinbase_of(*store, 1);
  const amount value = chain::block_subsidy / 3;
  CHECK(contains(try_block(*store, {make_transaction({{coins, 0}}, {value, 1})}),
                 "its outputs add up to 3333333334 units, its inputs only to 3333333333"));
  CHECK(try_block(*store, {make_transaction({{coins, 0}}, {value - 1, 1})}) == "accepted");
  CHECK(try_block(*store, {make_transaction({{coins, 1}}, {1})}) == "accepted");
  // All of it may be a fee.
  CHECK(try_block(*store, {make_transaction({{coins, 2}}, {})}) == "accepted");
  CHECK(store->coins(coins).empty());
}

TEST_CASE_TEMPLATE("an output can be spent in its own block, by a later transaction only", Store,
                   in_memory, on_disk) {
  Store store;
  REQUIRE(try_block(*store, {}) == "accepted");
  const auto first = make_transaction({{coinbase_of(*store, 1), 0}}, {100, 200});
  const auto second = make_transaction({{chain::txid(first), 1}}, {150});
  CHECK(contains(try_block(*store, {second, first}), "does not exist or is spent"));
  const auto before = store->utxo_state();
  REQUIRE(try_block(*store, {first, second}) == "accepted");
  CHECK(store->coins(chain::txid(first)).size() == 1);
  CHECK(store->coins(chain::txid(second)).at(0).value == 150);
  // Undone in the other order.
  store.reopen();
  chain::chain_state state{*store};
  REQUIRE(store->undo_at(2)->spent.size() == 2);
  REQUIRE(state.roll_back(1).has_value());
  CHECK(store->utxo_state() == before);
  CHECK(store->coins(chain::txid(first)).empty());
}

TEST_CASE_TEMPLATE("a transaction whose id still has unspent outputs is refused", Store, in_memory,
                   on_disk) {
  Store store;
  chain::chain_state state{*store};
  const auto twin_of = [&](std::uint64_t height) {
    auto x = make_block(store->tip());
    x.transactions[0] = store->block_at(height)->transactions[0];
    return std::array{must(chain::check_block(seal(std::move(x))))};
  };
  REQUIRE(try_block(*store, {}) == "accepted");
  const auto coins = coinbase_of(*store, 1);
  const auto refused = state.apply(twin_of(1), late, false);
  REQUIRE(refused.rejected.has_value());
  CHECK(contains(refused.rejected->reason,
                 "block 2: transaction 0 (" + chain::to_hex(coins) +
                     "): a transaction with this id has 3 unspent outputs, which would be lost"));
  CHECK(store->tip().height == 1);

  // Also when only one is left; and no more when none is.
  REQUIRE(try_block(*store, {make_transaction({{coins, 0}, {coins, 1}}, {1})}) == "accepted");
  CHECK(contains(state.apply(twin_of(1), late, false).rejected->reason, "has 1 unspent outputs"));
  REQUIRE(try_block(*store, {make_transaction({{coins, 2}}, {1})}) == "accepted");
  const auto spent = store->utxo_state();
  REQUIRE_FALSE(state.apply(twin_of(1), late, false).rejected.has_value());
  CHECK(store->coins(coins).size() == 3);
  REQUIRE(state.roll_back(1).has_value());
  CHECK(store->utxo_state() == spent);
  REQUIRE(state.roll_back(2).has_value());
  CHECK(store->coins(coins).size() == 3);
  CHECK(store->tip().height == 1);
}

TEST_CASE("a store that fails is to blame, not the block") {
  struct failing_store : chain::memory_store {
    using memory_store::memory_store;
    bool fail_reads = false;
    outcome<chain::coin_group> load_coins(const hash256& txid) const override {
      if (fail_reads)
        return fail("the disk is gone");
      return memory_store::load_coins(txid);
    }
    outcome<void> commit(const chain::store_batch&, bool) override {
      return fail("the disk is full");
    }
  };
  failing_store store{network_id::testnet};
  chain::chain_state state{store};
  auto result = state.apply(std::span{checked_chain()}.first(5), late, false);
  CHECK(result.applied == 0);
  CHECK(result.storage_failed);
  CHECK(result.rejected->reason == "the disk is full");
  store.fail_reads = true;
  result = state.apply(std::span{checked_chain()}.first(5), late, false);
  CHECK(result.applied == 0);
  CHECK(result.storage_failed);
  CHECK(contains(result.rejected->reason, "the disk is gone"));
}

// -- certificates ---------------------------------------------------------------------------

namespace {

chain::block_certificate certificate_of(const checked_block& x) {
  return {
      x.hash, x.block->header.height, {{"203.0.113.1", byte_string(64, 1)}, {"203.0.113.2", {}}}};
}

/// Another block than the real chain's at the height above the parent's.
checked_block other_block(const chain_tip& parent) {
  return must(chain::check_block(seal(make_block(parent))));
}

}  // namespace

TEST_CASE_TEMPLATE("a committed block is stored with its certificate, and is final from then on",
                   Store, in_memory, on_disk) {
  Store store;
  apply_all(*store, std::span{checked_chain()}.first(10));
  CHECK(store->final_height() == 0);
  CHECK(store->is_certified(0));
  CHECK_FALSE(store->is_certified(1));
  const auto& next = checked_chain()[10];
  {
    chain::chain_state state{*store};
    const auto result = state.commit(&next, certificate_of(next), late);
    CHECK(result.applied == 1);
    CHECK_FALSE(result.rejected);
  }
  apply_all(*store, std::span{checked_chain()}.subspan(11, 3));
  store.reopen();
  CHECK(store->final_height() == 11);
  CHECK(store->certificate_at(11) == certificate_of(next));
  CHECK_FALSE(store->certificate_at(10));
  CHECK_FALSE(store->certificate_at(12));
  CHECK(store->is_certified(5));
  CHECK_FALSE(store->is_certified(12));
  chain::chain_state state{*store};
  CHECK(state.roll_back(4).error().reason == "rolling back 4 blocks from height 14 is refused: "
                                             "block 11 is final, masternodes voted for it");
  CHECK(store->tip().height == 14);
  CHECK(state.roll_back(3).has_value());
  CHECK(store->tip().height == 11);
}

TEST_CASE_TEMPLATE("a certificate of a block that is stored is kept with it, whatever is on top",
                   Store, in_memory, on_disk) {
  Store store;
  apply_all(*store, std::span{checked_chain()}.first(10));
  chain::chain_state state{*store};
  const auto& sixth = checked_chain()[5];
  CHECK_FALSE(state.commit(nullptr, certificate_of(sixth), late).rejected);
  CHECK(store->final_height() == 6);
  CHECK(store->certificate_at(6) == certificate_of(sixth));
  CHECK(store->tip().height == 10);
  CHECK_FALSE(state.commit(&sixth, certificate_of(sixth), late).rejected);
  CHECK_FALSE(state.roll_back(5));
}

TEST_CASE_TEMPLATE("a committed block takes the place of blocks without a certificate", Store,
                   in_memory, on_disk) {
  Store store;
  apply_all(*store, std::span{checked_chain()}.first(10));
  const auto other =
      other_block({7, checked_chain()[6].hash, checked_chain()[6].block->header.timestamp, 0});
  chain::chain_state state{*store};
  const auto result = state.commit(&other, certificate_of(other), late);
  CHECK_FALSE(result.rejected);
  CHECK(store->tip().hash == other.hash);
  CHECK(store->tip().height == 8);
  CHECK(store->tip().utxo_count == store->utxo_state().count);
  CHECK(store->final_height() == 8);
  // And no other certified block takes its place.
  const auto rival =
      other_block({6, checked_chain()[5].hash, checked_chain()[5].block->header.timestamp, 0});
  const auto refused = state.commit(&rival, certificate_of(rival), late);
  REQUIRE(refused.rejected);
  CHECK(contains(refused.rejected->reason, "block 7: other blocks are in its place: "));
  CHECK(contains(refused.rejected->reason, "block 8 is final"));
  CHECK(store->tip().hash == other.hash);
}

TEST_CASE_TEMPLATE("a certificate that does not fit is refused and changes nothing", Store,
                   in_memory, on_disk) {
  Store store;
  apply_all(*store, std::span{checked_chain()}.first(10));
  const auto tip = store->tip();
  chain::chain_state state{*store};
  const auto refused = [&](const checked_block* x, const chain::block_certificate& certificate) {
    const auto result = state.commit(x, certificate, late);
    CHECK(result.applied == 0);
    CHECK(store->tip() == tip);
    CHECK(store->final_height() == 0);
    return result.rejected ? result.rejected->reason : "accepted";
  };
  const auto& next = checked_chain()[10];
  const auto& after = checked_chain()[11];
  CHECK(refused(nullptr, certificate_of(next)) ==
        "block 11: its certificate came without it, and it is not on our chain");
  CHECK(refused(&next, certificate_of(after)) ==
        "block 12: the certificate is one of another block");
  CHECK(refused(&after, certificate_of(after)) == "block 12: its parent is not on our chain");
  const auto& genesis = chain::genesis_block(network_id::testnet);
  auto of_genesis = certificate_of(genesis);
  of_genesis.block_hash = {};
  CHECK(contains(refused(&genesis, of_genesis), "block 0: "));

  chain::store_batch batch;
  batch.tip = tip;
  batch.certificates[11] = certificate_of(next);
  CHECK_FALSE(store->commit(batch, false));
  batch.certificates = {{3, certificate_of(next)}};
  CHECK_FALSE(store->commit(batch, false));
}
