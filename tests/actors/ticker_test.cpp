#include "actors/alarm.hpp"
#include "tests/actors/test_node.hpp"

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <doctest/doctest.h>

#include <functional>
#include <utility>
#include <vector>

using namespace timenode;
using namespace test;

namespace {

constexpr monotonic_ns second = 1'000'000'000;

/// Sets its alarms as it is told, and notes when it is woken, in seconds.
struct sleeper_fixture : test_node {
  sleeper_fixture() {
    sleeper = system.spawn([this](sleeper_actor::pointer who) -> sleeper_actor::behavior_type {
      me = who;
      return {[this](atom::wake, std::uint64_t token) {
        if (const auto what = std::exchange(next_deed, nullptr))
          return what();
        ++wakes;
        if (alarm.accept(token))
          woken_at.push_back(now());
      }};
    });
    run();
  }
  ~sleeper_fixture() {
    caf::anon_send_exit(sleeper, caf::exit_reason::kill);
    run();
  }

  std::int64_t now() { return monotonic_now(*me) / second; }
  /// Wants to be woken after so many seconds.
  void set(std::int64_t seconds) {
    does([this, seconds] { alarm.set(me, context.ticker, monotonic_now(*me) + seconds * second); });
  }
  /// Does something in a turn of its own.
  void does(std::function<void()> what) {
    next_deed = std::move(what);
    caf::anon_send(sleeper, atom::wake_v, std::uint64_t{0});
    run();
  }

  sleeper_actor sleeper;
  sleeper_actor::pointer me = nullptr;
  movable_alarm alarm;
  std::function<void()> next_deed;
  int wakes = 0;
  std::vector<std::int64_t> woken_at;
};

}  // namespace

TEST_CASE_FIXTURE(
    sleeper_fixture,
    "ticker: who puts its wake-up off again and again is woken once, at the last moment") {
  const auto begin = now();
  for (int i = 0; i < 10; ++i) {
    set(30);
    advance(20s);
  }
  CHECK(wakes == 0);
  advance(1h);
  CHECK(wakes == 1);
  CHECK(woken_at == std::vector<std::int64_t>{begin + 180 + 30});
}

TEST_CASE_FIXTURE(
    sleeper_fixture,
    "ticker: who wants to be woken sooner than it said is, and not again for what it said before") {
  const auto begin = now();
  set(60);
  set(90);
  set(10);
  advance(1h);
  CHECK(wakes == 1);
  CHECK(woken_at == std::vector<std::int64_t>{begin + 10});
  set(5);
  advance(1h);
  CHECK(woken_at.size() == 2);
}

TEST_CASE_FIXTURE(sleeper_fixture, "ticker: a wake-up that was put off, then drawn nearer, then "
                                   "put off comes at the last moment") {
  const auto begin = now();
  set(10);
  set(100);
  advance(50s);  // past the first moment
  set(20);
  set(40);
  advance(1h);
  CHECK(woken_at == std::vector<std::int64_t>{begin + 50 + 40});
  CHECK(wakes == 1);
}

TEST_CASE_FIXTURE(sleeper_fixture,
                  "ticker: who does not wait any more is not woken, and can wait anew") {
  set(10);
  does([this] { alarm.cancel(); });
  advance(1h);
  CHECK(woken_at.empty());
  set(10);
  does([this] { alarm.cancel(); });
  set(30);
  advance(1h);
  CHECK(woken_at.size() == 1);
}
