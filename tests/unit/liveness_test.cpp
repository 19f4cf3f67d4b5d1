#include "actors/liveness.hpp"
#include "actors/rate_limits.hpp"

#include <doctest/doctest.h>

using namespace timenode;

namespace {

constexpr monotonic_ns second = 1'000'000'000;

net::connection_stats stats(std::uint64_t received, std::uint64_t sent = 0, bool paused = false) {
  return {sent, received, 0, paused};
}

}  // namespace

TEST_CASE("missed pings are skipped, not made up in a burst") {
  liveness x;
  random_source random{1};
  x.begin(second);
  CHECK(x.check(second, stats(0), random).send_ping);
  x.heard(500 * second, 0);
  CHECK(x.check(500 * second, stats(0), random).send_ping);
  CHECK_FALSE(x.check(500 * second, stats(0), random).send_ping);
}

TEST_CASE("a process that was stopped for minutes gives its peers time to be heard before it calls "
          "them dead") {
  liveness x;
  random_source random{1};
  x.begin(second);
  x.check(second, stats(0), random);
  const auto woken = 600 * second;
  CHECK_FALSE(x.check(woken, stats(0), random).dead);
  SUBCASE("what waited in the socket counts") {
    CHECK_FALSE(x.check(woken + 25 * second, stats(1), random).dead);
    CHECK_FALSE(x.check(woken + 60 * second, stats(1), random).dead);
  }
  SUBCASE("silence then is silence") {
    for (monotonic_ns t = woken; t < woken + 29 * second; t += second)
      CHECK_FALSE(x.check(t, stats(0), random).dead);
    CHECK(x.check(woken + 31 * second, stats(0), random).dead);
  }
}

TEST_CASE(
    "while we do not read from a peer, its reading is its life, and its not reading its death") {
  liveness x;
  random_source random{1};
  x.begin(second);
  for (monotonic_ns t = 1; t < 600; t += 5)
    CHECK_FALSE(x.check(t * second, stats(0, static_cast<std::uint64_t>(t), true), random).dead);
  bool dead = false;
  for (monotonic_ns t = 600; t < 700; t += 5)
    dead = dead || x.check(t * second, stats(0, 599, true), random).dead;
  CHECK(dead);
}

TEST_CASE(
    "a peer is dead 90 s after its last line, however late we look at the bytes of that line") {
  liveness x;
  random_source random{1};
  x.begin(second);
  x.check(second, stats(0), random);
  x.heard(2 * second, 60);
  monotonic_ns dead_at = 0;
  for (monotonic_ns t = 20; t < 200 && dead_at == 0; t += 1)
    if (x.check(t * second, stats(60), random).dead)
      dead_at = t;
  CHECK(dead_at == 92);
}

TEST_CASE("a peer for whom much waits has to take some of it within 90 s, and may be slow") {
  liveness x;
  random_source random{1};
  x.begin(second);
  const auto waiting = [](std::uint64_t sent) {
    return net::connection_stats{sent, 0, net::send_low_water_bytes + 1, false};
  };
  monotonic_ns t = 1;
  for (; t < 600; t += 5) {
    x.heard(t * second, 0);
    CHECK_FALSE(x.check(t * second, waiting(static_cast<std::uint64_t>(t)), random).dead);
  }
  const auto last = t - 5;
  for (; t < last + 90; t += 5) {
    x.heard(t * second, 0);
    CHECK_FALSE(x.check(t * second, waiting(599), random).dead);
  }
  x.heard((last + 95) * second, 0);
  CHECK(x.check((last + 95) * second, waiting(599), random).unread);
}

TEST_CASE("a line that comes a piece at a time is life, and one that stands still is none") {
  liveness x;
  random_source random{1};
  x.begin(second);
  for (monotonic_ns t = 1; t < 400; t += 10)
    CHECK_FALSE(x.check(t * second, stats(static_cast<std::uint64_t>(t)), random).dead);
  bool dead = false;
  for (monotonic_ns t = 400; t < 500; t += 5)
    dead = dead || x.check(t * second, stats(391), random).dead;
  CHECK(dead);
}

TEST_CASE("a ping of the peer brings ours along when that is due soon, and no other") {
  liveness x;
  random_source random{1};
  x.begin(second);
  REQUIRE(x.check(second, stats(0), random).send_ping);
  CHECK_FALSE(x.joins_ping(15 * second, random));
  CHECK(x.joins_ping(28 * second, random));
  CHECK_FALSE(x.joins_ping(29 * second, random));
  CHECK_FALSE(x.joins_ping(400 * second, random));  // overdue
  // Then one is due an interval later, as after any other.
  x.heard(54 * second, 0);
  CHECK_FALSE(x.check(54 * second, stats(0), random).send_ping);
  CHECK(x.check(61 * second, stats(0), random).send_ping);
}

TEST_CASE("two ends that ping each other soon do so together, and go on doing so") {
  liveness ends[2];
  random_source random{1};
  for (auto& x : ends)
    x.begin(second);
  std::size_t together = 0;
  std::size_t rounds = 0;
  for (monotonic_ns now = second; now < 3600 * second; now += second / 10)
    for (const auto i : {0, 1})
      if (ends[i].check(now, stats(0), random).send_ping) {
        ++rounds;
        ends[1 - i].heard(now, 0);
        together += ends[1 - i].joins_ping(now, random) ? 1 : 0;
        ends[i].heard(now, 0);
      }
  CHECK(rounds >= 3600 / 33);
  CHECK(10 * together >= 9 * rounds);  // but for those that were due at one moment anyway
}

TEST_CASE("a pong counts once, and only for a ping that was sent") {
  liveness x;
  x.sent(5, 10 * second);
  CHECK_FALSE(x.answered(6, 11 * second));
  CHECK(x.answered(5, 11 * second) == second);
  CHECK_FALSE(x.answered(5, 12 * second));
}

TEST_CASE("a token bucket lets its rate through over any long time, and a burst at once") {
  net::token_bucket x{10, 10};
  int taken = 0;
  for (int i = 0; i < 100; ++i)
    taken += x.take(second) ? 1 : 0;
  CHECK(taken == 10);
  taken = 0;
  for (int i = 0; i < 6000; ++i)
    taken += x.take(second + i * second / 100) ? 1 : 0;
  CHECK(taken >= 595);
  CHECK(taken <= 605);
}
