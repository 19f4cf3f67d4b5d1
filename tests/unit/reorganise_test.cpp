// Changing over to another branch, on both stores: all of it or nothing, and what was left is kept until
// it is final.

#include "chain/block_shelf.hpp"
#include "chain/chain_state.hpp"
#include "chain/store_check.hpp"
#include "tests/unit/chain_stores.hpp"

#include <random>

using namespace timenode;
using namespace timenode::test;

namespace {

/// Puts blocks on a store by the rules, and gives them.
class builder {
 public:
  explicit builder(unsigned seed) : random_{seed} {}

  /// The same outputs to spend, but other blocks from here on.
  builder varied(unsigned seed) const {
    auto result = *this;
    result.random_.seed(seed);
    return result;
  }

  /// A block with some spending in it: any output that a block of this branch made may be spent.
  checked_block next(const chain_tip& parent) {
    std::vector<transaction> transactions;
    for (int i = 0; i < 3 && spendable_.size() > 4; ++i) {
      const auto which = random_() % spendable_.size();
      const auto [point, value] = spendable_[which];
      spendable_.erase(spendable_.begin() + static_cast<std::ptrdiff_t>(which));
      transactions.push_back(make_transaction({point}, {value / 2, value / 3 + random_() % 7}));
    }
    auto block = make_block(parent, std::move(transactions), 1 + random_() % 12);
    block.header.version =
        1 + static_cast<std::uint32_t>(random_() % 1000);  // Another branch, another hash.
    block.transactions[0].lock_time = static_cast<std::uint32_t>(random_());
    auto result = must(chain::check_block(seal(std::move(block))));
    for (std::size_t i = 0; i < result.txids.size(); ++i)
      for (std::uint32_t vout = 0; vout < result.block->transactions[i].outputs.size(); ++vout)
        spendable_.emplace_back(outpoint{result.txids[i], vout},
                                result.block->transactions[i].outputs[vout].value);
    return result;
  }

  std::vector<checked_block> branch(chain_tip parent, std::size_t count) {
    std::vector<checked_block> result;
    for (std::size_t i = 0; i < count; ++i) {
      result.push_back(next(parent));
      parent = tip_after(result.back().block);
    }
    return result;
  }

 private:
  std::mt19937 random_;
  std::vector<std::pair<outpoint, amount>> spendable_;
};

void apply_all(chain::block_store& store, std::span<const checked_block> blocks) {
  chain::chain_state state{store};
  const auto result = state.apply(blocks, late, false);
  REQUIRE_MESSAGE(!result.rejected, result.rejected->reason);
}

/// The state that these blocks lead to, from nothing.
std::pair<chain_tip, chain::utxo_digest> state_of(std::span<const checked_block> below,
                                                  std::span<const checked_block> above) {
  chain::memory_store store{network_id::testnet};
  apply_all(store, below);
  apply_all(store, above);
  return {store.tip(), store.utxo_state()};
}

std::string check(const chain::block_store& store) {
  const auto report = chain::check_store(store, network_id::testnet, 0, ~std::uint64_t{0});
  return report.fault ? report.fault->reason : "whole";
}

}  // namespace

TEST_CASE_TEMPLATE("a branch takes the place of ours, and the state is as if we had never had ours",
                   Store, in_memory, on_disk) {
  for (const std::size_t theirs_length : {1u, 20u, 60u}) {
    Store store;
    builder common{1};
    const auto below = common.branch(store->tip(), 50);
    apply_all(*store, below);
    const auto ancestor = store->tip();
    const auto ours = common.varied(10).branch(ancestor, 30);
    const auto theirs = common.varied(11).branch(ancestor, theirs_length);
    apply_all(*store, ours);

    chain::chain_state state{*store};
    const auto result = state.reorganise(50, ancestor.hash, theirs, late);
    REQUIRE_MESSAGE(!result.rejected, result.rejected->reason);
    CHECK(result.applied == theirs_length);
    const auto [tip, digest] = state_of(below, theirs);
    CHECK(store->tip() == tip);
    CHECK(store->utxo_state() == digest);
    CHECK(check(*store) == "whole");
    CHECK_FALSE(store->height_of(ours[0].hash).has_value());
    store.reopen();
    CHECK(store->tip() == tip);
    CHECK(check(*store) == "whole");

    // What we left is kept, and so we can come back without asking anybody.
    auto shelved = store->shelved();
    REQUIRE(shelved.size() == 30);
    std::vector<checked_block> kept;
    for (const auto& x : shelved)
      kept.push_back(must(chain::check_block(store->block_on_shelf(x.hash))));
    chain::chain_state back{*store};
    REQUIRE_FALSE(back.reorganise(50, ancestor.hash, kept, late).rejected.has_value());
    const auto [old_tip, old_digest] = state_of(below, ours);
    CHECK(store->tip() == old_tip);
    CHECK(store->utxo_state() == old_digest);
    CHECK(check(*store) == "whole");
    shelved = store->shelved();
    CHECK(shelved.size() == theirs_length);
    CHECK(shelved[0].hash == theirs[0].hash);
    CHECK(shelved[0].previous_hash == ancestor.hash);
    CHECK(shelved[0].bytes == theirs[0].bytes);
  }
}

TEST_CASE_TEMPLATE("when a block of the branch breaks a rule, our chain is as it was", Store,
                   in_memory, on_disk) {
  Store store;
  builder common{2};
  apply_all(*store, common.branch(store->tip(), 20));
  const auto ancestor = store->tip();
  apply_all(*store, common.varied(20).branch(ancestor, 10));
  auto theirs = common.varied(21).branch(ancestor, 8);
  const auto parent = tip_after(theirs.back().block);
  theirs.push_back(must(
      chain::check_block(seal(make_block(parent, {make_transaction({{hash256{}, 3}}, {1})})))));

  const auto tip = store->tip();
  const auto digest = store->utxo_state();
  chain::chain_state state{*store};
  auto result = state.reorganise(20, ancestor.hash, theirs, late);
  CHECK(result.applied == 0);
  CHECK(result.rejected_height == 29);
  CHECK_FALSE(result.storage_failed);
  CHECK(result.rejected->reason.find("block 29: transaction 1 (") == 0);
  CHECK(store->tip() == tip);
  CHECK(store->utxo_state() == digest);
  CHECK(store->shelved().empty());
  CHECK(check(*store) == "whole");

  // A hole in it is one more rule that it breaks.
  theirs.erase(theirs.begin() + 3);
  result = state.reorganise(20, ancestor.hash, theirs, late);
  CHECK(result.rejected_height == 25);
  CHECK(store->tip() == tip);
  // And one that begins elsewhere is none of this chain.
  result = state.reorganise(19, ancestor.hash, theirs, late);
  CHECK(result.rejected->reason ==
        "the branch above height 19 does not begin on our chain any more");
  CHECK(result.rejected_height == 0);
  CHECK(state.reorganise(20, ancestor.hash, {}, late).rejected.has_value());
  CHECK(state.reorganise(31, ancestor.hash, theirs, late).rejected.has_value());
  CHECK(store->tip() == tip);
}

TEST_CASE("a reorganisation is refused beyond a thousand blocks and below a final one") {
  struct certified_store : chain::memory_store {
    using memory_store::memory_store;
    std::uint64_t final_height() const override { return final; }
    std::uint64_t final = 0;
  };
  certified_store store{network_id::testnet};
  apply_all(store, checked_chain());
  chain::chain_state state{store};
  const auto branch_from = [&](std::uint64_t height) {
    const auto parent = tip_after(store.block_at(height));
    return state.reorganise(height, parent.hash, builder{3}.branch(parent, 2), late);
  };
  CHECK(branch_from(999).rejected->reason ==
        "rolling back 1001 blocks is refused: a reorganisation goes back at most 1000");
  store.final = 1500;
  CHECK(branch_from(1499).rejected->reason ==
        "rolling back 501 blocks from height 2000 is refused: block 1500 is final, "
        "masternodes voted for it");
  CHECK(state.roll_back(501).error().reason.find("is final") != std::string::npos);
  CHECK(store.tip().height == 2000);
  CHECK(branch_from(1500).applied == 2);
  CHECK(store.tip().height == 1502);
}

TEST_CASE("a store that fails while it is reorganised is to blame, and nothing has changed") {
  struct failing_store : chain::memory_store {
    using memory_store::memory_store;
    bool fails = false;
    outcome<void> commit(const chain::store_batch& batch, bool sync) override {
      if (fails)
        return fail("the disk is full");
      return memory_store::commit(batch, sync);
    }
    outcome<chain::block_undo> undo_at(std::uint64_t height) const override {
      if (no_undo)
        return fail("the undo data are gone");
      return memory_store::undo_at(height);
    }
    bool no_undo = false;
  };
  failing_store store{network_id::testnet};
  apply_all(store, std::span{checked_chain()}.first(30));
  const auto tip = store.tip();
  const auto parent = tip_after(store.block_at(20));
  builder other{4};
  const auto branch = other.branch(parent, 5);
  chain::chain_state state{store};
  store.fails = true;
  auto result = state.reorganise(20, parent.hash, branch, late);
  CHECK(result.storage_failed);
  CHECK(result.rejected_height == 0);
  store.fails = false;
  store.no_undo = true;
  result = state.reorganise(20, parent.hash, branch, late);
  CHECK(result.storage_failed);
  CHECK(store.tip() == tip);
}

TEST_CASE_TEMPLATE("many branches, one after the other, leave a whole store", Store, in_memory,
                   on_disk) {
  Store store;
  std::mt19937 random{7};
  std::vector<checked_block> chain;
  std::vector<builder> builders{builder{5}};  // As it was at each height.
  for (int round = 0; round < 40; ++round) {
    const auto height = chain.empty() ? 0 : random() % (chain.size() + 1);
    const auto parent =
        height == 0 ? tip_after(store->block_at(0)) : tip_after(chain[height - 1].block);
    builders.resize(height + 1, builders.front());
    std::vector<checked_block> branch;
    auto tip = parent;
    for (auto count = 1 + random() % 15; count > 0; --count) {
      builders.push_back(builders.back().varied(static_cast<unsigned>(random())));
      branch.push_back(builders.back().next(tip));
      tip = tip_after(branch.back().block);
    }
    if (height < chain.size() && branch[0].hash == chain[height].hash)
      continue;  // The same block again.
    chain::chain_state state{*store};
    const auto result = state.reorganise(height, parent.hash, branch, late);
    REQUIRE_MESSAGE(!result.rejected, result.rejected->reason);
    chain.resize(height);
    chain.insert(chain.end(), branch.begin(), branch.end());
    REQUIRE(store->tip().hash == chain.back().hash);
    if (round % 8 == 0) {
      store.reopen();
      REQUIRE(check(*store) == "whole");
    }
  }
  CHECK(check(*store) == "whole");
}

// -- the shelf ----------------------------------------------------------------------------

namespace {

chain::shelved_block shelved(std::uint64_t height, std::uint8_t mark, std::size_t bytes = 100) {
  chain::shelved_block result{height, {}, {}, bytes};
  result.hash[0] = mark;
  result.hash[1] = static_cast<std::uint8_t>(height);
  result.hash[2] = static_cast<std::uint8_t>(height >> 8);
  return result;
}

chain::store_batch batch_to(std::uint64_t tip) {
  chain::store_batch result;
  result.tip.height = tip;
  return result;
}

}  // namespace

TEST_CASE("the shelf keeps blocks until they are a thousand below the tip") {
  chain::block_shelf shelf;
  const std::vector removed{shelved(12, 1), shelved(11, 1)};
  shelf.apply(shelf.plan(removed, batch_to(15)));
  CHECK(shelf.list() == std::vector{shelved(11, 1), shelved(12, 1)});
  CHECK(shelf.bytes() == 200);
  CHECK(shelf.plan({}, batch_to(1010)).dropped.empty());
  const auto change = shelf.plan({}, batch_to(1011));
  CHECK(change.dropped == std::vector{shelved(11, 1)});
  CHECK(change.added.empty());
  shelf.apply(shelf.plan({}, batch_to(5000)));
  CHECK(shelf.empty());
  CHECK(shelf.bytes() == 0);
}

TEST_CASE("a block that comes back to the chain leaves the shelf, and one in both lists never gets "
          "there") {
  chain::block_shelf shelf;
  shelf.apply(shelf.plan(std::vector{shelved(12, 1), shelved(11, 1)}, batch_to(15)));
  auto batch = batch_to(15);
  checked_block back;
  back.hash = shelved(11, 1).hash;
  batch.append.push_back(back);
  back.hash = shelved(11, 2).hash;
  batch.append.push_back(back);
  const auto change = shelf.plan(std::vector{shelved(11, 2), shelved(12, 2)}, batch);
  CHECK(change.dropped == std::vector{shelved(11, 1)});
  CHECK(change.added == std::vector{shelved(12, 2)});
}

TEST_CASE("the shelf is bounded in bytes, and the lowest blocks go first") {
  chain::block_shelf shelf{1000};
  for (std::uint64_t height = 1; height <= 30; ++height)
    shelf.apply(shelf.plan(std::vector{shelved(height, 1)}, batch_to(30)));
  CHECK(shelf.bytes() == 1000);
  CHECK(shelf.list().front().height == 21);
  CHECK(shelf.find(shelved(30, 1).hash) != nullptr);
  CHECK(shelf.find(shelved(20, 1).hash) == nullptr);
  // One that is too large for it is not kept at all.
  const auto change = shelf.plan(std::vector{shelved(31, 1, 5000)}, batch_to(31));
  CHECK(change.added.empty());
  CHECK(change.dropped.empty());
}
