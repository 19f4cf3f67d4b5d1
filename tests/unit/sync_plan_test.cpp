// The policy of downloading: what is asked of whom, when. No actor, no clock: times are arguments.

#include "actors/sync_plan.hpp"
#include "tests/actors/test_chain.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace timenode;
using namespace timenode::sync;

namespace {

constexpr monotonic_ns ms = 1'000'000;
constexpr monotonic_ns s = 1000 * ms;

ip_address ip(int n) {
  return ip_address::from_v4({10, 0, 0, static_cast<std::uint8_t>(n)});
}

/// A plan, with a clock and a position that the test moves.
struct planning {
  explicit planning(std::size_t max_bytes = max_waiting_bytes) : plan{max_bytes, 1} {}

  void up(int n, std::uint64_t height, link_direction direction = link_direction::outbound) {
    plan.peer_up(ip(n), direction, now);
    plan.height_is(ip(n), height, now);
  }

  /// The requests that are due now, by peer.
  std::map<int, std::vector<height_range>> step() {
    std::map<int, std::vector<height_range>> result;
    for (const auto& x : plan.step(at, now).requests)
      result[x.peer.v4_bytes()[3]].emplace_back(x.first, x.last);
    return result;
  }

  std::size_t answer(int n, std::uint64_t first, std::uint64_t last) {
    const auto& chain = test::real_chain();
    const std::vector<block_ptr> blocks{chain.begin() + static_cast<std::ptrdiff_t>(first),
                                        chain.begin() + static_cast<std::ptrdiff_t>(last + 1)};
    return plan.blocks_came(ip(n), blocks, at, now);
  }

  std::size_t answer_nothing(int n) { return plan.blocks_came(ip(n), {}, at, now); }

  sync_plan plan;
  plan_position at;
  monotonic_ns now = s;
};

using ranges = std::vector<height_range>;

}  // namespace

TEST_CASE("ranges of 100 blocks are asked for, four of them of one peer") {
  planning p;
  p.up(1, 2000);
  CHECK(p.step() == std::map<int, ranges>{{1, {{1, 100}, {101, 200}, {201, 300}, {301, 400}}}});
  CHECK(p.step().empty());
  p.answer(1, 1, 100);
  CHECK(p.step() == std::map<int, ranges>{{1, {{401, 500}}}});
}

TEST_CASE("nothing is asked above a claim, and nothing at all of who is not ahead") {
  planning p;
  p.up(1, 150);
  p.up(2, 0);
  CHECK(p.step() == std::map<int, ranges>{{1, {{1, 100}, {101, 150}}}});
}

TEST_CASE("a peer with a lower claim is not asked for what only others have") {
  planning p;
  p.up(1, 120);
  p.up(2, 1000);
  const auto asked = p.step();
  for (const auto& [first, last] : asked.at(1))
    CHECK(last <= 120);
}

TEST_CASE("work is spread over peers that are equal") {
  planning p;
  for (int n = 1; n <= 3; ++n)
    p.up(n, 1200);
  const auto asked = p.step();
  for (int n = 1; n <= 3; ++n)
    CHECK(asked.at(n).size() == 4);
  CHECK(p.plan.asks().size() == 12);
}

TEST_CASE("for the last 50 blocks two peers race") {
  planning p;
  for (int n = 1; n <= 3; ++n)
    p.up(n, 49);
  const auto asked = p.step();
  CHECK(asked.size() == 2);
  for (const auto& [_, x] : asked)
    CHECK(x == ranges{{1, 49}});
  planning q;
  for (int n = 1; n <= 3; ++n)
    q.up(n, 60);
  CHECK(q.step().size() == 1);
}

TEST_CASE("the range at the front is asked of one more peer after 2 s, then of more and more") {
  planning p;
  for (int n = 1; n <= 20; ++n)
    p.up(n, 80);
  CHECK(p.step().size() == 1);
  p.now += 2 * s - 1;
  CHECK(p.step().empty());
  CHECK(p.plan.next_deadline(p.now) == p.now + 1);
  p.now += 1;
  CHECK(p.step().size() == 1);
  p.now += 2 * s;
  CHECK(p.step().size() == 2);
  p.now += 2 * s;
  CHECK(p.step().size() == 4);
  p.now += 2 * s;
  const auto asked = p.step();
  CHECK(asked.size() == 8);
  // The more are asked, the less each is asked for.
  for (const auto& [_, x] : asked)
    CHECK(x == ranges{{1, 12}});
}

TEST_CASE("a range that is not at the front is not asked for twice") {
  planning p;
  p.up(1, 2000);
  p.step();
  p.up(2, 2000);
  p.step();
  p.answer(1, 1, 100);
  p.now += 1 * s;
  p.step();
  p.now += 1 * s;  // what was asked at the beginning is 2 s old now, and only the front counts
  const auto asked = p.step();
  for (const auto& [_, x] : asked)
    for (const auto& [first, last] : x)
      CHECK((first == 101 || first > 800));
}

TEST_CASE("hedging waits longer when peers prove slow, and not when a hedge paid") {
  planning p;
  p.up(1, 70);
  p.step();
  p.up(2, 70);
  p.now += 2 * s;
  CHECK(p.step() == std::map<int, ranges>{{2, {{1, 70}}}});
  p.now += 1 * s;
  p.answer(1, 1, 10);  // the first one was slow, not gone
  p.at.next = 11;
  CHECK(p.step().empty());
  CHECK(p.plan.next_deadline(p.now) == 7 * s);  // 4 s after the second one was asked
  // A new front, and now it is the second peer that comes to help in time.
  p.answer(2, 11, 20);
  p.at.next = 21;
  p.step();
  CHECK(p.plan.next_deadline(p.now) == 5 * s);  // 2 s after it was asked, 3 s into the run
}

TEST_CASE("a request lives 15 s, and then its blocks are asked of another") {
  planning p;
  p.up(1, 100);
  p.step();
  p.now += 15 * s - 1;
  CHECK(p.step().empty());
  p.up(2, 100);
  p.now += 1;
  const auto asked = p.step();
  CHECK(asked.contains(2));
  CHECK(!asked.contains(1));
}

TEST_CASE("who does not answer loses its claim's credit until it claims again after a rest") {
  planning p;
  p.up(1, 100);
  p.step();
  p.now += 15 * s;
  CHECK(p.step().empty());
  CHECK(p.plan.target() == 0);
  p.plan.height_is(ip(1), 100, p.now);  // too soon
  CHECK(p.plan.target() == 0);
  p.now += 1 * s;
  CHECK(p.plan.step(p.at, p.now).polls == std::vector{ip(1)});
  p.plan.height_is(ip(1), 100, p.now);
  CHECK(p.plan.target() == 100);
  CHECK(p.plan.trusted_target() == 0);
  // Asked for less, and for one thing at a time.
  CHECK(p.step() == std::map<int, ranges>{{1, {{1, 50}}}});
}

TEST_CASE("an answer that comes late is welcome, and restores what was lost") {
  planning p;
  p.up(1, 100);
  p.step();
  p.now += 16 * s;
  p.step();
  CHECK(p.plan.target() == 0);
  CHECK(p.answer(1, 1, 100) == 100);
  CHECK(p.plan.target() == 100);
  CHECK(p.plan.trusted_target() == 100);
  CHECK(p.plan.buffer().blocks() == 100);
}

TEST_CASE("an empty answer costs the credit from there on, and rests double up to a minute") {
  planning p;
  monotonic_ns rest = first_rest;
  p.up(1, 500);
  for (int i = 0; i < 12; ++i) {
    REQUIRE(!p.step().empty());
    while (p.plan.asks().size() > 0)
      p.answer_nothing(1);
    CHECK(p.plan.target() == 0);
    p.now += rest - 1;
    p.plan.height_is(ip(1), 500, p.now);
    CHECK(p.plan.target() == 0);
    p.now += 1;
    p.plan.height_is(ip(1), 500, p.now);
    CHECK(p.plan.target() == 500);
    rest = std::min(2 * rest, max_rest);
  }
  CHECK(rest == max_rest);
}

TEST_CASE("a short answer is no fault, a hole is") {
  planning p;
  p.up(1, 100);
  p.step();
  CHECK(p.answer(1, 1, 40) == 40);
  CHECK(p.plan.target() == 100);
  CHECK(p.step() == std::map<int, ranges>{{1, {{41, 100}}}});
  const auto& chain = test::real_chain();
  const std::vector<block_ptr> holes{chain[41], chain[42], chain[50]};
  CHECK(p.plan.blocks_came(ip(1), holes, p.at, p.now) == 3);
  CHECK(p.plan.target() == 42);
}

TEST_CASE("blocks that were not asked for, or of whom, are dropped") {
  planning p;
  p.up(1, 100);
  p.up(2, 0);
  p.step();
  CHECK(p.answer(2, 1, 10) == 0);
  CHECK(p.answer(1, 200, 210) == 0);
  CHECK(p.answer(1, 90, 110) == 11);
  CHECK(p.answer(1, 90, 100) == 0);  // answered already
}

TEST_CASE("what a peer was asked is asked of others at once when it goes") {
  planning p;
  p.up(1, 400);
  p.step();
  p.up(2, 400);
  CHECK(p.step().empty());
  p.plan.peer_down(ip(1), p.now);
  CHECK(p.step() == std::map<int, ranges>{{2, {{1, 100}, {101, 200}, {201, 300}, {301, 400}}}});
}

TEST_CASE("blocks of a peer on another branch are dropped and it is not asked again at once") {
  planning p;
  p.up(1, 400);
  p.step();
  p.answer(1, 101, 200);
  CHECK(p.plan.buffer().blocks() == 100);
  p.plan.other_branch(ip(1), 101, p.now);
  CHECK(p.plan.buffer().blocks() == 0);
  CHECK(p.plan.asks().size() == 0);
  CHECK(p.plan.target() == 100);
}

TEST_CASE("no more is asked for than there is memory, but for the front always") {
  planning p{200 * typical_block_bytes};
  p.up(1, 2000);
  CHECK(p.step() == std::map<int, ranges>{{1, {{1, 100}, {101, 200}}}});
  p.answer(1, 101, 200);  // larger than expected: they fill it
  CHECK(p.plan.buffer().bytes() <= 200 * typical_block_bytes);
  p.plan.peer_down(ip(1), p.now);
  p.up(2, 2000);
  const auto asked = p.step();
  REQUIRE(asked.contains(2));
  CHECK(asked.at(2).front().first == 1);
}

TEST_CASE("when nothing can be stored nothing is asked for") {
  planning p;
  p.up(1, 2000);
  p.at.paused = true;
  CHECK(p.step().empty());
  p.at.paused = false;
  CHECK(p.step().size() == 1);
}

TEST_CASE("downloads run at most 20,000 blocks ahead of what is stored") {
  planning p;
  for (int n = 1; n <= 100; ++n)
    p.up(n, 1'000'000);
  std::uint64_t highest = 0;
  for (const auto& [_, x] : p.step())
    for (const auto& [first, last] : x)
      highest = std::max(highest, last);
  CHECK(highest == 20'000);
  CHECK(p.plan.asks().size() <= max_asks);
}

TEST_CASE("a claim is lowered to what the schedule allows and a day") {
  const std::int64_t genesis = 1'764'547'200;
  CHECK(cap_claim(100, genesis, genesis + 600 * 100) == 100);
  CHECK(cap_claim(1'000, genesis, genesis + 600 * 100) == 100 + schedule_slack);
  CHECK(cap_claim(~std::uint64_t{0}, genesis, genesis) == schedule_slack);
  CHECK(cap_claim(~std::uint64_t{0}, genesis, genesis - 1'000'000) == schedule_slack);
  CHECK(cap_claim(5, genesis, -1) == 5);
}

TEST_CASE(
    "whatever peers answer, no height is asked for twice at once but at the front and the end") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    random_source random{seed};
    planning p;
    const auto& chain = test::real_chain();
    for (int n = 1; n <= 6; ++n)
      p.up(n, 300 + random.below(1700));
    for (int i = 0; i < 400; ++i) {
      p.step();
      const auto front = p.plan.buffer().first_missing(p.at.next);
      std::map<std::uint64_t, int> asked;
      std::vector<height_range> all;
      p.plan.asks().list(0, all);
      REQUIRE(all.size() <= 6 * max_asks_per_peer);
      for (const auto& [first, last] : all)
        for (auto h = first; h <= last; ++h)
          ++asked[h];
      for (const auto& [h, count] : asked)
        if (count > 1 && h + race_blocks < p.plan.target() && h > front + max_blocks_per_ask)
          FAIL("height " << h << " is asked for " << count << " times");
      // Somebody answers something.
      const auto n = static_cast<int>(1 + random.below(6));
      if (!all.empty()) {
        const auto [first, last] = all[random.below(all.size())];
        std::vector<block_ptr> blocks;
        for (auto h = first; h <= last && h < chain.size(); ++h)
          if (random.below(50) != 0)
            blocks.push_back(chain[h]);
        if (random.below(20) == 0)
          blocks.clear();
        p.plan.blocks_came(ip(n), blocks, p.at, p.now);
      }
      if (random.below(30) == 0) {
        p.plan.peer_down(ip(n), p.now);
        p.up(n, 300 + random.below(1700));
      }
      p.now += static_cast<monotonic_ns>(random.below(2 * s));
      p.at.next = p.plan.buffer().first_missing(p.at.next);
      for (const auto& [address, x] : p.plan.peers().all())
        REQUIRE(x.outstanding <= max_asks_per_peer);
      if (const auto next = p.plan.next_deadline(p.now))
        REQUIRE(*next > p.now - 3 * s);
    }
  }
}
