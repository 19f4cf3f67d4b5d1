// Many masternodes that agree on a block, under faults and lies.

#include "tests/unit/consensus_world.hpp"

#include <cstdlib>

using namespace timenode;
using namespace test;
using wire::ballot_phase;

namespace {

/// How many heights are decided under faults: a few seconds' worth, or as many as TIMENODE_HEIGHTS says.
std::uint64_t heights() {
  const auto* text = std::getenv("TIMENODE_HEIGHTS");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 200;
}

}  // namespace

TEST_CASE("four that hear each other agree within the first round") {
  consensus_world w{4, 1};
  w.start_all();
  w.run(5 * sec);
  CHECK(w.committed() == 4);
  for (std::size_t i = 0; i < 4; ++i)
    CHECK(w.at(i).machine->round() == 0);
}

TEST_CASE("a leader that is down costs a round, and two of four stop the rest until one is back") {
  consensus_world w{4, 2};
  w.start(0);  // so that somebody can be asked
  const auto leader = w.leader_of(0);
  for (std::size_t i = 1; i < 4; ++i)
    w.start(i);
  w.crash(leader);
  w.run(40 * sec);
  CHECK(w.committed() == 3);

  consensus_world v{4, 3};
  v.start_all();
  v.crash(0);
  v.crash(1);
  v.run(3600 * sec);
  CHECK(v.committed() == 0);
  v.start(1);
  v.run(180 * sec);
  CHECK(v.committed() == 3);
  v.start(0);
  v.run(30 * sec);
  CHECK(v.committed() == 4);
}

TEST_CASE("a leader that proposes two blocks splits nothing") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    consensus_world w{4, seed};
    w.start(0);
    const auto liar = w.leader_of(0);
    w.make_liar(liar);
    w.lie = [&w](std::size_t from, std::uint64_t round) {
      const hash256 blocks[]{w.make_block(), w.make_block()};
      for (std::size_t to = 0; to < w.size(); ++to)
        if (to != from) {
          const auto& block = blocks[to % 2];
          w.send(from, to, proposal_message{round, block});
          for (const auto& x : blocks)
            w.send(from, to, w.ballot(from, round, ballot_phase::prepare, x));
          w.send(from, to, w.ballot(from, round, ballot_phase::lock, block));
          w.send(from, to, w.vote(from, block));
        }
    };
    for (std::size_t i = 0; i < w.size(); ++i)
      w.start(i);
    w.run(600 * sec);
    CHECK(w.all_committed());
  }
}

TEST_CASE("halves and thirds that do not see each other certify nothing, and agree when they do") {
  for (std::uint64_t seed = 1; seed <= heights() / 2; ++seed) {
    CAPTURE(seed);
    consensus_world w{6, seed};
    w.split({0, 1, 2});
    w.start_all();
    w.run(w.below(2000) * sec);
    CHECK(w.committed() == 0);
    w.split({0, 1});  // four of six are not more than two thirds
    w.run(w.below(2000) * sec);
    CHECK(w.committed() == 0);
    w.heal();
    w.run(300 * sec);
    CHECK(w.committed() == 6);
  }
}

TEST_CASE("under loss, delay, partitions, crashes at any moment and a liar, no two blocks are "
          "certified, and all agree once the faults stop") {
  std::size_t crashes = 0;
  std::size_t late = 0;
  std::size_t delivered = 0;
  for (std::uint64_t seed = 1; seed <= heights(); ++seed) {
    CAPTURE(seed);
    const auto count = 3 + static_cast<std::size_t>(seed % 8);
    consensus_world w{count, seed};
    w.times = chain::times_for(seed % 2 == 0 ? 600 : 5);
    w.faults.loss = 0.6 * static_cast<double>(w.below(100)) / 100;
    w.faults.repeat = 0.2;
    w.faults.jitter = w.below(40) * sec;
    if (count >= 4 && w.chance(0.5)) {
      w.make_liar(static_cast<std::size_t>(w.below(static_cast<std::int64_t>(count))));
      w.lie = [&w](std::size_t from, std::uint64_t round) {
        std::vector<hash256> blocks{w.make_block(), w.make_block()};
        for (std::size_t to = 0; to < w.size(); ++to)
          for (int i = 0; i < 6; ++i) {
            const auto& block = blocks[static_cast<std::size_t>(w.below(2))];
            const auto other = round + static_cast<std::uint64_t>(w.below(3));
            w.send(from, to, proposal_message{other, block});
            w.send(from, to,
                   w.ballot(from, other, ballot_phase::prepare, w.chance(0.8) ? block : hash256{}));
            w.send(from, to,
                   w.ballot(from, other, ballot_phase::lock, w.chance(0.8) ? block : hash256{}));
            w.send(from, to, w.vote(from, block));
          }
      };
    }
    w.start_all();
    for (int i = 0; i < 12; ++i) {
      w.run(w.below(60) * sec);
      const auto victim = static_cast<std::size_t>(w.below(static_cast<std::int64_t>(count)));
      switch (w.below(5)) {
      case 0:
        w.crash(victim);
        ++crashes;
        break;
      case 1:
        if (!w.at(victim).machine)
          w.start(victim);
        break;
      case 2:
        w.split({victim, static_cast<std::size_t>(w.below(static_cast<std::int64_t>(count)))});
        break;
      case 3:
        w.split({});
        break;
      default:
        w.cut(victim, static_cast<std::size_t>(w.below(static_cast<std::int64_t>(count))));
      }
    }
    if (!w.all_committed())
      ++late;
    w.heal();
    for (std::size_t i = 0; i < count; ++i)
      if (!w.at(i).machine)
        w.start(i);
    w.run(900 * sec);
    CHECK(w.all_committed());
    delivered += w.delivered;
  }
  // Otherwise nothing was tested.
  CHECK(crashes > heights());
  CHECK(late > heights() / 6);
  CHECK(delivered > 200 * heights());
  MESSAGE(delivered << " messages delivered, " << crashes << " crashes, " << late
                    << " runs not done when the faults stopped");
}
