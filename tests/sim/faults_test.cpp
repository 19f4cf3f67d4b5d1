// Each fault by itself, and all of them together.

#include "tests/sim/simulation.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace sim;

namespace {

/// Under which not all invariants hold yet: a test of their own each.
const std::set open_faults{fault::crash, fault::disk_loss, fault::site, fault::liar, fault::flood};

simulation_report run(const simulation_options& options) {
  auto result = simulate(options);
  REQUIRE_MESSAGE(result.has_value(), result.error().reason);
  for (const auto& x : result->first_violations)
    FAIL_CHECK(to_text(x.which), " at ", text_of_time(x.at), ": ", x.what, "; again: ", result->command);
  return std::move(*result);
}

void holds_under(fault what) {
  CAPTURE(to_text(what));
  const auto x = run({.nodes = 12, .hours = 1, .seed = 3, .faults = fault_set{}.add(what)});
  CHECK(x.ok());
  CHECK(x.connections > 0);
  CHECK(x.pairs > 0);
  CHECK(x.pairs_linked == x.pairs);
  CHECK(x.blocks_made >= 5);
  MESSAGE(to_text(what), ": ", x.real_seconds, " s, ", x.messages, " messages");
}

} // namespace

TEST_CASE("twelve nodes hold all invariants for an hour under each fault by itself") {
  for (const auto what : fault_set::all().list())
    if (!open_faults.contains(what))
      holds_under(what);
}

// Known and not mended; the day that one is, its test says so.
TEST_CASE("... and when processes are killed" * doctest::should_fail()) { holds_under(fault::crash); }
TEST_CASE("... and when disks are lost" * doctest::should_fail()) { holds_under(fault::disk_loss); }
TEST_CASE("... and when whole sites restart" * doctest::should_fail()) { holds_under(fault::site); }
TEST_CASE("... and when strangers lie" * doctest::should_fail()) { holds_under(fault::liar); }
TEST_CASE("... and when strangers flood" * doctest::should_fail()) { holds_under(fault::flood); }
