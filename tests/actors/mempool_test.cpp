// The mempool between its chain and the other masternodes: what it takes, votes and blocks.

#include "chain/hex.hpp"
#include "tests/actors/mempool_world.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace test;

// -- taking ---------------------------------------------------------------------------------

TEST_CASE("a transaction of a peer is sent on when it is new and valid, and only then") {
  mempool_world w;
  CHECK(w.offered(w.simple(1)) == flood_verdict::forward);
  CHECK(w.offered(w.simple(1)) == flood_verdict::ignore);
  CHECK(w.offered(w.simple(1, 40'000'000)) == flood_verdict::ignore);  // spends the same
  CHECK(w.offered(spend(1, {reward(*w.store, 2, 0)}, {pay(address(9), share / 2)})) ==
        flood_verdict::invalid);
  CHECK(w.offered(spend(0, {{hash256{}, 1}}, {pay(address(9), share / 2)})) ==
        flood_verdict::ignore);
  const auto x = w.look();
  CHECK(x.size == 1);
  CHECK(x.taken == 1);
  CHECK(x.conflicting == 1);
  CHECK(x.wrong == 1);
  CHECK(x.refused == 1);
}

TEST_CASE("a transaction of our user is flooded, and one that is refused says why") {
  mempool_world w;
  const auto x = w.simple(1);
  auto reply =
      w.ask<offer_reply>(w.uut, atom::offer_v, wire::message{wire::transaction_broadcast{x}});
  CHECK(reply.refused.empty());
  CHECK(reply.txid == chain::txid(x));
  CHECK(w.flooded->all<wire::transaction_broadcast>().size() == 1);
  reply = w.ask<offer_reply>(w.uut, atom::offer_v, wire::message{wire::transaction_broadcast{x}});
  CHECK(reply.known);
  CHECK(w.flooded->all<wire::transaction_broadcast>().size() == 1);
  reply = w.ask<offer_reply>(w.uut, atom::offer_v,
                             wire::message{wire::transaction_broadcast{w.simple(1, 40'000'000)}});
  CHECK(reply.conflict);
  CHECK(reply.refused.find("which transaction " + chain::to_hex(chain::txid(x)) + " spends") !=
        std::string::npos);
}

TEST_CASE(
    "when there is no room the one that pays least goes, and what was said of it is forgotten") {
  mempool_world w{true, {.max_count = 2}};
  CHECK(w.offered(w.simple(1, 30'000'000)) == flood_verdict::forward);
  CHECK(w.offered(w.simple(2, 40'000'000)) == flood_verdict::forward);
  CHECK(w.look().votes == 2);
  CHECK(w.offered(w.simple(3, 25'000'000)) == flood_verdict::ignore);
  CHECK(w.offered(w.simple(4, 50'000'000)) == flood_verdict::forward);
  CHECK(w.look().size == 2);
  CHECK(w.look().evicted == 1);
  CHECK(w.look().votes == 2);
}

TEST_CASE("who would vote is told also while nothing waits") {
  mempool_world w;
  CHECK(w.look().voters == 4);
  CHECK(w.look().quorum == 3);
  CHECK(w.look().we_vote);
}

TEST_CASE("a transaction that comes before what it spends is taken when that is there") {
  mempool_world w;
  const auto parent = spend(0, {reward(*w.store, 1, 0)}, {pay(address(0), share - 30'000'000)});
  const auto child = spend(0, {{chain::txid(parent), 0}}, {pay(address(9), share - 60'000'000)});
  const auto grandchild =
      spend(9, {{chain::txid(child), 0}}, {pay(address(9), share - 90'000'000)});
  CHECK(w.offered(grandchild) == flood_verdict::ignore);
  CHECK(w.offered(child) == flood_verdict::ignore);
  CHECK(w.look().size == 0);
  CHECK(w.offered(parent) == flood_verdict::forward);
  CHECK(w.look().size == 3);
  CHECK(w.flooded->all<wire::transaction_broadcast>().size() == 2);
  // In a block, as well.
  const auto block = block_on(*w.store);
  const auto early = spend(0, {{chain::txid(block->transactions.front()), 0}},
                           {pay(address(9), share - 30'000'000)});
  CHECK(w.offered(early) == flood_verdict::ignore);
  w.apply(block);
  CHECK(w.look().size == 4);
}

TEST_CASE("what waits for something that never comes is bounded and forgotten") {
  mempool_world w;
  hash256 nowhere{};
  for (std::uint32_t i = 0; i < 2 * max_parked; ++i)
    w.offered(spend(0, {{nowhere, i}}, {pay(address(9), share / 2)}));
  const auto block = block_on(*w.store);
  const auto early = spend(0, {{chain::txid(block->transactions.front()), 0}},
                           {pay(address(9), share - 30'000'000)});
  w.offered(early);
  w.advance(std::chrono::seconds{parked_for + 1});
  w.apply(block_on(*w.store, {}, 2));  // another one: it is let go
  CHECK(w.look().size == 0);
}

TEST_CASE("a peer whose masternodes vote again on what we lack is asked for it") {
  mempool_world w;
  const auto record = w.connect(8);
  const auto x = w.simple(1);
  const auto asked = [&] {
    return all_of_kind<wire::get_pending_transactions>(record->lines).size();
  };
  w.voted(1, x);
  CHECK(asked() == 1);  // when it came
  w.advance(16s);
  w.judge(
      [&] {
        wire::transaction_vote vote{
            chain::txid(x), ip_of(1).to_string(), true, w.context.unix_now(), {}};
        chain::sign(vote, owner(1));
        return vote;
      }(),
      8);
  CHECK(asked() == 2);
}

// -- votes ----------------------------------------------------------------------------------

TEST_CASE("a transaction is final when more than two thirds of those who decide approve, and then "
          "goes into blocks") {
  mempool_world w;
  const auto x = w.simple(1);
  w.offered(x);
  REQUIRE(w.flooded->all<wire::transaction_vote>().size() == 1);
  const auto own = w.flooded->all<wire::transaction_vote>().front();
  CHECK(own.approve);
  CHECK(own.voter == "203.0.113.1");
  CHECK(chain::verify(own, owner(0).public_key()));
  CHECK(w.voted(1, x) == flood_verdict::forward);
  CHECK(w.fill().transactions.empty());
  CHECK(w.look().final_count == 0);
  CHECK(w.voted(2, x) == flood_verdict::forward);
  CHECK(w.look().final_count == 1);
  CHECK(w.look().quorum == 3);
  CHECK(w.look().voters == 4);
  const auto filling = w.fill();
  CHECK(filling.transactions == std::vector{x});
  CHECK(filling.fees == 30'000'000);
  CHECK(w.flooded->all<wire::transaction_finalized>() ==
        std::vector{wire::transaction_finalized{chain::txid(x), 3}});
  CHECK(w.judge(wire::transaction_finalized{chain::txid(x), 3}).verdict == flood_verdict::forward);
  CHECK(w.judge(wire::transaction_finalized{chain::txid(w.simple(2)), 3}).verdict ==
        flood_verdict::ignore);
}

TEST_CASE(
    "votes may come before their transaction, and count once each and from masternodes only") {
  mempool_world w{false};
  const auto x = w.simple(1);
  CHECK(w.voted(1, x) == flood_verdict::forward);
  CHECK(w.voted(1, x) == flood_verdict::ignore);
  CHECK(w.voted(2, x) == flood_verdict::forward);
  CHECK(w.voted(9, x) == flood_verdict::ignore);  // none of them
  wire::transaction_vote forged{
      chain::txid(x), ip_of(3).to_string(), true, w.context.unix_now(), {}};
  chain::sign(forged, owner(2));
  CHECK(w.judge(forged).verdict == flood_verdict::ignore);
  CHECK(w.voted(3, x, false) == flood_verdict::forward);
  w.offered(x);
  CHECK(w.look().final_count == 0);
  CHECK(w.voted(0, x) == flood_verdict::forward);
  CHECK(w.look().final_count == 1);
  CHECK(w.flooded->all<wire::transaction_vote>().empty());  // we are none
}

TEST_CASE(
    "a masternode approves one of two rivals, also when the first was overtaken by agreement") {
  mempool_world w;
  const auto first = w.simple(1);
  const auto rival = w.simple(1, 40'000'000);
  w.offered(first);
  for (unsigned n = 1; n < 4; ++n)
    w.voted(n, rival);
  // The others agree on the rival: it takes the place of ours, and we do not vote twice.
  CHECK(w.offered(rival) == flood_verdict::forward);
  CHECK(w.look().size == 1);
  CHECK(w.look().final_count == 1);
  CHECK(w.flooded->all<wire::transaction_vote>().size() == 1);
}

TEST_CASE("a vote that nobody heard is said again until the transaction is final") {
  mempool_world w;
  const auto x = w.simple(1);
  w.offered(x);
  CHECK(w.flooded->all<wire::transaction_vote>().size() == 1);
  w.advance(60s);
  const auto votes = w.flooded->all<wire::transaction_vote>();
  CHECK(votes.size() == 4);
  CHECK(votes.back().timestamp > votes.front().timestamp);
  w.voted(1, x);
  w.voted(2, x);
  w.advance(60s);
  CHECK(w.flooded->all<wire::transaction_vote>().size() == 4);
}

TEST_CASE("a masternode that has just started listens before it votes, and stands by what it said "
          "before") {
  mempool_world w;
  const auto first = w.simple(1);
  const auto rival = w.simple(1, 40'000'000);
  // What it said in an earlier life comes back to it with the transaction.
  CHECK(w.voted(0, first) == flood_verdict::forward);
  w.offered(first);
  CHECK(w.look().votes == 1);
  w.offered(rival);
  CHECK(w.look().conflicting == 1);
}

TEST_CASE("a masternode that comes back approves no rival of what it approved before, though "
          "nobody reminds it") {
  const auto disk = std::make_shared<chain::memory_approval_journal>();
  {
    mempool_world w{true, {}, disk};
    CHECK(w.offered(w.simple(1)) == flood_verdict::forward);
    CHECK(w.look().votes == 1);
  }
  mempool_world w{true, {}, disk};
  CHECK(w.look().size == 1);  // and it waits again
  CHECK(w.offered(w.simple(1, 40'000'000)) == flood_verdict::ignore);
  w.advance(20s);
  const auto votes = w.flooded->all<wire::transaction_vote>();
  REQUIRE(!votes.empty());
  for (const auto& x : votes)
    CHECK(x.txid == chain::txid(w.simple(1)));
  CHECK(w.offered(w.simple(2)) == flood_verdict::forward);
}

TEST_CASE("what was approved in a block's time waits no more after a restart") {
  const auto disk = std::make_shared<chain::memory_approval_journal>();
  mempool_world w{true, {}, disk};
  const auto x = w.simple(1);
  w.offered(x);
  w.apply(block_on(*w.store, {x}, 4, 30'000'000));
  CHECK(w.look().size == 0);
  // Another life on the same chain:
  const auto again = w.system.spawn<mempool>(
      w.context, mempool_parts{w.keeper, w.list, w.registry, w.store, w.identity, disk});
  CHECK(w.ask<mempool_snapshot>(again, atom::snapshot_v).size == 0);
}

namespace {

/// A disk that can fail, and counts its syncs.
class tricky_journal final : public chain::approval_journal {
 public:
  std::vector<chain::approval> restore() override { return {}; }
  outcome<void> write_down(std::span<const chain::approval> some) override {
    if (broken)
      return fail("the disk is full");
    ++syncs;
    approvals += some.size();
    return {};
  }
  bool is_long() const noexcept override { return false; }
  outcome<void> keep_only(std::span<const chain::approval>) override { return {}; }

  bool broken = false;
  std::size_t syncs = 0;
  std::size_t approvals = 0;
};

}  // namespace

TEST_CASE("what cannot be written down is not approved until it can") {
  const auto disk = std::make_shared<tricky_journal>();
  disk->broken = true;
  mempool_world w{true, {}, disk};
  w.offered(w.simple(1));
  w.advance(40s);
  CHECK(w.flooded->all<wire::transaction_vote>().empty());
  CHECK(w.look().votes == 0);
  disk->broken = false;
  w.advance(20s);
  CHECK(w.flooded->all<wire::transaction_vote>().size() == 1);
  CHECK(disk->approvals == 1);
}

TEST_CASE("what comes at one time is written down with one sync of the disk") {
  const auto disk = std::make_shared<tricky_journal>();
  mempool_world w{true, {}, disk};
  w.offered(w.simple(1));  // who votes is asked with the first one
  const auto before = disk->syncs;
  for (std::uint64_t height = 2; height <= 9; ++height)
    w.self->send(w.uut, atom::judge_v, ip_of(7),
                 wire::message{wire::transaction_broadcast{w.simple(height)}});
  w.run();
  CHECK(w.flooded->all<wire::transaction_vote>().size() == 9);
  CHECK(disk->syncs == before + 1);
}

// -- blocks ---------------------------------------------------------------------------------

TEST_CASE("what a block has waits no more, and comes back when the block is undone") {
  mempool_world w;
  const auto x = w.simple(1);
  w.offered(x);
  w.voted(1, x);
  w.voted(2, x);
  const auto before = *w.store->block_at(10);
  w.apply(block_on(*w.store, {x}, 4, 30'000'000));
  CHECK(w.look().size == 0);
  CHECK(w.look().confirmed == 1);
  CHECK(w.look().votes == 0);
  CHECK(w.offered(x) == flood_verdict::ignore);
  // Another branch without it.
  chain_branch branch{10, chain::block_hash(before.header), {}};
  auto other = next_block(before, address(5));
  branch.blocks.push_back(must_check(other));
  branch.blocks.push_back(must_check(next_block(*other, address(5))));
  const auto reply = w.ask<apply_reply>(w.keeper, atom::apply_v, branch);
  REQUIRE(reply.applied == 2);
  CHECK(w.look().size == 1);
  CHECK(w.look().returned == 1);
  CHECK(w.answer<wire::pending_transactions_response>(wire::get_pending_transactions{})
            .transactions == std::vector{x});
}

TEST_CASE("a rival in a block ends what waits, with what builds on it") {
  mempool_world w;
  const auto x = spend(0, {reward(*w.store, 1, 0)}, {pay(address(0), share - 30'000'000)});
  w.offered(x);
  CHECK(w.offered(spend(0, {{chain::txid(x), 0}}, {pay(address(9), share - 60'000'000)})) ==
        flood_verdict::forward);
  w.apply(block_on(*w.store, {w.simple(1)}, 4, 30'000'000));
  CHECK(w.look().size == 0);
  CHECK(w.look().overtaken == 2);
}

TEST_CASE("a block is filled for the chain's tip, also before we are told of it") {
  mempool_world w;
  const auto x = w.simple(1);
  w.offered(x);
  w.voted(1, x);
  w.voted(2, x);
  REQUIRE(w.fill().transactions.size() == 1);
  put(*w.store, block_on(*w.store, {x}, 4, 30'000'000));  // behind the keeper's back
  CHECK(w.fill().transactions.empty());
}
