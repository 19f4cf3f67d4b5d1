// Block producers of whole networks when something is wrong: partitions, power cuts, clocks, strangers' blocks, lost
// messages. There are never two certified blocks at one height, and blocks go on when it is over.

#include "actors/invariants.hpp"
#include "actors/metrics.hpp"
#include "chain/hashes.hpp"
#include "chain/signed_messages.hpp"
#include "tests/actors/producer_world.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace timenode;
using namespace test;

TEST_CASE("halves that do not see each other make no block, however long; when they do, both go on "
          "with the same") {
  producer_world w{6, 120};
  w.start_all();
  w.advance(6min);
  w.split({0, 1, 2});
  w.advance(3min);
  const auto before = w.least_final();
  w.advance(70min);  // longer than a masternode is remembered
  for (std::size_t i = 0; i < 6; ++i)
    CHECK(w.final_height(i) <= before + 1);
  w.heal();
  w.advance(15min);
  CHECK(w.least_final() > before + 35);  // and what was missed is made up for
  CHECK(w.equal_tips());
  CHECK(w.certificates->conflicts == 0);
}

TEST_CASE("all stop at once and come back: nothing is signed twice, and blocks go on") {
  producer_world w{4, 5};
  w.start_all();
  for (int round = 0; round < 10; ++round) {
    w.advance(std::chrono::milliseconds{7'300 + 911 * round});
    for (std::size_t i = 0; i < 4; ++i)
      w.stop(i);
    w.advance(3s);
    w.start_all();
  }
  const auto before = w.least_final();
  w.advance(60s);
  CHECK(w.least_final() >= before + 10);
  CHECK(w.equal_tips());
  CHECK(w.certificates->conflicts == 0);
}

TEST_CASE("a masternode whose clock is off by two minutes signs nothing, and the others go on") {
  producer_world w{4, 5};
  w.nodes[2]->clock_skew = 300;
  w.rules.first_masternodes = 4;
  w.start_all();
  w.advance(60s);
  CHECK(w.least_final() >= 3);
  CHECK(w.look(2).signs_nothing == "its clock is -300 s from those of most masternodes");
  CHECK(w.look(0).signs_nothing.empty());
  const auto certificate = w.nodes[0]->store->certificate_at(w.least_final());
  REQUIRE(certificate);
  for (const auto& [voter, made] : certificate->signatures)
    CHECK(voter != w.nodes[2]->ip.to_string());
}

TEST_CASE("strangers whose clocks are wrong, however many, keep no masternode from signing") {
  producer_world w{4, 5};
  w.rules.first_masternodes = 4;
  w.start_all();
  w.advance(20s);
  for (std::size_t i = 0; i < 4; ++i)
    for (int stranger = 1; stranger <= 20; ++stranger)
      w.stranger_with_clock(i, stranger, 1000);
  const auto before = w.least_final();
  w.advance(60s);
  CHECK(w.least_final() >= before + 10);
  CHECK(w.look(0).signs_nothing.empty());
  CHECK(w.look(0).clock_offset == 0);
}

TEST_CASE(
    "a network that was down goes on though strangers claim that there is more, and waits when "
    "those who decide do") {
  producer_world w{4, 5};
  w.rules.first_masternodes = 4;
  w.start_all();
  w.advance(30s);
  const auto before = w.least_final();
  REQUIRE(before >= 2);
  for (std::size_t i = 0; i < 4; ++i)
    w.stop(i);
  w.advance(2min);
  // Of those who decide so many claim more; what makes the engine ask for blocks is what others claim.
  std::uint64_t claimants = 2;
  std::size_t asked = 0;
  w.downloads = [&](const std::vector<ip_address>& of) {
    asked += of.size() == 4;
    sync_progress result;
    result.state = sync_state_asking;
    result.ahead = claimants;
    return result;
  };
  w.start_all();
  w.advance(60s);
  CHECK(asked > 4);
  CHECK(w.least_final() == before);
  CHECK(w.look(0).why == "blocks are being downloaded");
  claimants = 1;  // one of four may be faulty
  w.advance(30s);
  CHECK(w.least_final() >= before + 10);
  CHECK(w.certificates->conflicts == 0);
}

TEST_CASE("what a masternode could not sign while its clock was wrong it signs when it is right, "
          "and nobody waits "
          "for ever") {
  producer_world w{4, 5};
  w.rules.first_masternodes = 4;
  w.start_all();
  w.advance(20s);
  w.stop(3);  // from now on all three have to sign
  w.nodes[2]->clock_skew = 300;
  w.split({2});
  w.heal();  // clocks are compared with the first words
  w.advance(20s);
  const auto before = w.least_final();
  w.advance(60s);
  CHECK(w.least_final() == before);
  w.nodes[2]->clock_skew = 0;
  w.split({2});
  w.heal();
  w.advance(60s);
  CHECK(w.least_final() >= before + 10);
  CHECK(w.certificates->conflicts == 0);
}

TEST_CASE("a masternode that learns its address only later takes part from then on") {
  producer_world w{4, 5};
  w.rules.first_masternodes = 4;
  w.nodes[1]->knows_itself = false;
  w.start_all();
  w.advance(60s);
  CHECK(w.height(0) == 0);  // the first block waits for it
  CHECK(w.look(1).signs_nothing == "its own address is not known yet");
  w.learn_address(1);
  w.advance(60s);
  CHECK(w.least_final() >= 8);
  const auto certificate = w.nodes[0]->store->certificate_at(w.least_final());
  REQUIRE(certificate);
  CHECK(w.look(1).takes_part);
  CHECK(w.look(1).signs_nothing.empty());
}

TEST_CASE("clocks that differ by less do no harm") {
  producer_world w{4, 60};
  w.nodes[0]->clock_skew = 50;
  w.nodes[1]->clock_skew = -50;
  w.start_all();
  w.advance(20min);
  CHECK(w.least_final() >= 15);
  CHECK(w.equal_tips());
}

TEST_CASE(
    "a block that an unknown announces without votes gives way to the one that is voted for") {
  producer_world w{4, 60};
  w.start_all();
  w.advance(70s);
  const auto parent = w.nodes[0]->store->tip();
  const auto rogue = next_block(*w.nodes[0]->store->block_at(parent.height), "rogue");
  for (std::size_t i = 0; i < 4; ++i) {
    checked_batch batch;
    batch.blocks.push_back(must_check(rogue));
    // Only some of them take it.
    if (i % 2 == 0)
      w.ask<apply_reply>(w.nodes[i]->keeper, atom::apply_v, batch);
  }
  w.advance(5min);
  CHECK(w.least_final() > parent.height);
  CHECK(w.equal_tips());
  CHECK(w.certificates->conflicts == 0);
}

TEST_CASE(
    "votes and proposals that are lost, in any mixture, delay blocks and never split the chain") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    CAPTURE(seed);
    producer_world w{5, 5};
    std::mt19937_64 random{seed};
    double loss = 0;
    w.passes = [&](std::size_t, std::size_t, const wire::message&) {
      return std::uniform_real_distribution<>{}(random) >= loss;
    };
    w.start_all();
    w.advance(10s);
    loss = 0.1 * static_cast<double>(seed % 5);
    const auto before = w.least_final();
    for (int i = 0; i < 12; ++i) {
      const auto victim = random() % 5;
      if (random() % 3 == 0)
        w.stop(victim);
      else if (!w.nodes[victim]->up)
        w.start(victim);
      if (random() % 3 == 0)
        w.split({random() % 5, random() % 5});
      w.advance(std::chrono::seconds{random() % 20});
    }
    loss = 0;
    w.heal();
    for (std::size_t i = 0; i < 5; ++i)
      if (!w.nodes[i]->up)
        w.start(i);
    w.advance(120s);
    CHECK(w.least_final() > before + 10);
    CHECK(w.equal_tips());
    CHECK(w.certificates->conflicts == 0);
  }
}

TEST_CASE("a second certificate of a height, with votes enough, is told once and counted; one with "
          "too few is "
          "nothing") {
  producer_world w{4, 5};
  node_metrics metrics{w.system.metrics()};
  w.context.metrics = &metrics;
  w.start_all();
  w.advance(20s);
  const auto height = w.least_final();
  REQUIRE(height >= 2);
  const auto rival = next_block(*w.nodes[0]->store->block_at(height - 1), "rogue");
  wire::block_commit split{chain::block_hash(rival->header), height, {}};
  const auto votes = [&](std::size_t voter) {
    wire::block_vote vote{split.block_hash, height, w.nodes[voter]->ip.to_string(), {}, true};
    chain::sign(vote, w.nodes[voter]->keys);
    split.signatures.emplace_back(vote.voter, vote.signature);
    w.self->send(w.nodes[0]->gossip, w.nodes[3]->ip, wire::message{split});
    w.run();
    return metrics.violations(invariant::one_certificate);
  };
  // Who is named again is not looked at again, or one line could keep us busy for seconds.
  for (int i = 0; i < 100; ++i)
    split.signatures.emplace_back(w.nodes[0]->ip.to_string(), byte_string(64, 7));
  CHECK(votes(1) == 0);
  CHECK(votes(2) == 0);
  CHECK(votes(0) == 0);
  CHECK(votes(3) == 1);
  split.signatures.erase(split.signatures.begin(), split.signatures.begin() + 100);
  CHECK(votes(0) == 1);  // another certificate of the same
  CHECK(w.nodes[0]->store->certificate_at(height)->block_hash != split.block_hash);
}
