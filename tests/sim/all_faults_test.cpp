// All faults together: one network for longer, and several sizes.

#include "tests/sim/scenario.hpp"

using namespace sim;

TEST_CASE("sixteen nodes hold all invariants for an hour under all faults together") {
  const auto x = must_hold({.nodes = 16, .hours = 1, .seed = 5});
  CHECK(x.strikes.size() == fault_count - 1);
  CHECK(x.honest_bans == 0);
  CHECK(x.timer_ends == 0);
}

TEST_CASE(
    "networks of several sizes and seeds hold all invariants for half an hour under all faults") {
  for (std::uint64_t seed = 20; seed < 26; ++seed) {
    const auto nodes = static_cast<std::uint32_t>(3 + seed % 5 * 4);
    CAPTURE(seed);
    must_hold({.nodes = nodes, .hours = 0.5, .seed = seed});
  }
}
