// Networks of our nodes and of peers that behave as the deployed daemon does: they dial the other way round, answer
// questions only on connections that they accepted, and ping only on those that they dialed.

#include "tests/sim/scenario.hpp"

using namespace sim;

TEST_CASE("our nodes and deployed ones settle on one connection a pair and keep it for a day") {
  world w{{.seed = 1, .nodes = 6, .references = 6, .check_interval = std::chrono::minutes{1}}};
  w.start();
  w.run_for(2 * minute);
  check_mesh(w, 6 * 5 / 2 + 6 * 6);
  const auto made = w.eyes().connections();
  w.run_for(24 * hour);
  CHECK(w.eyes().connections() == made);
  check_mesh(w, 6 * 5 / 2 + 6 * 6);
  CHECK(w.converged());
  CHECK(w.height(0) == 50 + 144);
  CHECK(w.height(11) == 50 + 144);
  check_held(w);
}

TEST_CASE("one node of ours among deployed ones follows their chain, and they follow its") {
  for (const auto ours : {1u, 9u}) {
    world w{{.seed = 3, .nodes = ours, .references = 10 - ours}};
    w.start();
    w.run_for(6 * hour + minute); // a block is made at the full hour
    CHECK(w.converged());
    CHECK(w.height(0) == 50 + 36);
    CHECK(w.height(9) == 50 + 36);
    check_held(w);
  }
}

TEST_CASE("mixed networks hold all invariants under all faults") {
  for (const auto share : {0.25, 0.5, 0.75}) {
    CAPTURE(share);
    const auto x = must_hold({.nodes = 12, .hours = 0.5, .seed = 7, .reference_share = share});
    CHECK(x.honest_bans == 0);
  }
}
