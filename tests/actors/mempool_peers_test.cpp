// What the mempool tells its peers, light clients and whoever looks, and what it takes of their answers.

#include "tests/actors/mempool_world.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace test;

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

TEST_CASE("when eight peers that we dialed have said within a minute what waits, those that come "
          "are not asked") {
  mempool_world w;
  const auto asked = [&w](unsigned number) {
    return all_of_kind<wire::get_pending_transactions>(
               w.connect(number, link_direction::outbound)->lines)
        .size();
  };
  for (unsigned i = 10; i < 18; ++i) {
    CHECK(asked(i) == 1);
    w.self->send(w.uut, ip_of(i), wire::message{wire::pending_transactions_response{}});
    w.run();
  }
  CHECK(asked(18) == 0);
  w.advance(std::chrono::seconds{61});
  CHECK(asked(19) == 1);
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
