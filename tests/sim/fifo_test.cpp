// The queue that simulated connections keep their bytes in.

#include "net/random.hpp"
#include "tests/sim/fifo.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <memory>

TEST_CASE("a fifo gives what it got in the same order, whatever comes between, and holds nothing "
          "that was taken") {
  sim::fifo<std::shared_ptr<int>> x;
  std::deque<int> expected;
  timenode::random_source random{3};
  for (int i = 0; i < 100'000; ++i) {
    // In turn longer and shorter, so that it is empty now and then and very full.
    const auto grows = random.below(100) < (i / 5000 % 2 == 0 ? 55u : 45u);
    if (grows) {
      x.push(std::make_shared<int>(i));
      expected.push_back(i);
    } else if (!expected.empty()) {
      const auto taken = x.take();
      CHECK(*taken == expected.front());
      CHECK(taken.use_count() == 1);
      expected.pop_front();
    }
    REQUIRE(x.size() == expected.size());
    REQUIRE(x.empty() == expected.empty());
    if (!expected.empty())
      REQUIRE(*x.front() == expected.front());
  }
  std::size_t seen = 0;
  for (const auto& y : x)
    CHECK(*y == expected[seen++]);
  CHECK(seen == expected.size());
}
