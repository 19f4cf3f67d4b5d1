// What both stores must do alike.

#include "chain/bincode.hpp"
#include "chain/block_store.hpp"
#include "chain/chain_state.hpp"
#include "chain/utxo_hash.hpp"
#include "tests/unit/chain_stores.hpp"

#include <atomic>
#include <thread>

using namespace timenode;
using namespace timenode::test;

namespace {

void apply_real(chain::block_store& store, std::size_t from, std::size_t count) {
  chain::chain_state state{store};
  const auto result = state.apply(std::span{checked_chain()}.subspan(from, count), late, false);
  REQUIRE_MESSAGE(!result.rejected, result.rejected->reason);
  REQUIRE(result.applied == count);
}

}  // namespace

TEST_CASE("the hash of unspent outputs is the vectors', sorted by vout as text") {
  std::map<hash256, chain::coin_group> set;
  for (const auto& x : vectors().at("utxo_set").at("utxos")) {
    const auto& point = x.at("outpoint");
    set[bytes_from<hash256>(point.at("txid"))].emplace(
        point.at("vout").get<std::uint32_t>(),
        chain::coin{x.at("value"), bytes_from<byte_string>(x.at("script_pubkey"))});
  }
  chain::utxo_hasher hasher;
  for (const auto& [txid, coins] : set)
    hasher.add(txid, coins);
  CHECK(hasher.count() == vectors().at("utxo_set").at("utxos").size());
  CHECK(chain::to_hex(hasher.finish()) == vectors().at("utxo_set").at("hash"));

  // Vouts 0, 1, 10, 11, 2, 9: what 1, 10, 2 alone would not tell from numbers' order.
  const hash256 txid{{5}};
  chain::coin_group coins;
  for (const std::uint32_t vout : {0u, 1u, 2u, 9u, 10u, 11u, 4'294'967'295u})
    coins[vout] = {vout, {1}};
  chain::sha256_hasher expected;
  for (const std::uint32_t vout : {0u, 1u, 10u, 11u, 2u, 4'294'967'295u, 9u})
    expected.update(txid).update_le(vout).update_le(std::uint64_t{vout}).update(byte_string{1});
  chain::utxo_hasher other;
  other.add(txid, coins);
  CHECK(other.finish() == expected.finish());
}

TEST_CASE_TEMPLATE("a new store holds the genesis block", Store, in_memory, on_disk) {
  Store store;
  const auto& genesis = chain::genesis_block(network_id::testnet);
  CHECK(store->tip() == chain_tip{0, genesis.hash, genesis.block->header.timestamp, 1});
  REQUIRE(store->block_at(0) != nullptr);
  CHECK(*store->block_at(0) == *genesis.block);
  CHECK(store->block_at(1) == nullptr);
  CHECK(store->hash_at(0) == genesis.hash);
  CHECK_FALSE(store->hash_at(1).has_value());
  CHECK(store->height_of(genesis.hash) == 0);
  CHECK_FALSE(store->height_of(hash256{}).has_value());
  CHECK(store->coins(genesis.txids[0]).size() == 1);
  CHECK(store->coins(hash256{}).empty());
  CHECK_FALSE(store->undo_at(0).has_value());
  const auto digest = store->utxo_state();
  CHECK(chain::to_hex(digest.hash) == vectors().at("genesis_utxo_set_hash_hex"));
  CHECK(digest.height == 0);
  CHECK(digest.count == 1);
  CHECK_FALSE(store->trouble().has_value());
}

TEST_CASE_TEMPLATE("the real chain can be read back by height, range and hash", Store, in_memory,
                   on_disk) {
  Store store;
  apply_real(*store, 0, 2000);
  store.reopen();
  CHECK(store->tip().height == 2000);
  CHECK(store->tip().utxo_count == 8001);
  for (const std::uint64_t height : {0u, 1u, 2u, 255u, 256u, 257u, 1023u, 1024u, 1999u, 2000u}) {
    const auto& expected = *real_chain()[height];
    REQUIRE(store->block_at(height) != nullptr);
    CHECK(*store->block_at(height) == expected);
    const auto hash = chain::block_hash(expected.header);
    CHECK(store->hash_at(height) == hash);
    CHECK(store->height_of(hash) == height);
    const auto coins = store->coins(chain::txid(expected.transactions[0]));
    REQUIRE(coins.size() == expected.transactions[0].outputs.size());
    for (const auto& [vout, coin] : coins) {
      CHECK(coin.value == expected.transactions[0].outputs[vout].value);
      CHECK(coin.script_pubkey == expected.transactions[0].outputs[vout].script_pubkey);
    }
  }
  CHECK(store->block_at(2001) == nullptr);
  CHECK(store->block_at(~std::uint64_t{0}) == nullptr);
  CHECK_FALSE(store->hash_at(2001).has_value());
  CHECK(store->undo_at(1000)->spent.empty());
  CHECK_FALSE(store->undo_at(2001).has_value());
}

TEST_CASE_TEMPLATE("ranges are cut at the tip and by size, but give at least one block", Store,
                   in_memory, on_disk) {
  Store store;
  apply_real(*store, 0, 300);
  const auto heights = [&](std::uint64_t first, std::uint64_t last, std::size_t bytes) {
    std::vector<std::uint64_t> result;
    for (const auto& x : store->blocks(first, last, bytes)) {
      CHECK(*x == *real_chain()[x->header.height]);
      result.push_back(x->header.height);
    }
    return result;
  };
  constexpr auto all = ~std::size_t{0};
  using list = std::vector<std::uint64_t>;
  CHECK(heights(5, 8, all) == list{5, 6, 7, 8});
  CHECK(heights(298, 999, all) == list{298, 299, 300});
  CHECK(heights(298, ~std::uint64_t{0}, all) == list{298, 299, 300});
  CHECK(heights(300, 300, all) == list{300});
  CHECK(heights(301, 400, all).empty());
  CHECK(heights(~std::uint64_t{0}, ~std::uint64_t{0}, all).empty());
  CHECK(heights(8, 5, all).empty());
  CHECK(heights(0, 2, all) == list{0, 1, 2});
  CHECK(heights(10, 20, 0) == list{10});
  const auto size = chain::encoded_size(*real_chain()[10]) + chain::encoded_size(*real_chain()[11]);
  CHECK(heights(10, 20, size) == list{10, 11});
  CHECK(heights(10, 20, size - 1) == list{10});
}

TEST_CASE_TEMPLATE("a batch that does not fit on the tip is refused and changes nothing", Store,
                   in_memory, on_disk) {
  Store store;
  apply_real(*store, 0, 10);
  const auto tip = store->tip();
  const auto refused = [&](chain::store_batch batch) {
    const auto result = store->commit(batch, false);
    CHECK(store->tip() == tip);
    CHECK(store->block_at(11) == nullptr);
    return result ? "accepted" : result.error().reason;
  };
  const auto& next = checked_chain()[10];
  const chain_tip next_tip{11, next.hash, next.block->header.timestamp, 45};
  CHECK(refused({{next}, {}, 0, {}, next_tip}) == "the batch has 1 blocks and 0 undo records");
  CHECK(refused({{checked_chain()[11]}, {{}}, 0, {}, next_tip}) ==
        "the batch has a hole below height 11");
  CHECK(refused({{next}, {{}}, 1, {}, next_tip}) == "the batch has a hole below height 10");
  CHECK(refused({{next}, {{}}, 0, {}, tip}) == "the batch's tip is not its last block");
  CHECK(refused({{}, {}, 11, {}, tip}) ==
        "the batch would remove 11 blocks from height 10 and so the genesis block");
  CHECK(refused({{}, {}, 1, {}, tip}) == "the batch's tip is not its last block");
}

TEST_CASE("both stores agree on the real chain: tips and unspent outputs") {
  in_memory memory;
  on_disk disk;
  for (std::size_t from = 0; from < 2000; from += 250) {
    apply_real(*memory, from, 250);
    apply_real(*disk, from, 250);
    CHECK(memory->tip() == disk->tip());
    CHECK(memory->utxo_state() == disk->utxo_state());
    CHECK(memory->utxo_state().count == memory->tip().utxo_count);
  }
}

TEST_CASE_TEMPLATE("readers see whole states while blocks come and go", Store, in_memory, on_disk) {
  std::vector<chain::utxo_digest> digests;
  {
    in_memory plain;
    digests.push_back(plain->utxo_state());
    for (std::size_t i = 0; i < 100; ++i) {
      apply_real(*plain, i, 1);
      digests.push_back(plain->utxo_state());
    }
  }
  Store store;
  std::atomic<bool> stop = false;
  std::atomic<std::size_t> wrong = 0;
  const auto read = [&] {
    while (!stop) {
      const auto tip = store->tip();
      const auto digest = store->utxo_state();
      wrong += digest != digests.at(digest.height);
      wrong += tip.utxo_count != digests.at(tip.height).count;
      const auto blocks = store->blocks(0, 1000, 1u << 20);
      wrong += blocks.empty();
      for (std::size_t i = 0; i < blocks.size(); ++i)
        wrong += *blocks[i] != *real_chain()[i];
      const auto hash = store->hash_at(tip.height);
      wrong += hash && hash != checked_chain()[std::max<std::size_t>(tip.height, 1) - 1].hash &&
               tip.height != 0;
    }
  };
  std::thread first{read};
  std::thread second{read};
  chain::chain_state state{*store};
  for (int round = 0; round < 20; ++round) {
    for (std::size_t i = 0; i < 100; i += 10)
      apply_real(*store, i, 10);
    REQUIRE(state.roll_back(100).has_value());
  }
  stop = true;
  first.join();
  second.join();
  CHECK(wrong == 0);
  CHECK_FALSE(store->trouble().has_value());
}
