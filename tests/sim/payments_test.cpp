// People who pay each other while masternodes vote: who is honest is paid, and nothing is spent twice.

#include "tests/sim/scenario.hpp"

#include <cstdint>

using namespace sim;

TEST_CASE("every payment is final by votes before it is in a block, and all are in blocks") {
  const auto x = must_hold({.nodes = 8,
                            .hours = 0.5,
                            .seed = 51,
                            .faults = {},
                            .masternodes = 6,
                            .block_time = 20,
                            .payment_every = 5});
  CHECK(x.payments.made >= 250);
  CHECK(x.payments.settled == x.payments.made);
  CHECK(x.payments.by_votes * 100 >= x.payments.made * 95);
  CHECK(x.payments.cheats == 0);
  CHECK(x.bans.empty());
}

TEST_CASE("under all faults honest payments arrive, and of money that is spent twice only one "
          "payment does") {
  for (std::uint64_t seed = 60; seed < 64; ++seed) {
    CAPTURE(seed);
    const auto x = must_hold({.nodes = static_cast<std::uint32_t>(5 + seed % 4 * 2),
                              .hours = 0.6,
                              .seed = seed,
                              .block_time = 20,
                              .payment_every = 5});
    CHECK(x.payments.made >= 100);
    CHECK(x.payments.settled == x.payments.made);
    CHECK(x.payments.cheats > 0);
    CHECK(x.payments.by_votes > 0);
    CHECK(x.honest_bans == 0);
  }
}
