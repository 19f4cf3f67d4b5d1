// Each fault by itself, and all of them together.

#include "tests/sim/simulation.hpp"

#include <doctest/doctest.h>

using namespace sim;

namespace {

simulation_report run(const simulation_options& options) {
  auto result = simulate(options);
  REQUIRE_MESSAGE(result.has_value(), result.error().reason);
  for (const auto& x : result->first_violations)
    FAIL_CHECK(to_text(x.which), " at ", text_of_time(x.at), ": ", x.what, "; again: ", result->command);
  return std::move(*result);
}

} // namespace

TEST_CASE("twelve nodes hold all invariants for an hour under each fault by itself") {
  for (const auto what : fault_set::all().list()) {
    CAPTURE(to_text(what));
    const auto x = run({.nodes = 12, .hours = 1, .seed = 3, .faults = fault_set{}.add(what)});
    CHECK(x.ok());
    CHECK(x.connections > 0);
    CHECK(x.pairs > 0);
    CHECK(x.pairs_linked == x.pairs);
    CHECK(x.blocks_made >= 5);
    MESSAGE(to_text(what), ": ", x.real_seconds, " s, ", x.messages, " messages");
  }
}
