// The simulation can fail: with a fault put into the rules on purpose it says which invariant does not hold. That both drop
// what they saw second is shown by the search of all interleavings (tests/unit/pair_search_test.cpp): here the introductions
// tell the nodes soon enough who is elected.

#include "tests/sim/scenario.hpp"

using namespace sim;

namespace {

std::uint64_t count(world& w, timenode::invariant which) {
  w.eyes().finish();
  return w.eyes().violation_count(which);
}

}  // namespace

TEST_CASE("with a liveness limit of a few seconds the network ends its own connections, and "
          "no-cycling says so") {
  world w{{.seed = 1, .nodes = 4, .liveness = {.dead_after = 4 * second}}};
  w.start();
  w.run_for(20 * minute);
  CHECK(count(w, timenode::invariant::no_cycling) > 10);
}

TEST_CASE("without the fallback dial a node behind NAT stays alone, and one-link says so") {
  world w{{.seed = 1,
           .nodes = 4,
           .undialable = 0.25,
           .link_rules = {.their_dial_wait = 10'000 * hour}}};
  w.start();
  w.run_for(20 * minute);
  CHECK(count(w, timenode::invariant::one_link) > 0);
}

TEST_CASE("when nobody closes the second connection of a pair, one-link says so") {
  world w{{.seed = 1, .nodes = 8, .nameless = 1, .link_rules = {.duplicate_grace = 10'000 * hour}}};
  w.start();
  w.run_for(20 * minute);
  CHECK(count(w, timenode::invariant::one_link) > 0);
}

TEST_CASE("when a connection ends while all is calm, no-cycling says so, once") {
  world w{{.seed = 1, .nodes = 4}};
  w.start();
  w.run_for(5 * minute);
  w.eyes().set_calm(true);
  w.run_for(20 * minute);
  CHECK(count(w, timenode::invariant::no_cycling) == 0);
  REQUIRE(w.eyes().pairs().links(0, 1) == 1);
  w.network().reset(w.ip(0), w.ip(1));
  w.run_for(minute);
  CHECK(count(w, timenode::invariant::no_cycling) == 1);
  CHECK(w.eyes().calm_ends() == 1);
}
