#include "net/random.hpp"
#include "tests/sim/calendar_queue.hpp"

#include <doctest/doctest.h>

#include <array>
#include <map>
#include <utility>

using namespace timenode;

namespace {

struct number {
  int value = 0;
  void approach(sim::nearness) const noexcept { REQUIRE(value > 0); }
};

}  // namespace

TEST_CASE("things come in order of time, and those of one moment as they were added, however they "
          "are mixed") {
  // Within one day of the calendar, over some of its pages, over all of them, and far beyond.
  constexpr std::array<std::uint64_t, 5> spans{8, 1000, 300'000'000, 2'000'000'000, 60'000'000'000};
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    random_source random{seed};
    sim::calendar_queue<number, 64> queue;
    std::map<std::pair<monotonic_ns, int>, int> expected;
    monotonic_ns now = 0;
    int added = 0, taken = 0;
    // Seldom empty, sometimes large.
    for (int step = 0; step < 20'000; ++step) {
      const auto growing = (step / 500) % 2 == 0;
      if (random.below(100) < (growing ? 60u : 42u)) {
        ++added;
        const auto at = now + static_cast<monotonic_ns>(random.below(spans[seed % spans.size()]));
        queue.add(at, {added});
        expected.emplace(std::pair{at, added}, added);
      } else if (!expected.empty()) {
        REQUIRE(queue.next() == expected.begin()->first.first);
        now = expected.begin()->first.first;
        REQUIRE(queue.take_first().value == expected.begin()->second);
        expected.erase(expected.begin());
        ++taken;
      }
      REQUIRE(queue.size() == expected.size());
      REQUIRE(queue.empty() == expected.empty());
    }
    CHECK(taken > 5000);
    queue.clear();
    CHECK(queue.empty());
    CHECK_FALSE(queue.next());
  }
}

TEST_CASE(
    "a calendar that has sorted a day far ahead takes thousands of things that come before it") {
  random_source random{1};
  sim::calendar_queue<number, 64> queue;
  std::map<std::pair<monotonic_ns, int>, int> expected;
  const auto add = [&](monotonic_ns at) {
    const auto value = static_cast<int>(expected.size()) + 1;
    queue.add(at, {value});
    expected.emplace(std::pair{at, value}, value);
  };
  add(50'000'000'000);
  add(90'000'000'000);
  for (int i = 0; i < 5000; ++i)
    add(static_cast<monotonic_ns>(random.below(49'000'000'000)));
  for (const auto& [key, value] : expected) {
    REQUIRE(queue.next() == key.first);
    REQUIRE(queue.take_first().value == value);
  }
  CHECK(queue.empty());
}

TEST_CASE("hundreds of things that were due long before they came, as after a pause, come first "
          "and in order") {
  random_source random{2};
  sim::calendar_queue<number, 64> queue;
  queue.add(100'000'000'000, {1});
  CHECK(queue.take_first().value == 1);
  std::map<std::pair<monotonic_ns, int>, int> expected;
  for (int value = 2; value < 2000; ++value) {
    const auto at = static_cast<monotonic_ns>(random.below(200'000'000'000));
    queue.add(at, {value});
    expected.emplace(std::pair{at, value}, value);
  }
  for (const auto& [key, value] : expected) {
    REQUIRE(queue.next() == key.first);
    REQUIRE(queue.take_first().value == value);
  }
  CHECK(queue.empty());
}
