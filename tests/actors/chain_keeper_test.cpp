// The chain keeper over a store in memory.

#include "actors/chain_keeper.hpp"
#include "tests/actors/scripted_peer.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace test;

namespace {

struct keeper_world : test_node {
  keeper_world() {
    spdlog::set_level(spdlog::level::off);
    keeper = system.spawn<chain_keeper>(context, store);
    run();
  }

  apply_reply apply(std::uint64_t first, std::uint64_t last) {
    checked_batch batch;
    for (auto h = first; h <= last; ++h)
      batch.blocks.push_back(must_check(real_chain()[h]));
    return ask<apply_reply>(keeper, atom::apply_v, batch);
  }

  keeper_snapshot look() { return ask<keeper_snapshot>(keeper, atom::snapshot_v); }

  tip_listener_actor listen(std::vector<std::uint64_t>& heights) {
    auto listener = system.spawn([&heights]() -> tip_listener_actor::behavior_type {
      return {[&heights](atom::tip, const chain_tip& x) { heights.push_back(x.height); }};
    });
    self->send(keeper, atom::subscribe_v, listener);
    run();
    return listener;
  }

  std::shared_ptr<test_store> store = std::make_shared<test_store>();
  chain_keeper_actor keeper;
};

}  // namespace

TEST_CASE("the keeper applies blocks that follow each other as one batch") {
  keeper_world w;
  const auto reply = w.apply(1, 50);
  CHECK(reply.applied == 50);
  CHECK(reply.rejected.empty());
  CHECK(reply.tip.height == 50);
  CHECK(reply.tip.hash == chain::block_hash(real_chain()[50]->header));
  CHECK(w.store->commits.size() == 1);
  CHECK(w.ask<chain_tip>(w.keeper, atom::tip_v) == reply.tip);
  CHECK(w.look().blocks_applied == 50);
  CHECK(w.look().batches == 1);
}

TEST_CASE("the keeper refuses blocks that do not follow the tip") {
  keeper_world w;
  const auto reply = w.apply(2, 5);
  CHECK(reply.applied == 0);
  CHECK(!reply.rejected.empty());
  CHECK(!reply.storage_failed);
  CHECK(reply.tip.height == 0);
  CHECK(w.look().blocks_refused == 1);
}

TEST_CASE("the keeper stores what comes before a bad block") {
  keeper_world w;
  checked_batch batch;
  for (std::size_t h = 1; h <= 5; ++h)
    batch.blocks.push_back(must_check(real_chain()[h]));
  batch.blocks.push_back(must_check(overspending(*real_chain()[5])));
  const auto reply = w.ask<apply_reply>(w.keeper, atom::apply_v, batch);
  CHECK(reply.applied == 5);
  CHECK(!reply.rejected.empty());
  CHECK(reply.tip.height == 5);
}

TEST_CASE("the keeper makes a committed block final, and another in its place goes for it") {
  keeper_world w;
  w.apply(1, 50);
  std::vector<std::uint64_t> heights;
  const auto listener = w.listen(heights);
  const auto commit = [&](const checked_block& x, bool with_block) {
    checked_batch batch;
    if (with_block)
      batch.blocks.push_back(x);
    return w.ask<apply_reply>(
        w.keeper, atom::commit_v, batch,
        wire::message{wire::block_commit{x.hash, x.block->header.height, {}}});
  };
  const auto ours = must_check(real_chain()[48]);
  auto reply = commit(ours, false);
  CHECK(reply.rejected.empty());
  CHECK(reply.applied == 0);
  CHECK(w.look().final_height == 48);
  CHECK(w.ask<apply_reply>(w.keeper, atom::roll_back_v, std::uint64_t{3}).rejected != "");
  CHECK(heights == std::vector<std::uint64_t>{50});

  const auto other = must_check(next_block(*real_chain()[48]));
  reply = commit(other, true);
  CHECK(reply.rejected.empty());
  CHECK(reply.applied == 1);
  CHECK(reply.tip.hash == other.hash);
  CHECK(w.look().final_height == 49);
  CHECK(heights.back() == 49);

  const auto rival = must_check(next_block(*real_chain()[48], "rival"));
  CHECK_FALSE(commit(rival, true).rejected.empty());
  CHECK_FALSE(commit(must_check(next_block(*rival.block)), true).rejected.empty());
  CHECK(w.ask<chain_tip>(w.keeper, atom::tip_v).hash == other.hash);
}

TEST_CASE("an empty batch changes nothing and tells the tip") {
  keeper_world w;
  w.apply(1, 3);
  const auto reply = w.ask<apply_reply>(w.keeper, atom::apply_v, checked_batch{});
  CHECK(reply.applied == 0);
  CHECK(reply.rejected.empty());
  CHECK(reply.tip.height == 3);
}

TEST_CASE("a batch is synced when it is large, after every hundred blocks, and at the tip") {
  keeper_world w;
  w.apply(1, 100);
  w.apply(101, 160);
  w.apply(161, 190);
  w.apply(191, 201);
  w.apply(202, 203);
  CHECK(w.store->commits == std::vector<std::pair<std::size_t, bool>>{
                                {100, true}, {60, false}, {30, false}, {11, true}, {2, false}});
  auto fresh = *next_block(*real_chain()[203]);
  fresh.header.timestamp = w.unix_now() - 600;
  checked_batch batch{{must_check(seal(fresh))}};
  CHECK(w.ask<apply_reply>(w.keeper, atom::apply_v, batch).applied == 1);
  CHECK(w.store->commits.back() == std::pair<std::size_t, bool>{1, true});
}

TEST_CASE("a listener is told the tip at once and after every change") {
  keeper_world w;
  w.apply(1, 3);
  std::vector<std::uint64_t> heights;
  const auto listener = w.listen(heights);
  CHECK(heights == std::vector<std::uint64_t>{3});
  w.apply(4, 10);
  w.apply(50, 51);  // refused: no change
  (void)w.ask<apply_reply>(w.keeper, atom::roll_back_v, std::uint64_t{2});
  CHECK(heights == std::vector<std::uint64_t>{3, 10, 8});
}

TEST_CASE("a listener that subscribes twice is told once, and one that is gone is forgotten") {
  keeper_world w;
  std::vector<std::uint64_t> heights;
  const auto listener = w.listen(heights);
  w.self->send(w.keeper, atom::subscribe_v, listener);
  w.run();
  heights.clear();
  w.apply(1, 1);
  CHECK(heights == std::vector<std::uint64_t>{1});
  caf::anon_send_exit(listener, caf::exit_reason::kill);
  w.run();
  w.apply(2, 2);
  CHECK(heights == std::vector<std::uint64_t>{1});
}

TEST_CASE("listeners are bounded in number, and those that went make room") {
  keeper_world w;
  std::vector<std::uint64_t> heights;
  std::vector<tip_listener_actor> listeners;
  for (std::size_t i = 0; i < chain_keeper_state::max_listeners; ++i)
    listeners.push_back(w.listen(heights));
  CHECK(heights.size() == chain_keeper_state::max_listeners);
  w.listen(heights);
  CHECK(heights.size() == chain_keeper_state::max_listeners);
  caf::anon_send_exit(listeners.front(), caf::exit_reason::kill);
  w.run();
  w.listen(heights);
  CHECK(heights.size() == chain_keeper_state::max_listeners + 1);
}

TEST_CASE("a rollback takes blocks off the top, and the same blocks can be applied again") {
  keeper_world w;
  w.apply(1, 20);
  const auto set = w.store->utxo_state();
  auto reply = w.ask<apply_reply>(w.keeper, atom::roll_back_v, std::uint64_t{7});
  CHECK(reply.rejected.empty());
  CHECK(reply.tip.height == 13);
  CHECK(w.apply(14, 20).applied == 7);
  CHECK(w.store->utxo_state() == set);
}

TEST_CASE("the genesis block cannot be rolled back") {
  keeper_world w;
  w.apply(1, 3);
  const auto reply = w.ask<apply_reply>(w.keeper, atom::roll_back_v, std::uint64_t{4});
  CHECK(!reply.rejected.empty());
  CHECK(reply.tip.height == 3);
}

TEST_CASE("a full disk is the disk's fault, and shows in the snapshot until it works again") {
  keeper_world w;
  w.store->full = true;
  auto reply = w.apply(1, 5);
  CHECK(reply.storage_failed);
  CHECK(reply.applied == 0);
  CHECK(reply.rejected.empty());
  CHECK(w.look().storage_error == "no space left on device");
  CHECK(w.look().blocks_refused == 0);
  w.store->full = false;
  reply = w.apply(1, 5);
  CHECK(!reply.storage_failed);
  CHECK(reply.applied == 5);
  CHECK(w.look().storage_error.empty());
}
