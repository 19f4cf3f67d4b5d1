#include "tests/unit/pair_search.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <iostream>

using namespace test::pair_search;

TEST_CASE("x") {
  using enum pair_role;
  const auto get = [](const char* n, int d) { const char* v = std::getenv(n); return v ? std::atoi(v) : d; };
  constexpr pair_role r[]{we_dial, they_dial, unknown};
  scenario s;
  s.roles[0][1] = r[get("A", 1)];
  s.roles[1][0] = r[get("B", 0)];
  s.crashes = get("C", 0);
  s.losses = get("L", 0);
  s.max_delay = get("D", 1);
  s.max_start = get("S", 80);
  s.may_collide = get("M", 0);
  if (get("DRAW", 2) == 1)
    s.draws = {std::vector{draw::low}, std::vector{draw::high}, std::vector{draw::low}};
  if (get("DROP", 0)) s.rules[0].drop_second_seen = s.rules[1].drop_second_seen = true;
  if (get("NOGRACE", 0) & 1) s.rules[0].elected_grace = s.rules[0].duplicate_grace = 0;
  if (get("NOGRACE", 0) & 2) s.rules[1].elected_grace = s.rules[1].duplicate_grace = 0;
  s.wants[0] = get("W0", 1);
  s.wants[1] = get("W1", 1);
  s.unreachable[1][0] = get("U", 0);
  auto x = search{s}.run();
  std::cout << x.states << " states " << x.steps << " steps " << x.ends << " ends " << x.collisions << " collisions, longest "
   << x.longest.value_or(-1) << " endless " << x.endless << " lost " << x.lost << " " << x.seconds << " s\n" << x.violation << "\n" << x.trace;
}
