// Block producers of whole networks, on virtual time: blocks come when they are due, whatever happens to some
// of the masternodes, and never two with a certificate at one height.

#include "chain/signed_messages.hpp"
#include "tests/actors/producer_world.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace test;

TEST_CASE("four masternodes make a block every block time, each final and paying all of them") {
  producer_world w{4, 5};
  w.start_all();
  w.advance(10s);
  const auto began = w.least_final();
  w.advance(300s);
  CHECK(w.least_final() >= began + 59);
  CHECK(w.least_final() <= began + 61);
  CHECK(w.equal_tips());
  CHECK(w.certificates->conflicts == 0);
  for (std::uint64_t h = 1; h <= w.least_final(); ++h) {
    const auto block = w.nodes[0]->store->block_at(h);
    CHECK(block->masternode_rewards.size() == 4);
    CHECK(block->header.timestamp % 5 == 0);
    if (h > 1)
      CHECK(block->header.timestamp == w.nodes[0]->store->block_at(h - 1)->header.timestamp + 5);
    const auto certificate = w.nodes[0]->store->certificate_at(h);
    REQUIRE(certificate);
    CHECK(certificate->signatures.size() >= 3);
    for (const auto& [voter, made] : certificate->signatures) {
      const auto i = std::find_if(w.nodes.begin(), w.nodes.end(),
                                  [&](const auto& x) { return x->ip.to_string() == voter; });
      REQUIRE(i != w.nodes.end());
      CHECK(chain::verify(wire::block_vote{certificate->block_hash, h, voter, made, true},
                          (*i)->keys.public_key()));
    }
  }
}

TEST_CASE("blocks come every 600 s on the public networks' rules, at genesis time + 600 h") {
  producer_world w{4, 600};
  // Up to where the schedule is now: nobody has to catch up with months.
  const auto& genesis = *chain::genesis_block(network_id::testnet).block;
  const auto due = static_cast<std::uint64_t>((start_of_time - genesis.header.timestamp) / 600);
  CHECK(due > 2000);
  w.rules.present_set_at = 2001;  // the real chain pays others
  for (auto& x : w.nodes) {
    chain::chain_state state{*x->store};
    std::vector<checked_block> blocks;
    for (std::size_t h = 1; h <= 2000; ++h)
      blocks.push_back(must_check(real_chain()[h]));
    REQUIRE(state.apply(blocks, start_of_time, false).applied == 2000);
  }
  w.start_all();
  // The network was down for a long time: what is due comes at the speed of the votes.
  w.advance(30s);
  CHECK(w.least_final() == due);
  const auto tip = w.nodes[0]->store->block_at(w.least_final());
  CHECK(tip->header.timestamp == genesis.header.timestamp + 600 * static_cast<std::int64_t>(due));
  w.advance(6h);
  CHECK(w.least_final() >= due + 35);
  CHECK(w.least_final() <= due + 37);
  CHECK(w.equal_tips());
  CHECK(w.certificates->conflicts == 0);
}

TEST_CASE("two masternodes make no block") {
  producer_world w{2, 5};
  w.start_all();
  w.advance(10min);
  CHECK(w.height(0) == 0);
  CHECK(w.look(0).state == "idle");
  CHECK(w.look(0).why == "there are 2 active masternodes, and 3 are needed to make a block");
}

TEST_CASE("the first block waits for as many masternodes as the network is told to begin with") {
  producer_world w{4, 5};
  for (std::size_t i = 0; i < 3; ++i)
    w.start(i);
  w.advance(5min);
  CHECK(w.height(0) == 0);
  w.start(3);
  w.advance(30s);
  CHECK(w.least_final() >= 3);
}

TEST_CASE("one of four can go and come back; with two gone there are no blocks until one is back") {
  producer_world w{4, 5};
  w.start_all();
  w.advance(20s);
  w.stop(1);
  auto before = w.least_final();
  w.advance(120s);
  CHECK(w.least_final() >= before + 15);  // some rounds wait for its turn
  w.start(1);
  w.advance(20s);
  CHECK(w.equal_tips());
  w.stop(1);
  w.stop(2);
  before = w.least_final();
  w.advance(60s);
  CHECK(w.least_final() <= before + 1);
  before = w.least_final();
  w.advance(60s);
  CHECK(w.least_final() == before);
  w.start(2);
  w.advance(60s);
  CHECK(w.least_final() >= before + 10);  // caught up with what was due
  w.start(1);
  w.advance(30s);
  CHECK(w.equal_tips());
  CHECK(w.certificates->conflicts == 0);
}

TEST_CASE("a masternode that is gone for good is paid no more, and counts no more") {
  producer_world w{5, 30};
  w.start_all();
  w.advance(2min);
  w.stop(4);
  w.advance(10min);
  const auto block = w.nodes[0]->store->block_at(w.least_final());
  CHECK(block->masternode_rewards.size() == 4);
  CHECK(w.look(0).size == 4);
  w.stop(3);
  w.advance(10min);
  CHECK(w.nodes[0]->store->block_at(w.least_final())->masternode_rewards.size() == 3);
  const auto before = w.least_final();
  w.advance(2min);
  CHECK(w.least_final() >= before + 3);
  w.start(4);
  w.advance(5min);
  CHECK(w.nodes[4]->store->block_at(w.final_height(4))->masternode_rewards.size() == 4);
  CHECK(w.equal_tips());
}

TEST_CASE(
    "while a height cannot be decided, a block goes to a peer now and then, and not with every "
    "repeated ballot") {
  producer_world w{4, 20};
  w.start_all();
  w.advance(60s);
  w.stop(1);
  w.stop(2);
  std::map<std::pair<hash256, std::uint64_t>, std::size_t> proposals;
  std::size_t ballots = 0;
  w.passes = [&](std::size_t from, std::size_t, const wire::message& x) {
    if (const auto* it = std::get_if<wire::block_proposal>(&x); it && from == 0)
      ++proposals[{chain::block_hash(it->block->header), it->round}];
    ballots += from == 0 && std::holds_alternative<wire::block_ballot>(x);
    return true;
  };
  w.advance(4min);
  REQUIRE(!proposals.empty());
  CHECK(ballots > 400);
  std::size_t all = 0;
  for (const auto& [_, count] : proposals)
    all += count;
  // Ballots are repeated every half a second, blocks every four.
  CHECK(all <= 240 / 4 + 2 * proposals.size());
}
