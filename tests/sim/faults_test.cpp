// Each fault by itself, and all of them together.

#include "tests/sim/scenario.hpp"

using namespace sim;

TEST_CASE("twelve nodes hold all invariants for an hour under each fault by itself") {
  std::vector<fault> all = fault_set::all().list();
  for (const auto what : all) {
    CAPTURE(to_text(what));
    const auto x = must_hold({.nodes = 12, .seed = 3, .faults = fault_set{}.add(what)});
    if (what != fault::nat) // a matter of shape: it does not strike
      CHECK(x.strikes.at(std::string{to_text(what)}) >= 5);
  }
}

TEST_CASE("sixteen nodes hold all invariants for six hours under all faults together") {
  const auto x = must_hold({.nodes = 16, .hours = 6, .seed = 5});
  CHECK(x.strikes.size() == fault_count - 1);
  CHECK(x.honest_bans == 0);
  CHECK(x.timer_ends == 0);
}

TEST_CASE("networks of several sizes and seeds hold all invariants for an hour under all faults") {
  for (std::uint64_t seed = 20; seed < 30; ++seed) {
    const auto nodes = static_cast<std::uint32_t>(3 + seed % 5 * 4);
    CAPTURE(seed);
    must_hold({.nodes = nodes, .seed = seed});
  }
}
