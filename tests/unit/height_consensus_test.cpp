// How masternodes agree on a block: each rule by itself.

#include "tests/unit/consensus_world.hpp"

using namespace timenode;
using namespace test;
using chain::height_consensus;
using wire::ballot_phase;

namespace {

const std::vector<std::string> four{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"};
constexpr hash256 none{};
constexpr hash256 block_a{{1, 1}};
constexpr hash256 block_b{{1, 2}};

/// One member of four, and what the others send it.
struct alone {
  explicit alone(std::vector<chain::signed_record> history = {}, std::uint64_t height = 7) {
    machine.emplace(height_consensus::setup{height, four, 4, four[0], {}}, history);
    // So that a test knows whose turn it is: ours never first.
    while (machine->leader(0) == four[0])
      machine.emplace(height_consensus::setup{++height, four, 4, four[0], {}}, history);
  }

  void begin() { machine->begin(now); }
  void propose(std::uint64_t round, const hash256& block,
               chain::block_quality quality = chain::block_quality::good) {
    machine->block_is(block, quality, now);
    machine->proposed(round, block, now);
  }
  void ballot(int voter, std::uint64_t round, ballot_phase phase, const hash256& block) {
    machine->take(
        wire::block_ballot{
            machine->height(), round, phase, block, four[static_cast<std::size_t>(voter)], {}},
        now);
  }
  void vote(int voter, const hash256& block) {
    machine->take(
        wire::block_vote{block, machine->height(), four[static_cast<std::size_t>(voter)], {}, true},
        now);
  }
  void wait(monotonic_ns span) {
    now += span;
    machine->tick(now);
  }
  /// What it does; its own ballots and votes count from then on.
  std::vector<chain::consensus_action> acts() {
    std::vector<chain::consensus_action> result;
    for (auto some = machine->take_actions(); !some.empty(); some = machine->take_actions())
      for (const auto& x : some) {
        result.push_back(x);
        if (const auto* cast = std::get_if<chain::ballot_action>(&x))
          ballot(0, cast->round, cast->phase, cast->block);
        if (const auto* cast = std::get_if<chain::vote_action>(&x))
          vote(0, cast->block);
      }
    return result;
  }

  std::optional<height_consensus> machine;
  monotonic_ns now = sec;
};

using acts = std::vector<chain::consensus_action>;

chain::ballot_action prepare(std::uint64_t round, const hash256& block) {
  return {round, ballot_phase::prepare, block};
}
chain::ballot_action lock(std::uint64_t round, const hash256& block) {
  return {round, ballot_phase::lock, block};
}

}  // namespace

TEST_CASE("a quorum is more than two thirds, and any two share more than a third") {
  for (std::size_t n = 1; n <= 300; ++n) {
    CHECK(3 * chain::quorum_of(n) > 2 * n);
    CHECK(3 * (chain::quorum_of(n) - 1) <= 2 * n);
    CHECK(3 * chain::third_of(n) > n);
    CHECK(3 * (chain::third_of(n) - 1) <= n);
    CHECK(2 * chain::quorum_of(n) >= n + chain::third_of(n));
  }
  CHECK(chain::quorum_of(3) == 3);
  CHECK(chain::quorum_of(4) == 3);
  CHECK(chain::quorum_of(7) == 5);
}

TEST_CASE("a round of 600 s blocks fails after a minute at the latest, one of 5 s blocks sooner") {
  const auto slow = chain::times_for(600);
  CHECK(slow.proposal == 30 * sec);
  CHECK(slow.proposal + 2 * slow.ballots == 60 * sec);
  const auto fast = chain::times_for(5);
  CHECK(fast.proposal == 2 * sec);
  CHECK(fast.ballots == sec);
}

TEST_CASE("a good proposal is prepared, locked, voted for and committed") {
  alone x;
  x.propose(0, block_a);
  CHECK(x.acts().empty());  // not before its time
  x.begin();
  CHECK(x.acts() == acts{prepare(0, block_a)});
  x.ballot(1, 0, ballot_phase::prepare, block_a);
  CHECK(x.acts().empty());
  x.ballot(2, 0, ballot_phase::prepare, block_a);
  CHECK(x.acts() == acts{lock(0, block_a)});
  x.ballot(1, 0, ballot_phase::lock, block_a);
  x.ballot(2, 0, ballot_phase::lock, block_a);
  CHECK(x.acts() == acts{chain::vote_action{block_a}});
  CHECK(x.machine->decided() == block_a);
  x.vote(1, block_a);
  CHECK(x.acts().empty());
  x.vote(3, block_a);
  CHECK(x.acts() == acts{chain::commit_action{block_a}});
  CHECK_FALSE(x.machine->deadline());
  CHECK(x.machine->ballots().signatures(block_a).size() == 3);
}

TEST_CASE("without a proposal for 30 s none is prepared, and the next leader comes") {
  alone x;
  x.begin();
  CHECK(x.machine->deadline() == x.now + 30 * sec);
  x.wait(30 * sec - 1);
  CHECK(x.acts().empty());
  x.wait(1);
  CHECK(x.acts() == acts{prepare(0, none)});
  x.ballot(1, 0, ballot_phase::prepare, none);
  x.ballot(2, 0, ballot_phase::prepare, none);
  CHECK(x.acts() == acts{lock(0, none)});
  x.ballot(1, 0, ballot_phase::lock, none);
  x.ballot(2, 0, ballot_phase::lock, none);
  x.acts();
  CHECK(x.machine->round() == 1);
}

TEST_CASE("a round in which two thirds do not agree is over after a minute") {
  alone x;
  x.begin();
  x.wait(30 * sec);
  CHECK(x.acts() == acts{prepare(0, none)});
  x.ballot(1, 0, ballot_phase::prepare, block_a);
  x.ballot(2, 0, ballot_phase::prepare, block_b);
  CHECK(x.acts().empty());
  x.wait(15 * sec);
  CHECK(x.acts() == acts{lock(0, none)});
  x.ballot(1, 0, ballot_phase::lock, block_a);
  x.ballot(2, 0, ballot_phase::lock, none);
  CHECK(x.acts().empty());
  x.wait(15 * sec);
  x.acts();
  CHECK(x.machine->round() == 1);
}

TEST_CASE("who hears too few of the others stays in its round") {
  alone x;
  x.begin();
  x.wait(30 * sec);
  CHECK(x.acts() == acts{prepare(0, none)});
  x.ballot(1, 0, ballot_phase::prepare, none);
  x.wait(10'000 * sec);
  CHECK(x.acts().empty());
  CHECK(x.machine->round() == 0);
}

TEST_CASE("the leader of a round proposes, and the leaders take turns") {
  alone x;
  std::set<std::string> leaders;
  for (std::uint64_t round = 0; round < 4; ++round)
    leaders.insert(*x.machine->leader(round));
  CHECK(leaders.size() == 4);
  CHECK(x.machine->leader(4) == x.machine->leader(0));
  std::uint64_t ours = 0;
  while (x.machine->leader(ours) != four[0])
    ++ours;
  x.begin();
  x.ballot(1, ours, ballot_phase::prepare, none);
  x.acts();
  CHECK(x.machine->round() == 0);  // one of four may be a liar
  x.ballot(2, ours, ballot_phase::lock, none);
  CHECK(x.acts() == acts{chain::propose_action{ours, {}}});
  CHECK(x.machine->round() == ours);
}

TEST_CASE("a bad proposal is answered with none at once") {
  for (const auto quality : {chain::block_quality::disputed, chain::block_quality::impossible}) {
    alone x;
    x.begin();
    x.propose(0, block_a, quality);
    CHECK(x.acts() == acts{prepare(0, none)});
  }
}

TEST_CASE("what two thirds found right is locked though we would have made another, but never what "
          "breaks the chain's rules") {
  for (const auto quality : {chain::block_quality::disputed, chain::block_quality::impossible}) {
    alone x;
    x.begin();
    x.propose(0, block_a, quality);
    x.acts();
    for (const auto voter : {1, 2, 3})
      x.ballot(voter, 0, ballot_phase::prepare, block_a);
    if (quality == chain::block_quality::disputed)
      CHECK(x.acts() == acts{lock(0, block_a)});
    else
      CHECK(x.acts().empty());
    for (const auto voter : {1, 2, 3})
      x.ballot(voter, 0, ballot_phase::lock, block_a);
    if (quality == chain::block_quality::disputed)
      CHECK(x.acts() == acts{chain::vote_action{block_a}});
    else
      CHECK(x.acts().empty());
  }
}

TEST_CASE("who locked a block prepares no other, until two thirds prepared it in a later round") {
  alone x;
  x.begin();
  x.propose(0, block_a);
  x.ballot(1, 0, ballot_phase::prepare, block_a);
  x.ballot(2, 0, ballot_phase::prepare, block_a);
  CHECK(x.acts() == acts{prepare(0, block_a), lock(0, block_a)});
  for (const auto voter : {1, 2, 3})
    x.ballot(voter, 0, ballot_phase::lock, none);
  x.acts();
  REQUIRE(x.machine->round() == 1);
  x.propose(1, block_b);
  CHECK(x.acts().empty());
  x.wait(30 * sec);
  CHECK(x.acts() == acts{prepare(1, none)});
  // The others go on without us, and agree on the other block.
  for (const auto voter : {1, 2, 3})
    x.ballot(voter, 1, ballot_phase::prepare, block_b);
  CHECK(x.acts() == acts{lock(1, block_b)});
  for (const auto voter : {1, 2, 3})
    x.ballot(voter, 1, ballot_phase::lock, none);
  x.acts();
  REQUIRE(x.machine->round() == 2);
  x.propose(2, block_b);
  CHECK(x.acts().back() == chain::consensus_action{prepare(2, block_b)});
}

TEST_CASE(
    "a lock of an earlier round gives way to what was prepared after it, and to nothing else") {
  alone x{{{chain::signed_record::deed::prepare, 3, block_a},
           {chain::signed_record::deed::lock, 3, block_a}}};
  x.begin();
  CHECK(x.acts() == acts{prepare(3, block_a), lock(3, block_a)});
  for (const auto voter : {1, 2, 3})
    x.ballot(voter, 2, ballot_phase::prepare, block_b);  // before the lock
  for (const auto voter : {1, 2, 3})
    x.ballot(voter, 3, ballot_phase::lock, none);
  x.acts();
  REQUIRE(x.machine->round() == 4);
  x.propose(4, block_b);
  x.wait(30 * sec);
  CHECK(x.acts().back() == chain::consensus_action{prepare(4, none)});
}

TEST_CASE("after a restart nothing is signed differently") {
  using deed = chain::signed_record::deed;
  alone prepared{{{deed::prepare, 2, block_a}}};
  prepared.begin();
  CHECK(prepared.machine->round() == 2);
  CHECK(prepared.acts() == acts{prepare(2, block_a)});
  prepared.propose(2, block_b);
  prepared.wait(100 * sec);
  CHECK(prepared.acts().empty());

  alone voted{{{deed::lock, 0, block_a}, {deed::vote, 0, block_a}}};
  voted.begin();
  CHECK(voted.acts() == acts{lock(0, block_a), chain::vote_action{block_a}});
  voted.propose(0, block_b);
  for (const auto voter : {1, 2, 3})
    voted.ballot(voter, 0, ballot_phase::lock, block_b);
  CHECK(voted.acts().empty());
}

TEST_CASE("more than a third of votes decide without ballots, and more than two thirds commit") {
  alone x;
  x.begin();
  x.vote(1, block_a);
  CHECK(x.acts().empty());
  CHECK_FALSE(x.machine->decided());
  x.vote(2, block_a);
  CHECK(x.machine->decided() == block_a);
  CHECK(x.acts().empty());  // we have not seen it
  CHECK(x.machine->missing_block() == block_a);
  x.machine->block_is(block_a, chain::block_quality::good, x.now);
  CHECK(x.acts() == acts{chain::vote_action{block_a}, chain::commit_action{block_a}});
}

TEST_CASE("however many rounds a height takes, others are told of the blocks of two, and of those "
          "that somebody is bound to") {
  alone x;
  x.begin();
  std::vector<hash256> proposed;
  for (std::uint64_t round = 0; round < 6; ++round) {
    proposed.push_back(hash256{{2, static_cast<std::uint8_t>(round)}});
    x.propose(round, proposed.back());
    x.acts();
    // Two thirds prepare that of round 2.
    for (const auto voter : {1, 2, 3})
      x.ballot(voter, round, ballot_phase::prepare, round == 2 ? proposed.back() : none);
    x.acts();
    for (const auto voter : {1, 2, 3})
      x.ballot(voter, round, ballot_phase::lock, none);
    x.wait(120 * sec);
    x.acts();
  }
  REQUIRE(x.machine->round() == 6);
  std::vector<std::uint64_t> current;
  for (std::uint64_t round = 0; round < 6; ++round)
    if (x.machine->is_current(proposed[round]))
      current.push_back(round);
  CHECK(current == std::vector<std::uint64_t>{2, 5});
}

TEST_CASE("who casts two different ballots is found out, and counts for either as for one") {
  alone x;
  x.begin();
  const auto cast = [&](const hash256& block) {
    return x.machine->take(
        wire::block_ballot{x.machine->height(), 0, ballot_phase::prepare, block, four[3], {}},
        x.now);
  };
  CHECK(cast(block_a) == chain::ballot_fate::counted);
  CHECK(cast(block_a) == chain::ballot_fate::known);
  CHECK(cast(block_b) == chain::ballot_fate::conflicting);
  const auto& box = x.machine->ballots();
  CHECK(box.count(0, ballot_phase::prepare, block_a) == 1);
  CHECK(box.count(0, ballot_phase::prepare, block_b) == 1);
  CHECK(box.count(0, ballot_phase::prepare) == 1);
  x.vote(1, block_a);
  CHECK(x.machine->take(wire::block_vote{block_b, x.machine->height(), four[1], {}, true}, x.now) ==
        chain::ballot_fate::conflicting);
  CHECK_FALSE(x.machine->decided());
}

TEST_CASE("a liar's flood of different ballots does not push out the one that others agree on") {
  alone x;
  x.begin();
  x.ballot(1, 0, ballot_phase::prepare, block_a);
  x.ballot(3, 0, ballot_phase::prepare, block_a);
  for (std::uint8_t i = 10; i < 200; ++i)
    x.ballot(3, 0, ballot_phase::prepare, hash256{{2, i}});
  const auto& box = x.machine->ballots();
  CHECK(box.count(0, ballot_phase::prepare, block_a) == 2);
  CHECK(box.ballots(0, ballot_phase::prepare).size() == 1 + chain::ballot_box::ballots_a_member);
  // Nor keep it out, when it comes last.
  for (std::uint8_t i = 10; i < 200; ++i)
    x.ballot(2, 0, ballot_phase::prepare, hash256{{2, i}});
  x.ballot(2, 0, ballot_phase::prepare, block_a);
  CHECK(box.count(0, ballot_phase::prepare, block_a) == 3);
}

TEST_CASE("ballots far from our round are not kept, and a liar's round moves nobody") {
  alone x;
  x.begin();
  CHECK(
      x.machine->take(
          wire::block_ballot{x.machine->height(), 1'000'000, ballot_phase::lock, none, four[1], {}},
          x.now) == chain::ballot_fate::out_of_reach);
  CHECK(x.machine->round() == 0);
  CHECK(x.machine->take(
            wire::block_ballot{x.machine->height(), 500'000, ballot_phase::lock, none, four[2], {}},
            x.now) == chain::ballot_fate::out_of_reach);
  CHECK(x.machine->round() == 500'000);
}

TEST_CASE("one who only watches sees the commit, and does nothing") {
  height_consensus x{{7, four, 4, "10.9.9.9", {}}, {}};
  x.begin(sec);
  CHECK_FALSE(x.takes_part());
  CHECK_FALSE(x.deadline());
  x.block_is(block_a, chain::block_quality::good, sec);
  x.proposed(0, block_a, sec);
  x.tick(1000 * sec);
  for (int i = 0; i < 3; ++i)
    x.take(wire::block_vote{block_a, 7, four[static_cast<std::size_t>(i)], {}, true}, sec);
  CHECK(x.take_actions() == acts{chain::commit_action{block_a}});
}

TEST_CASE("members that are not known count in the quorum") {
  height_consensus x{{7, {four[0], four[1], four[2], four[3]}, 6, four[0], {}}, {}};
  x.begin(sec);
  for (int i = 0; i < 4; ++i)
    x.take(wire::block_vote{block_a, 7, four[static_cast<std::size_t>(i)], {}, true}, sec);
  CHECK_FALSE(x.committed());
  x.members_are({four[0], four[1], four[2], four[3], "10.0.0.5", "10.0.0.6"}, 6, sec);
  x.take(wire::block_vote{block_a, 7, "10.0.0.5", {}, true}, sec);
  CHECK(x.committed() == block_a);
}
