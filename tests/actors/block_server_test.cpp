// The block server: its answers line by line, from a store in memory.

#include "actors/block_server.hpp"
#include "tests/actors/scripted_peer.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace test;

namespace {

/// A store that can list its outputs, and counts how often blocks are read from it.
class listing_store : public chain::memory_store {
 public:
  listing_store() : memory_store{network_id::testnet} {}

  std::vector<block_ptr> blocks(std::uint64_t first, std::uint64_t last,
                                std::size_t max_bytes) const override {
    ++reads;
    return memory_store::blocks(first, last, max_bytes);
  }
  std::optional<std::vector<std::pair<outpoint, chain::coin>>>
  unspent(std::size_t max_count) const override {
    return outputs.size() <= max_count ? std::optional{outputs} : std::nullopt;
  }

  mutable int reads = 0;
  std::vector<std::pair<outpoint, chain::coin>> outputs;
};

struct server_world : test_node {
  explicit server_world(std::uint64_t height = 250) {
    extend(1, height);
    server = system.spawn<block_server>(store);
    run();
  }

  void extend(std::uint64_t first, std::uint64_t last) {
    std::vector<checked_block> batch;
    for (auto h = first; h <= last; ++h)
      batch.push_back(must_check(real_chain()[h]));
    if (!batch.empty())
      REQUIRE(chain::chain_state{*store}.apply(batch, unix_now(), false).applied == batch.size());
  }

  /// The answer, decoded.
  template <class Answer>
  Answer ask_for(wire::message question) {
    const auto line = ask<encoded_line>(server, atom::serve_v, std::move(question));
    CHECK(line.bytes->ends_with('\n'));
    wire::line_decoder decoder;
    const auto decoded =
        decoder.decode(std::string_view{*line.bytes}.substr(0, line.bytes->size() - 1));
    return std::get<Answer>(std::get<wire::message>(decoded));
  }

  bool refuses(wire::message question) {
    try {
      (void)ask<encoded_line>(server, atom::serve_v, std::move(question));
      return false;
    } catch (const std::runtime_error&) {
      return true;
    }
  }

  std::vector<block_ptr> range(std::uint64_t first, std::uint64_t last) {
    return ask_for<wire::blocks_response>(wire::get_blocks{first, last}).blocks;
  }

  std::shared_ptr<listing_store> store = std::make_shared<listing_store>();
  block_server_actor server;
};

}  // namespace

TEST_CASE("the server tells its height") {
  server_world w;
  CHECK(w.ask_for<wire::block_height_response>(wire::get_block_height{}).height == 250);
}

TEST_CASE("the server sends the blocks that were asked for, both ends included") {
  server_world w;
  const auto blocks = w.range(10, 20);
  REQUIRE(blocks.size() == 11);
  for (std::size_t i = 0; i < blocks.size(); ++i)
    CHECK(*blocks[i] == *real_chain()[10 + i]);
  CHECK(w.range(0, 0).size() == 1);
}

TEST_CASE("the server sends at most 101 blocks, and none above its tip") {
  server_world w;
  CHECK(w.range(1, 1000).size() == 101);
  CHECK(w.range(0, ~std::uint64_t{0}).size() == 101);
  CHECK(w.range(200, 1000).size() == 51);
  CHECK(w.range(251, 300).empty());
  CHECK(w.range(~std::uint64_t{0}, ~std::uint64_t{0}).empty());
  CHECK(w.range(20, 10).empty());
}

TEST_CASE("the server answers GetBlockRange alike") {
  server_world w;
  const auto ask = [&](std::uint64_t first, std::uint64_t last) {
    return w.ask_for<wire::block_range_response>(wire::get_block_range{first, last}).blocks;
  };
  CHECK(ask(10, 20).size() == 11);
  CHECK(*ask(10, 20).front() == *real_chain()[10]);
  CHECK(ask(0, 1000).size() == 101);
  CHECK(ask(20, 10).empty());
}

TEST_CASE("an answer is at most 4 MiB long, and at least one block") {
  server_world w{0};
  std::vector<checked_block> batch;
  auto parent = real_chain()[0];
  for (int i = 0; i < 40; ++i) {
    parent = next_block(*parent, "payee", 200'000);
    batch.push_back(must_check(parent));
  }
  REQUIRE(chain::chain_state{*w.store}.apply(batch, w.unix_now(), false).applied == 40);
  const auto line =
      w.ask<encoded_line>(w.server, atom::serve_v, wire::message{wire::get_blocks{1, 40}});
  CHECK(line.bytes->size() <= wire::max_blocks_response_bytes);
  CHECK(w.range(1, 40).size() >= 1);
  CHECK(w.range(1, 40).size() < 40);
}

TEST_CASE("a range that was asked for before is not read again") {
  server_world w;
  const auto before = w.range(1, 100);
  const auto reads = w.store->reads;
  CHECK(w.range(1, 100).size() == 100);
  CHECK(w.store->reads == reads);
  // Another kind of message and another range are other answers.
  CHECK(w.ask_for<wire::block_range_response>(wire::get_block_range{1, 100}).blocks.size() == 100);
  CHECK(w.range(1, 99).size() == 99);
  CHECK(w.store->reads == reads + 2);
}

TEST_CASE("an answer that the tip cut short is longer when the chain has grown") {
  server_world w;
  CHECK(w.range(200, 290).size() == 51);
  w.extend(251, 280);
  CHECK(w.range(200, 290).size() == 81);
  w.extend(281, 300);
  CHECK(w.range(200, 290).size() == 91);
}

TEST_CASE("an answer that was kept is dropped when its blocks leave the chain") {
  server_world w;
  REQUIRE(w.range(200, 240).size() == 41);
  chain::chain_state state{*w.store};
  REQUIRE(state.roll_back(20).has_value());
  CHECK(w.range(200, 240).size() == 31);
  std::vector<checked_block> other;
  const auto branch = branch_of(real_chain(), 230, 20);
  for (std::size_t h = 231; h <= 250; ++h)
    other.push_back(must_check(branch[h]));
  REQUIRE(state.apply(other, w.unix_now(), false).applied == 20);
  const auto blocks = w.range(200, 240);
  REQUIRE(blocks.size() == 41);
  CHECK(*blocks.back() == *branch[240]);
}

TEST_CASE("the server sends single blocks that it has and is silent about others") {
  server_world w;
  CHECK(*w.ask_for<wire::block_response>(wire::block_request{17}).block == *real_chain()[17]);
  CHECK(w.refuses(wire::block_request{251}));
}

TEST_CASE("the server tells the hash of a block, and none above its tip") {
  server_world w;
  auto x = w.ask_for<wire::block_hash_response>(wire::get_block_hash{100});
  CHECK(x.height == 100);
  CHECK(x.hash == chain::block_hash(real_chain()[100]->header));
  x = w.ask_for<wire::block_hash_response>(wire::get_block_hash{251});
  CHECK(x.height == 251);
  CHECK(!x.hash);
  CHECK(w.ask_for<wire::genesis_hash_response>(wire::get_genesis_hash{}).hash ==
        chain::block_hash(real_chain()[0]->header));
}

TEST_CASE("the server agrees with its own hashes and names them to those who have others") {
  server_world w;
  const auto ours = chain::block_hash(real_chain()[100]->header);
  auto x = w.ask_for<wire::consensus_query_response>(wire::consensus_query{100, ours});
  CHECK(x == wire::consensus_query_response{true, 100, ours});
  x = w.ask_for<wire::consensus_query_response>(wire::consensus_query{100, {}});
  CHECK(x == wire::consensus_query_response{false, 100, ours});
  x = w.ask_for<wire::consensus_query_response>(wire::consensus_query{251, {}});
  CHECK(x == wire::consensus_query_response{false, 251, {}});
}

TEST_CASE("the server tells the hash of its unspent outputs") {
  server_world w;
  const auto x = w.ask_for<wire::utxo_state_hash_response>(wire::get_utxo_state_hash{});
  const auto digest = w.store->utxo_state();
  CHECK(x == wire::utxo_state_hash_response{digest.hash, 250, digest.count});
  CHECK(!x.hash.is_zero());
}

TEST_CASE("the server sends a small set of unspent outputs whole and a large one not at all") {
  server_world w{1};
  const std::string address = "TIME0FVoCggzqxoqQ5EhhXL3mxxjQaT59n88bD";
  const auto coin = chain::coin{5, {address.begin(), address.end()}};
  w.store->outputs.emplace_back(outpoint{{}, 3}, coin);
  w.store->outputs.emplace_back(outpoint{{}, 4}, chain::coin{6, {0, 1, 2}});
  const auto x = w.ask_for<wire::utxo_set_response>(wire::get_utxo_set{});
  REQUIRE(x.utxos.size() == 2);
  CHECK(x.utxos[0] == wire::utxo{{{}, 3}, 5, coin.script_pubkey, address});
  CHECK(x.utxos[1].address.empty());
  w.store->outputs.assign(20'000, {outpoint{{}, 3}, coin});
  CHECK(w.refuses(wire::get_utxo_set{}));
  w.store->outputs.assign(200'000, {outpoint{{}, 3}, coin});
  CHECK(w.refuses(wire::get_utxo_set{}));
}

TEST_CASE("what is no question about the chain is refused") {
  server_world w{1};
  CHECK(w.refuses(wire::get_peers{}));
  CHECK(w.refuses(wire::block_height_response{1}));
}
