#include "net/random.hpp"
#include "tests/sim/due_heap.hpp"

#include <doctest/doctest.h>

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
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    random_source random{seed};
    sim::due_heap<number> heap;
    std::map<std::pair<monotonic_ns, int>, int> expected;
    monotonic_ns now = 0;
    int added = 0, taken = 0;
    // Seldom empty, sometimes large.
    for (int step = 0; step < 20'000; ++step) {
      const auto growing = (step / 500) % 2 == 0;
      if (random.below(100) < (growing ? 60u : 42u)) {
        ++added;
        const auto at = now + static_cast<monotonic_ns>(random.below(seed % 2 == 0 ? 8 : 1000));
        heap.add(at, {added});
        expected.emplace(std::pair{at, added}, added);
      } else if (!expected.empty()) {
        REQUIRE(heap.next() == expected.begin()->first.first);
        now = expected.begin()->first.first;
        REQUIRE(heap.take_first().value == expected.begin()->second);
        expected.erase(expected.begin());
        ++taken;
      }
      REQUIRE(heap.size() == expected.size());
      REQUIRE(heap.empty() == expected.empty());
    }
    CHECK(taken > 5000);
    heap.clear();
    CHECK(heap.empty());
    CHECK_FALSE(heap.next());
  }
}
