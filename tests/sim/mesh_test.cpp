// Networks that nothing troubles.

#include "tests/sim/scenario.hpp"

using namespace sim;

TEST_CASE("ten nodes are a mesh within a minute, and no connection ends in a day") {
  world w{{.seed = 1, .nodes = 10, .masternodes = 2, .check_interval = std::chrono::minutes{1}}};
  w.start();
  w.run_for(minute);
  check_mesh(w, 45);
  const auto made = w.eyes().connections();
  w.run_for(24 * hour);
  CHECK(w.eyes().connections() == made);
  check_mesh(w, 45);
  CHECK(w.converged());
  CHECK(w.height(0) == 50 + 144);
  // Each of the 90 ends pings every 30 s and gets its answer, whoever dialed.
  const auto pings = w.eyes().exchanges().at("Ping");
  for (const auto direction : {0u, 1u}) {
    CHECK(pings.asked[direction] >= 45 * 86'400 / 33);
    CHECK(pings.asked[direction] <= 45 * 86'400 / 27);
    CHECK(pings.answered[direction] + 45 >= pings.asked[direction]);
  }
  check_held(w);
}

TEST_CASE("nodes that know one of them only find each other") {
  // The operator of each named the next one; the others they learn of from their peers.
  world w{{.seed = 2, .nodes = 12, .neighbours = 1}};
  w.start();
  w.run_for(hour + minute);  // a block is made at the full hour
  CHECK(w.network().open_pairs().size() == 12 * 11 / 2);
  for (const auto& [pair, count] : w.network().open_pairs())
    CHECK(count == 1);
  CHECK(w.converged());
  check_held(w);
}
