// The mempool between its peers, its chain and the other masternodes.

#include "actors/mempool.hpp"
#include "chain/hex.hpp"
#include "chain/signed_messages.hpp"
#include "tests/actors/producer_world.hpp"
#include "tests/transactions.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace test;

namespace {

constexpr amount share = chain::block_subsidy / 4;

ip_address ip_of(unsigned n) {
  return ip_address::from_v4({203, 0, 113, static_cast<std::uint8_t>(n + 1)});
}

struct flood_record {
  std::vector<wire::message> floods;

  template <class T>
  std::vector<T> all() const {
    std::vector<T> result;
    for (const auto& x : floods)
      if (const auto* y = std::get_if<T>(&x))
        result.push_back(*y);
    return result;
  }
};

/// One mempool on a chain of ten blocks that pay four owners, each of whom is a masternode; we are the first.
struct mempool_world : test_node {
  explicit mempool_world(bool voting = true, chain::pool_limits limits = {}) {
    spdlog::set_level(spdlog::level::off);
    for (int i = 0; i < 10; ++i)
      put(*store, block_on(*store));
    context.local_ip = ip_of(0);
    context.rules.require_signatures = true;
    std::tie(registry, told) = spawn_recording_registry(system);
    keeper = system.spawn<chain_keeper>(context, store);
    auto table = system.spawn([this]() -> masternode_list_actor::behavior_type {
      return {[this](atom::list) {
        ++asked;
        return masternodes;
      }};
    });
    for (unsigned i = 0; i < 4; ++i) {
      masternode_entry x;
      x.ip = ip_of(i);
      x.reward_address = address(i);
      x.key = owner(i).public_key();
      x.active = true;
      x.ours = i == 0;
      masternodes.push_back(x);
    }
    std::optional<masternode_identity> identity;
    if (voting)
      identity = masternode_identity{owner(0), address(0), wire::masternode_tier::free, 0};
    uut = system.spawn<mempool>(context,
                                mempool_parts{keeper, table, registry, store, identity, limits});
    auto floods = system.spawn([to = flooded]() -> gossip_actor::behavior_type {
      return {
          [to](atom::flood, const wire::message& x) { to->floods.push_back(x); },
          [](atom::snapshot) { return gossip_snapshot{}; },
          [](atom::peer_up, const peer_info&, const peer_connection_actor&) {},
          [](atom::peer_down, const ip_address&) {},
          [](const ip_address&, const wire::message&) {},
      };
    });
    self->send(uut, atom::attach_v, floods);
    advance(votes_begin_after);
  }

  flood_judgement judge(const wire::message& x, unsigned from = 7) {
    return ask<flood_judgement>(uut, atom::judge_v, ip_of(from), x);
  }
  flood_verdict offered(const transaction& x) {
    return judge(wire::transaction_broadcast{x}).verdict;
  }
  flood_verdict voted(unsigned n, const transaction& x, bool approve = true) {
    wire::transaction_vote vote{
        chain::txid(x), ip_of(n).to_string(), approve, context.unix_now(), {}};
    chain::sign(vote, owner(n));
    return judge(vote).verdict;
  }
  mempool_snapshot look() { return ask<mempool_snapshot>(uut, atom::snapshot_v); }
  block_filling fill() { return ask<block_filling>(uut, atom::fill_v, std::uint64_t{1'000'000}); }
  void apply(const block_ptr& x) {
    checked_batch batch;
    batch.blocks.push_back(must_check(x));
    REQUIRE(ask<apply_reply>(keeper, atom::apply_v, std::move(batch)).rejected == "");
  }
  transaction simple(std::uint64_t height, amount fee = 30'000'000) {
    return spend(0, {reward(*store, height, 0)}, {pay(address(9), share - fee)});
  }
  template <class Message>
  Message answer(const wire::message& question) {
    return std::get<Message>(decode(*ask<encoded_line>(uut, atom::serve_v, question).bytes));
  }
  std::shared_ptr<connection_record> connect(unsigned n) {
    auto [connection, record] = spawn_fake_connection(system);
    self->send(uut, atom::peer_up_v,
               peer_info{ip_of(n), 40 + n, link_direction::inbound, {ip_of(n), 24100}}, connection);
    run();
    return record;
  }

  std::shared_ptr<chain::memory_store> store = std::make_shared<chain::memory_store>(test_network);
  connection_registry_actor registry;
  std::shared_ptr<registry_record> told;
  chain_keeper_actor keeper;
  std::vector<masternode_entry> masternodes;
  int asked = 0;
  std::shared_ptr<flood_record> flooded = std::make_shared<flood_record>();
  mempool_actor uut;
};

}  // namespace

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

// -- peers ----------------------------------------------------------------------------------

TEST_CASE("a peer that comes is asked what waits, told our votes, and its answer is taken once") {
  mempool_world w;
  w.offered(w.simple(1));
  const auto record = w.connect(8);
  CHECK(all_of_kind<wire::get_pending_transactions>(record->lines).size() == 1);
  CHECK(all_of_kind<wire::transaction_vote>(record->lines).size() == 1);
  const wire::message answer = wire::pending_transactions_response{{w.simple(1), w.simple(2)}};
  w.self->send(w.uut, ip_of(8), answer);
  w.run();
  CHECK(w.look().size == 2);
  CHECK(w.flooded->all<wire::transaction_broadcast>().size() == 1);
  const wire::message more = wire::pending_transactions_response{{w.simple(3)}};
  w.self->send(w.uut, ip_of(8), more);  // nobody asked
  w.run();
  CHECK(w.look().size == 2);
}

TEST_CASE("an answer with wrong transactions is one offence, and the rest of it is not looked at") {
  mempool_world w;
  w.connect(8);
  wire::pending_transactions_response bad;
  for (std::uint64_t height = 1; height <= 10; ++height)
    bad.transactions.push_back(
        spend(1, {reward(*w.store, height, 0)}, {pay(address(9), share / 2)}));
  bad.transactions.push_back(w.simple(1));
  w.self->send(w.uut, ip_of(8), wire::message{bad});
  w.run();
  REQUIRE(w.told->violations.size() == 1);
  CHECK(w.told->violations.front().ip == ip_of(8));
  CHECK(w.look().size == 0);
  CHECK(w.look().wrong == 1);
}

TEST_CASE("a peer is told the states of outputs") {
  mempool_world w;
  const auto pending = w.simple(1);
  const auto final_one = w.simple(2);
  w.offered(pending);
  w.offered(final_one);
  w.voted(1, final_one);
  w.voted(2, final_one);
  const auto x = w.answer<wire::utxo_state_response>(wire::utxo_state_query{
      {reward(*w.store, 1, 0), reward(*w.store, 2, 0), reward(*w.store, 3, 0), {{}, 7}}});
  REQUIRE(x.states.size() == 3);
  const auto* first = std::get_if<wire::utxo_spent_pending>(&x.states[0].second);
  REQUIRE(first);
  CHECK(first->txid == chain::txid(pending));
  CHECK(first->votes == 1);
  CHECK(first->total_nodes == 4);
  const auto* second = std::get_if<wire::utxo_spent_finalized>(&x.states[1].second);
  REQUIRE(second);
  CHECK(second->votes == 3);
  CHECK(std::holds_alternative<wire::utxo_unspent>(x.states[2].second));
  const auto many = w.answer<wire::utxo_state_response>(wire::utxo_state_query{
      std::vector<outpoint>(max_queried_outpoints + 5, reward(*w.store, 3, 0))});
  CHECK(many.states.size() == max_queried_outpoints);
}

TEST_CASE("who looks is told what waits and what it does to an address") {
  mempool_world w;
  const auto x =
      spend(0, {reward(*w.store, 1, 0)}, {pay(address(9), share / 2), pay(address(0), share / 4)});
  w.offered(x);
  const auto list = w.ask<std::vector<mempool_entry>>(w.uut, atom::list_v);
  REQUIRE(list.size() == 1);
  CHECK(list.front().txid == chain::txid(x));
  CHECK(list.front().approvals == 1);
  const auto detail = w.ask<transaction_detail>(w.uut, atom::explain_v, chain::txid(x));
  CHECK(detail.known);
  CHECK(detail.tx == x);
  CHECK(detail.spent == std::vector{share});
  CHECK_FALSE(w.ask<transaction_detail>(w.uut, atom::explain_v, hash256{}).known);
  const auto coins = w.ask<pending_coins>(w.uut, atom::coins_v, address(0));
  REQUIRE(coins.spent.size() == 1);
  CHECK(coins.spent.front().txid == reward(*w.store, 1, 0).txid);
  REQUIRE(coins.received.size() == 1);
  CHECK(coins.received.front().vout == 1);
  CHECK(coins.received.front().value == share / 4);
}

TEST_CASE("a light client is told what becomes of the outputs and addresses that it watches") {
  mempool_world w;
  const auto client = w.connect(8);
  const auto other = w.connect(9);
  const auto watched = reward(*w.store, 1, 0);
  const auto tell = [&](const wire::message& x) {
    w.self->send(w.uut, ip_of(8), x);
    w.run();
    client->lines.clear();
  };
  const auto told = [&] {
    w.run();
    auto result = all_of_kind<wire::utxo_state_notification>(client->lines);
    client->lines.clear();
    return result;
  };
  tell(wire::subscribe{"wallet", {address(9)}, {watched}});
  CHECK(w.look().subscriptions == 1);

  const auto x = w.simple(1);
  REQUIRE(w.offered(x) == flood_verdict::forward);
  auto heard = told();
  REQUIRE(heard.size() == 1);
  CHECK(heard[0].output == watched);
  CHECK(std::get<wire::utxo_spent_pending>(heard[0].new_state).txid == chain::txid(x));
  CHECK(heard[0].timestamp == w.context.unix_now());

  w.voted(1, x);
  w.voted(2, x);
  heard = told();
  REQUIRE(heard.size() == 1);
  CHECK(std::get<wire::utxo_spent_finalized>(heard[0].new_state).votes == 3);

  // In the block: what it spends is gone, and what it pays the address is there.
  w.apply(block_on(*w.store, {x}, 4, 30'000'000));
  heard = told();
  REQUIRE(heard.size() == 2);
  CHECK(std::get<wire::utxo_confirmed>(heard[0].new_state).block_height == 11);
  CHECK(heard[1].output == outpoint{chain::txid(x), 0});
  CHECK(std::holds_alternative<wire::utxo_unspent>(heard[1].new_state));

  // An output of the address is spent by a block without having waited here.
  const auto y = spend(9, {outpoint{chain::txid(x), 0}}, {pay(address(5), share - 80'000'000)});
  w.apply(block_on(*w.store, {y}, 4, 50'000'000));
  heard = told();
  REQUIRE(heard.size() == 1);
  CHECK(heard[0].output == outpoint{chain::txid(x), 0});

  tell(wire::unsubscribe{"wallet"});
  w.offered(w.simple(2));
  CHECK(told().empty());
  CHECK(w.look().subscriptions == 0);
  CHECK(all_of_kind<wire::utxo_state_notification>(other->lines).empty());
}

TEST_CASE(
    "a light client hears when an output is free again, and is forgotten with its connection") {
  mempool_world w{false, {.max_count = 1}};
  const auto client = w.connect(8);
  w.self->send(w.uut, ip_of(8), wire::message{wire::subscribe{"", {address(0)}, {}}});
  REQUIRE(w.offered(w.simple(1)) == flood_verdict::forward);
  client->lines.clear();
  REQUIRE(w.offered(w.simple(2, 60'000'000)) == flood_verdict::forward);
  const auto heard = all_of_kind<wire::utxo_state_notification>(client->lines);
  REQUIRE(heard.size() == 2);
  CHECK(heard[0].output == reward(*w.store, 1, 0));
  CHECK(std::holds_alternative<wire::utxo_unspent>(heard[0].new_state));
  CHECK(heard[1].output == reward(*w.store, 2, 0));
  w.self->send(w.uut, atom::peer_down_v, ip_of(8));
  w.run();
  CHECK(w.look().subscriptions == 0);
  // A wish may be here before the news that its peer is; of those whose peer never comes some are kept.
  w.self->send(w.uut, ip_of(8), wire::message{wire::subscribe{"", {address(0)}, {}}});
  w.run();
  CHECK(w.look().subscriptions == 0);
  w.connect(9);
  CHECK(w.look().subscriptions == 0);
  w.connect(8);
  CHECK(w.look().subscriptions == 1);
  for (unsigned i = 0; i <= max_early_subscriptions; ++i)
    w.self->send(w.uut, ip_of(20 + i), wire::message{wire::subscribe{"", {address(0)}, {}}});
  w.connect(20);
  CHECK(w.look().subscriptions == 1);
  w.connect(21);
  CHECK(w.look().subscriptions == 2);
}
