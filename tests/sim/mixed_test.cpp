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
    w.run_for(6 * hour + minute);  // a block is made at the full hour
    CHECK(w.converged());
    CHECK(w.height(0) == 50 + 36);
    CHECK(w.height(9) == 50 + 36);
    check_held(w);
  }
}

TEST_CASE("a network with a fourth of deployed nodes holds all invariants under all faults") {
  const auto x = must_hold({.nodes = 12, .hours = 0.5, .seed = 7, .reference_share = 0.25});
  CHECK(x.honest_bans == 0);
}

TEST_CASE("a network with half of deployed nodes holds all invariants under all faults") {
  const auto x = must_hold({.nodes = 12, .hours = 0.5, .seed = 7, .reference_share = 0.5});
  CHECK(x.honest_bans == 0);
}
