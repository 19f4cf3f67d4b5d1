// Which transactions wait for a block, which make room, and which come first.

#include "chain/bincode.hpp"
#include "chain/memory_store.hpp"
#include "chain/transaction_pool.hpp"
#include "tests/transactions.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace timenode;
using namespace test;
using chain::offer_fate;

namespace {

constexpr amount share = chain::block_subsidy / 4;
constexpr std::int64_t now = 2'000'000'000;

/// Ten blocks, each of which pays owners 0 to 3.
struct pool_world {
  explicit pool_world(chain::pool_limits limits = {}) : pool{{true, test_network}, limits} {
    for (int i = 0; i < 10; ++i)
      put(store, block_on(store));
  }

  /// Owner 0 spends all of the reward of that height but for the fee.
  transaction simple(std::uint64_t height, amount fee = 30'000'000,
                     const std::string& to = address(9)) {
    return spend(0, {reward(store, height, 0)}, {pay(to, share - fee)});
  }
  chain::offer_result offer(transaction x) { return pool.offer(std::move(x), store, now); }

  chain::memory_store store{test_network};
  chain::transaction_pool pool;
};

bool names(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

// -- rules ------------------------------------------------------------------------------------

TEST_CASE("the fee is a thousandth of what is paid, and at least a thousand units") {
  CHECK(chain::fee_for(0) == 1'000);
  CHECK(chain::fee_for(1'000'999) == 1'000);
  CHECK(chain::fee_for(1'001'000) == 1'001);
  CHECK(chain::fee_for(100 * units_per_time) == units_per_time / 10);
}

TEST_CASE("a signature covers the whole transaction, and is of the owner's key") {
  pool_world w;
  const auto script = pay(address(0), 1).script_pubkey;
  auto x = w.simple(1);
  const auto check = [&](const transaction& y) {
    return chain::check_signature(y.inputs[0], script, chain::signing_hash(y), test_network);
  };
  CHECK(x.inputs[0].script_sig.size() == 96);
  CHECK(check(x).has_value());
  auto changed = x;
  changed.outputs[0].value -= 1;
  CHECK(check(changed).error().reason == "its signature is not one of this transaction");
  auto cut = x;
  cut.inputs[0].script_sig.pop_back();
  CHECK(names(check(cut).error().reason, "its script_sig has 95 bytes"));
  auto foreign = x;
  chain::sign(foreign, owner(1));
  CHECK(names(check(foreign).error().reason, "whose output it does not spend"));
}

TEST_CASE("a block with a transaction that its owner did not sign is refused where signatures are "
          "required") {
  pool_world w;
  const chain::spending_rules strict{true, test_network};
  auto stolen = w.simple(1);
  chain::sign(stolen, owner(3));
  CHECK_THROWS_WITH(put(w.store, block_on(w.store, {stolen}), strict),
                    doctest::Contains("whose output it does not spend"));
  CHECK_NOTHROW(put(w.store, block_on(w.store, {w.simple(2)}), strict));
  CHECK_NOTHROW(put(w.store, block_on(w.store, {stolen}), {}));
}

// -- taking ------------------------------------------------------------------------------------

TEST_CASE("what the rules allow is taken once") {
  pool_world w;
  const auto x = w.simple(1);
  const auto first = w.offer(x);
  CHECK(first.fate == offer_fate::added);
  CHECK(first.txid == chain::txid(x));
  CHECK(first.why.empty());
  CHECK(w.offer(x).fate == offer_fate::known);
  REQUIRE(w.pool.find(first.txid));
  CHECK(w.pool.find(first.txid)->fee == 30'000'000);
  CHECK(w.pool.find(first.txid)->bytes == chain::encoded_size(x));
  CHECK(w.pool.bytes() == chain::encoded_size(x));
  CHECK(w.pool.spender_of(reward(w.store, 1, 0))->txid == first.txid);
}

TEST_CASE(
    "what breaks a rule is not taken, and what no chain could make right is told from the rest") {
  pool_world w;
  const auto coin = reward(w.store, 1, 0);
  CHECK(w.offer(transaction{}).fate == offer_fate::wrong);
  CHECK(w.offer(spend(0, {coin}, {pay(address(1), share + 1)})).fate == offer_fate::wrong);
  CHECK(w.offer(spend(1, {coin}, {pay(address(1), share / 2)})).fate == offer_fate::wrong);
  auto unsigned_one = spend(0, {coin}, {pay(address(1), share / 2)});
  unsigned_one.inputs[0].script_sig.clear();
  CHECK(w.offer(unsigned_one).fate == offer_fate::wrong);
  CHECK(w.offer(spend(0, {coin}, {})).fate == offer_fate::refused);
  CHECK(w.offer(spend(0, {coin, coin}, {pay(address(1), 1'000'000)})).fate == offer_fate::refused);
  CHECK(w.offer(spend(0, {coin}, {pay(address(1), 545)})).fate == offer_fate::refused);
  CHECK(w.offer(spend(0, {coin}, {pay("nobody", share / 2)})).fate == offer_fate::refused);
  const auto low = w.offer(spend(0, {coin}, {pay(address(1), share - 1'000)}));
  CHECK(low.fate == offer_fate::refused);
  CHECK(names(low.why, "its fee is 1000 units; it has to be 2499999 or more"));
  CHECK(w.offer(spend(0, {{hash256{}, 0}}, {pay(address(1), 1'000'000)})).fate ==
        offer_fate::impossible);
  CHECK(w.pool.size() == 0);
  CHECK(w.offer(spend(0, {coin}, {pay(address(1), 546)})).fate == offer_fate::added);
}

TEST_CASE("where signatures are not required none is looked at") {
  pool_world w;
  chain::transaction_pool lax{{false, test_network}};
  auto x = w.simple(1);
  x.inputs[0].script_sig = {1, 2, 3};
  CHECK(lax.offer(x, w.store, now).fate == offer_fate::added);
}

TEST_CASE("of two that spend one output the first stays") {
  pool_world w;
  const auto first = w.offer(w.simple(1));
  const auto second = w.offer(w.simple(1, 60'000'000, address(8)));
  CHECK(second.fate == offer_fate::conflicts);
  CHECK(second.rival == first.txid);
  CHECK(w.pool.size() == 1);
}

TEST_CASE("a transaction may build on others that wait, but not on too many") {
  pool_world w{{.max_ancestors = 3}};
  auto x = spend(0, {reward(w.store, 1, 0)}, {pay(address(0), share - 30'000'000)});
  auto left = share - 30'000'000;
  for (int i = 0; i < 4; ++i) {
    const auto result = w.offer(x);
    REQUIRE(result.fate == offer_fate::added);
    left -= 30'000'000;
    x = spend(0, {{result.txid, 0}}, {pay(address(0), left)});
  }
  const auto result = w.offer(x);
  CHECK(result.fate == offer_fate::refused);
  CHECK(names(result.why, "it builds on more than 3 transactions"));
}

// -- room -------------------------------------------------------------------------------------

TEST_CASE("when there is no room those that pay least for their length make some") {
  pool_world w{{.max_count = 3}};
  std::vector<hash256> ids;
  for (std::uint64_t height = 1; height <= 3; ++height)
    ids.push_back(w.offer(w.simple(height, 30'000'000 + height)).txid);
  const auto poor = w.offer(w.simple(4, 30'000'000));
  CHECK(poor.fate == offer_fate::refused);
  CHECK(names(poor.why, "there is no room"));
  CHECK(w.pool.size() == 3);
  const auto rich = w.offer(w.simple(5, 40'000'000));
  CHECK(rich.fate == offer_fate::added);
  REQUIRE(rich.evicted.size() == 1);
  CHECK(rich.evicted[0].txid == ids[0]);
  CHECK(w.pool.size() == 3);
  CHECK_FALSE(w.pool.find(ids[0]));
}

TEST_CASE(
    "a transaction that pays little stays while one that pays builds on it, and goes after it") {
  pool_world w{{.max_count = 2}};
  const auto parent =
      w.offer(spend(0, {reward(w.store, 1, 0)}, {pay(address(0), share - 30'000'000)}));
  const auto child = w.offer(spend(0, {{parent.txid, 0}}, {pay(address(0), share - 130'000'000)}));
  REQUIRE(child.fate == offer_fate::added);
  const auto middle = w.offer(w.simple(2, 60'000'000));
  CHECK(middle.fate == offer_fate::refused);
  CHECK(w.pool.find(parent.txid));
  const auto rich = w.offer(w.simple(2, 200'000'000));
  CHECK(rich.fate == offer_fate::added);
  REQUIRE(rich.evicted.size() == 1);
  CHECK(rich.evicted[0].txid == child.txid);
}

TEST_CASE("a final transaction makes room for none") {
  pool_world w{{.max_count = 1}};
  const auto first = w.offer(w.simple(1));
  CHECK(w.pool.make_final(first.txid, now));
  CHECK_FALSE(w.pool.make_final(first.txid, now));
  CHECK(w.pool.final_count() == 1);
  CHECK(w.offer(w.simple(2, 900'000'000)).fate == offer_fate::refused);
  CHECK(w.pool.find(first.txid));
}

TEST_CASE("a transaction that nobody agreed on is given up in the end, a final one is not") {
  pool_world w{{.patience = 100}};
  const auto open = w.offer(w.simple(1));
  const auto settled = w.offer(w.simple(2));
  w.pool.make_final(settled.txid, now);
  CHECK(w.pool.expire(now + 100).empty());
  const auto gone = w.pool.expire(now + 101);
  REQUIRE(gone.size() == 1);
  CHECK(gone.front().txid == open.txid);
  CHECK(w.pool.size() == 1);
}

// -- blocks -----------------------------------------------------------------------------------

TEST_CASE("a block takes out what it has, and what it makes impossible") {
  pool_world w;
  const auto mine = w.simple(1);
  const auto theirs = w.simple(2, 60'000'000, address(8));
  w.offer(mine);
  const auto loser = w.offer(w.simple(2));
  const auto child = w.offer(spend(9, {{loser.txid, 0}}, {pay(address(0), share - 90'000'000)}));
  REQUIRE(child.fate == offer_fate::added);
  const auto update = w.pool.on_block(*block_on(w.store, {mine, theirs}));
  REQUIRE(update.confirmed.size() == 1);
  CHECK(update.confirmed.front().txid == chain::txid(mine));
  CHECK(update.overtaken.size() == 2);
  CHECK(w.pool.size() == 0);
  CHECK(w.pool.bytes() == 0);
}

TEST_CASE("what was in a block that is undone waits again, and what builds on it stays") {
  pool_world w;
  const auto parent = spend(0, {reward(w.store, 1, 0)}, {pay(address(0), share - 30'000'000)});
  const auto block = block_on(w.store, {parent});
  put(w.store, block);
  const auto child =
      w.offer(spend(0, {{chain::txid(parent), 0}}, {pay(address(0), share - 60'000'000)}));
  REQUIRE(child.fate == offer_fate::added);
  const auto other = w.offer(w.simple(2));
  w.pool.make_final(other.txid, now);
  chain::chain_state state{w.store};
  REQUIRE(state.roll_back(1).has_value());
  CHECK(w.pool.recheck(w.store, {parent}, now).empty());
  CHECK(w.pool.size() == 3);
  REQUIRE(w.pool.find(child.txid));
  CHECK(w.pool.find(child.txid)->parents.contains(chain::txid(parent)));
  CHECK(w.pool.final_count() == 1);
  // The other branch spends the same: both are void.
  put(w.store, block_on(w.store, {w.simple(1, 40'000'000)}));
  CHECK(w.pool.recheck(w.store, {}, now).size() == 2);
  CHECK(w.pool.size() == 1);
}

TEST_CASE("a block gets the best that fit, parents first, and final ones only") {
  pool_world w;
  const auto low = w.offer(w.simple(1, 30'000'000));
  const auto parent =
      w.offer(spend(0, {reward(w.store, 2, 0)}, {pay(address(0), share - 35'000'000)}));
  const auto child = w.offer(spend(0, {{parent.txid, 0}}, {pay(address(0), share - 500'000'000)}));
  REQUIRE(child.fate == offer_fate::added);
  CHECK(w.pool.select(1'000'000, true).transactions.empty());
  w.pool.make_final(child.txid, now);
  w.pool.make_final(low.txid, now);
  // The child is final, what it builds on is not.
  auto chosen = w.pool.select(1'000'000, true);
  REQUIRE(chosen.transactions.size() == 1);
  CHECK(chosen.transactions.front()->txid == low.txid);
  w.pool.make_final(parent.txid, now);
  chosen = w.pool.select(1'000'000, true);
  REQUIRE(chosen.transactions.size() == 3);
  CHECK(chosen.transactions[0]->txid == parent.txid);
  CHECK(chosen.transactions[1]->txid == child.txid);
  CHECK(chosen.fees == 30'000'000 + 500'000'000);
  CHECK(chosen.bytes == w.pool.bytes());
  CHECK(w.pool.select(w.pool.find(low.txid)->bytes, true).transactions.size() == 1);
  CHECK(w.pool.select(10, true).transactions.empty());
}
