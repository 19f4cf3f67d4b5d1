// Networks that were cut in two for fifty blocks and more, while both parts went on making blocks.

#include "tests/sim/scenario.hpp"

#include <cstdint>
#include <string>
#include <vector>

using namespace sim;

namespace {

/// Both parts make a block every ten minutes, the shorter branch a few less. Sizes, who is a masternode and which part is
/// faster come from the seed.
void cut_and_mend(std::uint64_t seed) {
  CAPTURE(seed);
  auto random = timenode::random_source{seed};
  const auto nodes = static_cast<std::uint32_t>(8 + random.below(6));
  const auto masternodes = static_cast<std::uint32_t>(5 + random.below(nodes - 6));
  world w{{.seed = seed,
           .nodes = nodes,
           .masternodes = masternodes,
           .makes_blocks = false,
           .check_interval = std::chrono::minutes{10}}};
  std::vector<std::uint32_t> order(nodes);
  for (std::uint32_t i = 0; i < nodes; ++i)
    std::swap(order[i] = i, order[random.below(i + 1)]);
  const auto middle = 2 + random.below(nodes - 3);
  const auto cut = [&](bool apart) {
    for (std::size_t a = 0; a < middle; ++a)
      for (auto b = middle; b < nodes; ++b)
        block_both(w, order[a], order[b], apart);
  };
  const auto one = order.front();
  const auto other = order.back();
  w.start();
  w.run_for(2 * minute);
  REQUIRE(w.height(one) == 50);
  cut(true);
  const std::uint64_t made = 50 + random.below(10);
  const auto left_out = random.below(4);
  const auto first_is_slower = random.below(2) == 0;
  for (std::uint64_t i = 0; i < made + left_out; ++i) {
    if (i >= left_out || !first_is_slower)
      w.make_block_at(one, "one part");
    if (i >= left_out || first_is_slower)
      w.make_block_at(other, "the other part");
    w.run_for(10 * minute);
  }
  // Each part had its own chain: otherwise nothing is shown.
  CHECK(w.height(one) >= 50 + made);
  CHECK(w.height(other) >= 50 + made);
  CHECK(w.tip(one) != w.tip(other));
  cut(false);
  for (int i = 0; i < 60 && !w.converged(); ++i)
    w.run_for(5 * second);
  CHECK(w.converged());
  CHECK(w.height(one) >= 50 + made);
  for (std::uint32_t i = 0; i < nodes; ++i)
    CHECK(w.tip(i) == w.tip(one));
  check_held(w);
}

}  // namespace

TEST_CASE("two parts of a network that were apart for fifty blocks end on one chain") {
  cut_and_mend(300);
}

// By tests/sim/long_run.sh.
TEST_CASE("the same for forty more seeds" * doctest::skip()) {
  for (std::uint64_t seed = 400; seed < 440; ++seed)
    cut_and_mend(seed);
}
