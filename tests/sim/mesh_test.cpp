// Whole nodes that nothing troubles.

#include "tests/sim/world.hpp"

#include <doctest/doctest.h>

using namespace sim;

namespace {

void check_all_is_well(world& w) {
  w.eyes().finish();
  for (const auto& x : w.eyes().violations())
    FAIL_CHECK(to_text(x.which), " at ", text_of_time(x.at), ": ", x.what);
}

} // namespace

TEST_CASE("ten nodes are a mesh within a minute, and no connection ends in a day") {
  world w{{.seed = 1, .nodes = 10, .masternodes = 2}};
  w.start();
  w.run_for(minute);
  CHECK(w.network().open_pairs().size() == 45);
  const auto made = w.eyes().connections();
  w.run_for(24 * hour / 100);
  CHECK(w.eyes().connections() == made);
  CHECK(w.network().open_pairs().size() == 45);
  CHECK(w.converged());
  CHECK(w.height(0) == 50 + 1);
  check_all_is_well(w);
  for (const auto& [what, x] : w.eyes().exchanges()) {
    MESSAGE(what, " ", x.asked[0], " ", x.answered[0], " ", x.asked[1], " ", x.answered[1]);
  }
  MESSAGE(w.system().messages(), " messages, ", w.network().events(), " network events");
}
