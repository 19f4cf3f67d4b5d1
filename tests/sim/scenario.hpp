#pragma once

// What the simulation tests share.

#include "tests/sim/simulation.hpp"
#include "tests/sim/world.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>

namespace sim {

/// Runs it and fails the test for each thing that did not hold, with the command that runs it again.
inline simulation_report must_hold(const simulation_options& options) {
  auto result = simulate(options);
  REQUIRE_MESSAGE(result.has_value(), result.error().reason);
  for (const auto& x : result->first_violations)
    FAIL_CHECK(timenode::to_text(x.which), " at ", text_of_time(x.at), ": ", x.what,
               "; again: ", result->command);
  CHECK(result->ok());
  // A run in which nothing happened shows nothing.
  CHECK(result->connections > 0);
  CHECK(result->pairs > 0);
  CHECK(result->pairs_linked == result->pairs);
  CHECK(result->blocks_made > 0);
  return std::move(*result);
}

/// Fails the test for each thing that did not hold so far.
inline void check_held(world& w) {
  w.eyes().finish();
  for (const auto& x : w.eyes().violations())
    FAIL_CHECK(timenode::to_text(x.which), " at ", text_of_time(x.at), ": ", x.what);
}

/// Every pair that should be connected and can be has exactly one connection; there are `pairs` of them.
inline void check_mesh(world& w, std::size_t pairs) {
  std::size_t count = 0;
  for (std::uint32_t b = 1; b < w.hosts(); ++b)
    for (std::uint32_t a = 0; a < b; ++a)
      if (w.eyes().pairs().wanted(a, b) && w.eyes().pairs().reachable(a, b)) {
        ++count;
        CHECK_MESSAGE(w.eyes().pairs().links(a, b) == 1, w.ip(a).to_string(), " and ",
                      w.ip(b).to_string());
      }
  CHECK(count == pairs);
}

/// Nothing gets from one of the hosts to the other, or any more.
inline void block_way(world& w, std::uint32_t from, std::uint32_t to, bool blocked) {
  w.eyes().pairs().pair_disturbed(from, to, blocked, w.now());
  w.network().block(w.ip(from), w.ip(to), blocked);
}

inline void block_both(world& w, std::uint32_t a, std::uint32_t b, bool blocked) {
  block_way(w, a, b, blocked);
  block_way(w, b, a, blocked);
}

}  // namespace sim
