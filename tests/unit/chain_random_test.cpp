// Blocks, batches and rollbacks at random, on both stores, held against the simplest model of unspent
// outputs that there is.

#include "chain/chain_state.hpp"
#include "chain/sha256.hpp"
#include "tests/unit/chain_stores.hpp"

#include <random>
#include <set>

using namespace timenode;
using namespace timenode::test;

namespace {

using coin_set = std::map<outpoint, chain::coin>;

// The protocol's own words: sort by "txid-hex:vout" as text, hash txid ‖ vout ‖ value ‖ script.
hash256 naive_hash(const coin_set& coins) {
  std::map<std::string, byte_string> sorted;
  for (const auto& [point, coin] : coins) {
    auto& bytes = sorted[chain::to_hex(point.txid) + ":" + std::to_string(point.vout)];
    bytes.assign(point.txid.begin(), point.txid.end());
    for (unsigned i = 0; i < 4; ++i)
      bytes.push_back(static_cast<std::uint8_t>(point.vout >> 8 * i));
    for (unsigned i = 0; i < 8; ++i)
      bytes.push_back(static_cast<std::uint8_t>(coin.value >> 8 * i));
    bytes.insert(bytes.end(), coin.script_pubkey.begin(), coin.script_pubkey.end());
  }
  byte_string all;
  for (const auto& [text, bytes] : sorted)
    all.insert(all.end(), bytes.begin(), bytes.end());
  return chain::sha256(all);
}

class random_chain {
 public:
  explicit random_chain(std::uint64_t seed) : random_(seed) {
    const auto& genesis = chain::genesis_block(network_id::testnet);
    coin_set coins;
    coins[{genesis.txids[0], 0}] = {genesis.block->transactions[0].outputs[0].value,
                                    genesis.block->transactions[0].outputs[0].script_pubkey};
    history_.push_back({tip_after(genesis.block), coins});
  }

  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>{0, n - 1}(random_);
  }

  // A valid block on top, taken into the model.
  checked_block next_block() {
    auto coins = history_.back().coins;
    std::vector<transaction> transactions;
    for (auto count = below(5); count > 0 && !coins.empty(); --count)
      transactions.push_back(spend_some(coins));
    // Now and then more outputs than ten, where the order by text is another than by number.
    const auto block = seal(make_block(tip(), transactions, below(10) == 0 ? 13 : 1 + below(4)));
    add_outputs(block->transactions[0], coins);
    auto result = must(chain::check_block(block));
    history_.push_back({tip_after(block), std::move(coins)});
    return result;
  }

  // A block on top with one thing wrong that only the unspent outputs show.
  checked_block bad_block() {
    auto coins = history_.back().coins;
    std::vector<transaction> transactions;
    for (auto count = below(4); count > 0 && !coins.empty(); --count)
      transactions.push_back(spend_some(coins));
    hash256 unknown{};
    unknown[0] = static_cast<std::uint8_t>(below(256));
    auto bad = make_transaction({{unknown, 0}}, {1});
    if (!coins.empty() && below(2) == 0) {
      const auto& [point, coin] = *coins.begin();
      bad = make_transaction({point}, {coin.value, 1});  // One more than there is.
    }
    transactions.insert(
        transactions.begin() + static_cast<std::ptrdiff_t>(below(transactions.size() + 1)), bad);
    return must(chain::check_block(seal(make_block(tip(), std::move(transactions)))));
  }

  void roll_back(std::size_t count) { history_.resize(history_.size() - count); }

  chain_tip tip() const {
    auto result = history_.back().tip;
    result.utxo_count = history_.back().coins.size();
    return result;
  }
  const coin_set& coins() const { return history_.back().coins; }

 private:
  struct state {
    chain_tip tip;
    coin_set coins;
  };

  transaction spend_some(coin_set& coins) {
    std::vector<outpoint> inputs;
    amount total = 0;
    for (auto count = 1 + below(3); count > 0 && !coins.empty(); --count) {
      const auto which = std::next(coins.begin(), static_cast<std::ptrdiff_t>(below(coins.size())));
      inputs.push_back(which->first);
      total += which->second.value;
      coins.erase(which);
    }
    std::vector<amount> outputs;
    for (auto count = below(4); count > 0; --count) {
      outputs.push_back(below(static_cast<std::size_t>(total) + 1));
      total -= outputs.back();
    }
    auto result = make_transaction(inputs, outputs);
    add_outputs(result, coins);  // Later transactions of the block may spend them.
    return result;
  }

  static void add_outputs(const transaction& tx, coin_set& coins) {
    const auto txid = chain::txid(tx);
    std::uint32_t vout = 0;
    for (const auto& output : tx.outputs)
      coins[{txid, vout++}] = {output.value, output.script_pubkey};
  }

  std::mt19937_64 random_;
  std::vector<state> history_;  ///< By height.
};

void compare(const chain::block_store& store, const random_chain& model,
             const std::set<hash256>& txids) {
  REQUIRE(store.tip() == model.tip());
  const auto digest = store.utxo_state();
  REQUIRE(digest.height == model.tip().height);
  REQUIRE(digest.count == model.coins().size());
  REQUIRE(digest.hash == naive_hash(model.coins()));
  // Every transaction that ever was, so that also what should be gone is looked for.
  std::size_t found = 0;
  for (const auto& txid : txids)
    for (const auto& [vout, coin] : store.coins(txid)) {
      const auto expected = model.coins().find({txid, vout});
      REQUIRE(expected != model.coins().end());
      REQUIRE(expected->second == coin);
      ++found;
    }
  REQUIRE(found + model.coins().count({chain::genesis_block(network_id::testnet).txids[0], 0}) ==
          model.coins().size());
}

}  // namespace

TEST_CASE_TEMPLATE("random blocks and rollbacks leave the unspent outputs that a naive model has",
                   Store, in_memory, on_disk) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    CAPTURE(seed);
    random_chain model{seed};
    Store store;
    std::set<hash256> txids;
    for (int step = 0; step < 120; ++step) {
      CAPTURE(step);
      chain::chain_state state{*store};
      const auto choice = model.below(10);
      if (choice < 6) {
        std::vector<checked_block> blocks;
        for (auto count = 1 + model.below(6); count > 0; --count)
          blocks.push_back(model.next_block());
        for (const auto& x : blocks)
          txids.insert(x.txids.begin(), x.txids.end());
        const auto good = blocks.size();
        if (choice == 0)
          blocks.push_back(model.bad_block());
        const auto result = state.apply(blocks, late, choice == 1);
        REQUIRE(result.applied == good);
        REQUIRE(result.rejected.has_value() == (choice == 0));
        REQUIRE_FALSE(result.storage_failed);
      } else if (choice < 9) {
        const auto count = model.below(std::min<std::size_t>(model.tip().height, 12) + 1);
        REQUIRE(state.roll_back(count).has_value());
        model.roll_back(count);
      } else {
        store.reopen();
      }
      compare(*store, model, txids);
    }
  }
}
