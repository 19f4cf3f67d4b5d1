// Transactions in whole networks of masternodes, on virtual time: they become final and come into blocks, once,
// whatever is sent where.

#include "chain/signed_messages.hpp"
#include "tests/actors/producer_world.hpp"
#include "tests/transactions.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace test;

namespace {

/// Sends what owner of masternode `n` got in that block to somebody, by that node.
transaction send_reward(producer_world& w, std::size_t n, std::uint64_t height) {
  const auto& node = *w.nodes[n];
  const auto block = node.store->block_at(height);
  const auto own = chain::address_of(node.keys.public_key(), test_network);
  const auto& outputs = block->transactions.front().outputs;
  for (std::uint32_t vout = 0; vout < outputs.size(); ++vout)
    if (outputs[vout] == pay(own, outputs[vout].value)) {
      transaction x;
      x.version = 1;
      x.inputs.push_back({{chain::txid(block->transactions.front()), vout}, {}, 0});
      x.outputs.push_back(pay(address(9), outputs[vout].value - 20'000'000));
      chain::sign(x, node.keys);
      const auto reply = w.ask<offer_reply>(node.mempool, atom::offer_v,
                                            wire::message{wire::transaction_broadcast{x}});
      REQUIRE(reply.refused == "");
      return x;
    }
  FAIL("node " << n << " was not paid at height " << height);
  return {};
}

std::uint64_t height_with(const chain::chain_reader& store, const transaction& x) {
  for (std::uint64_t h = 1; h <= store.tip().height; ++h)
    for (const auto& y : store.block_at(h)->transactions)
      if (y == x)
        return h;
  return 0;
}

}  // namespace

TEST_CASE(
    "in a network of masternodes transactions become final at once and go into the next block") {
  producer_world w{4, 5};
  w.rules.require_signatures = true;
  w.start_all();
  w.advance(30s);
  REQUIRE(w.least_final() >= 3);
  std::vector<transaction> sent;
  for (std::size_t n = 0; n < 4; ++n)
    for (std::uint64_t height = 1; height <= 3; ++height)
      sent.push_back(send_reward(w, n, height));
  w.run();  // No time passes.
  for (std::size_t n = 0; n < 4; ++n)
    CHECK(w.pool(n).final_count == 12);
  const auto before = w.least_final();
  w.advance(10s);
  for (const auto& x : sent)
    CHECK(height_with(*w.nodes[0]->store, x) > before);
  for (std::size_t n = 0; n < 4; ++n)
    CHECK(w.pool(n).size == 0);
  const auto paid = w.nodes[1]->store->block_at(height_with(*w.nodes[1]->store, sent[0]));
  CHECK(paid->header.block_reward > chain::block_subsidy);
  CHECK(w.equal_tips());
  CHECK(w.certificates->conflicts == 0);
}

TEST_CASE("of two rivals that are sent at two places at once at most one comes into the chain") {
  producer_world w{7, 5};
  w.rules.require_signatures = true;
  w.start_all();
  w.advance(30s);
  for (std::uint64_t height = 1; height <= 4; ++height) {
    // Each half meets another one first.
    w.split({0, 1, 2});
    const auto& node = *w.nodes[0];
    const auto first = send_reward(w, 0, height);
    auto rival = first;
    rival.outputs[0].value -= 1'000;
    chain::sign(rival, node.keys);
    REQUIRE(w.ask<offer_reply>(w.nodes[6]->mempool, atom::offer_v,
                               wire::message{wire::transaction_broadcast{rival}})
                .refused == "");
    w.advance(500ms);
    w.heal();
    w.advance(60s);
    const auto both = (height_with(*w.nodes[3]->store, first) != 0) +
                      (height_with(*w.nodes[3]->store, rival) != 0);
    CHECK(both <= 1);
  }
  CHECK(w.least_final() >= 40);
  CHECK(w.equal_tips());
  CHECK(w.certificates->conflicts == 0);
}

TEST_CASE("a masternode that comes back learns what waits and what was said of it") {
  producer_world w{4, 600};
  w.rules.block_time = 300;
  w.rules.require_signatures = true;
  w.start_all();
  w.advance(620s);
  REQUIRE(w.least_final() >= 1);
  w.stop(3);
  const auto x = send_reward(w, 0, 1);
  w.advance(5s);
  CHECK(w.pool(1).final_count == 1);
  w.start(3);
  w.advance(5s);
  CHECK(w.pool(3).size == 1);
  CHECK(w.pool(3).final_count == 1);
  w.advance(300s);
  CHECK(height_with(*w.nodes[3]->store, x) != 0);
}

TEST_CASE("a transaction goes over each link once at most in each direction, and to everybody") {
  producer_world w{5, 300};
  w.rules.require_signatures = true;
  w.start_all();
  w.advance(310s);
  REQUIRE(w.least_final() >= 1);
  std::map<std::pair<std::size_t, std::size_t>, int> carried;
  w.passes = [&](std::size_t from, std::size_t to, const wire::message& x) {
    if (std::holds_alternative<wire::transaction_broadcast>(x))
      ++carried[{from, to}];
    return true;
  };
  send_reward(w, 0, 1);
  w.advance(1s);
  for (std::size_t n = 0; n < 5; ++n)
    CHECK(w.pool(n).final_count == 1);
  CHECK(carried.size() >= 4);
  for (const auto& [link, count] : carried)
    CHECK(count == 1);
}

TEST_CASE("a flood of bad transactions is charged to its peer, and goes no further") {
  producer_world w{4, 300};
  w.rules.require_signatures = true;
  w.start_all();
  w.advance(310s);
  REQUIRE(w.least_final() >= 1);
  std::size_t carried = 0;
  w.passes = [&](std::size_t, std::size_t, const wire::message& x) {
    carried += std::holds_alternative<wire::transaction_broadcast>(x);
    return true;
  };
  const auto attacker = ip_address::from_v4({198, 51, 100, 1});
  const auto coin = reward(*w.nodes[0]->store, 1, 0);
  for (std::uint32_t i = 0; i < 5'000; ++i) {
    auto x = spend(99, {coin}, {pay(address(9), 1'000'000 + i)});
    w.self->send(w.nodes[0]->gossip, attacker, wire::message{wire::transaction_broadcast{x}});
    if (i % 100 == 0)
      w.run();
  }
  w.run();
  const auto& violations = w.nodes[0]->told->violations;
  CHECK(violations.size() >= 100);
  CHECK(violations.size() <= 2'100);  // what gossip takes of one peer at once
  CHECK(violations.front().ip == attacker);
  CHECK(violations.front().reason.find("whose output it does not spend") != std::string::npos);
  CHECK(carried == 0);
  CHECK(w.pool(0).size == 0);
  CHECK(w.pool(0).votes == 0);
  // And others go on.
  send_reward(w, 1, 1);
  w.advance(1s);
  CHECK(w.pool(0).final_count == 1);
}
