// Whole nodes whose masternodes make the blocks by their votes: never two certificates at a height, whatever strikes, and
// all that became due meanwhile is made once it is over.

#include "tests/sim/scenario.hpp"

#include <cstdint>

using namespace sim;

TEST_CASE(
    "seven masternodes of ten nodes make a block every half minute, and all have a certificate") {
  const auto x = must_hold(
      {.nodes = 10, .hours = 0.5, .seed = 31, .faults = {}, .masternodes = 7, .block_time = 30});
  CHECK(x.blocks_made >= 55);
  CHECK(x.blocks_made <= 61);
  CHECK(x.height <= x.blocks_made + 1);
  CHECK(x.bans.empty());
}

TEST_CASE(
    "under all faults there is one certificate a height, and what was due is made once they end") {
  for (std::uint64_t seed = 40; seed < 44; ++seed) {
    CAPTURE(seed);
    const auto nodes = static_cast<std::uint32_t>(4 + seed % 4 * 3);
    const auto x = must_hold({.nodes = nodes,
                              .hours = 0.6,
                              .seed = seed,
                              .masternodes = std::max(4u, nodes / 2),
                              .block_time = 20});
    CHECK(x.blocks_made >= 80);
    CHECK(x.honest_bans == 0);
  }
}

TEST_CASE("two groups that each take themselves for the whole network certify two chains, and "
          "one-certificate says so") {
  world w{{.seed = 33,
           .nodes = 6,
           .masternodes = 6,
           .adjust = [](node_setup& x) { x.rules.first_masternodes = 3; },
           .block_time = 30}};
  for (std::uint32_t a = 0; a < 3; ++a)
    for (std::uint32_t b = 3; b < 6; ++b)
      block_both(w, a, b, true);
  w.start();
  w.run_for(10 * minute);
  CHECK(w.eyes().violation_count(timenode::invariant::one_certificate) > 0);
}
