// Each fault by itself.

#include "tests/sim/scenario.hpp"

using namespace sim;

TEST_CASE("eight nodes hold all invariants for an hour under each fault by itself") {
  std::vector<fault> all = fault_set::all().list();
  for (const auto what : all) {
    CAPTURE(to_text(what));
    const auto x = must_hold({.nodes = 8, .seed = 3, .faults = fault_set{}.add(what)});
    if (what != fault::nat) // a matter of shape: it does not strike
      CHECK(x.strikes.at(std::string{to_text(what)}) >= 5);
  }
}
