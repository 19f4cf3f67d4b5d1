// Interleavings of two and of three nodes that start, dial, accept, shake hands, time out, crash
// and come back. Each scenario is searched to its end, within its bounds; pair_search_model.hpp
// says what is modelled.

#include "tests/unit/pair_search.hpp"

#include <doctest/doctest.h>

#include <iostream>

using namespace test::pair_search;
using enum pair_role;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool thorough = false;  // ten times slower and larger
#else
constexpr bool thorough = true;
#endif

constexpr ticks any_start = 40 * ticks_a_second;  ///< Longer than the wait for the other's dial.

scenario pair_of(std::string name, pair_role of_0, pair_role of_1) {
  scenario s;
  s.name = std::move(name);
  s.roles[0][1] = of_0;
  s.roles[1][0] = of_1;
  return s;
}

/// The roles of two nodes that know their own addresses; node 1 has the higher one.
scenario sound_pair(std::string name) {
  return pair_of(std::move(name), they_dial, we_dial);
}

result look(const scenario& s) {
  auto x = search{s}.run();
  if (s.tell_longest)
    std::cout << x.longest_way;
  std::cout << "pair search: " << s.name << ": " << x.states << " states, " << x.steps << " steps, "
            << x.ends << " ends, " << x.collisions << " collisions, ";
  if (x.longest)
    std::cout << "settled within " << *x.longest << " s";
  else
    std::cout << x.endless << " states before a circle";
  std::cout << ", " << x.seconds << " s" << std::endl;
  return x;
}

/// A pair is connected this long after both nodes are up and what disturbed them is over (invariant `one-link`).
constexpr double longest_apart = 60;

void holds(const scenario& s) {
  const auto x = look(s);
  CHECK_MESSAGE(x.violation.empty(), s.name << ": " << x.violation << '\n' << x.trace);
  CHECK(x.ends > 0);
  CHECK(x.lost == 0);
  if (!s.may_collide && s.steadfast) {
    REQUIRE(x.longest);
    CHECK(*x.longest <= longest_apart);
  }
}

void fails(const scenario& s) {
  const auto x = look(s);
  CHECK_FALSE(x.violation.empty());
  std::cout << x.trace;
}

void without_grace(peer_link_rules& rules) {
  rules.elected_grace = 0;
  rules.duplicate_grace = 0;
}

}  // namespace

TEST_CASE("two nodes end with one connection, however they start and their messages interleave") {
  auto s = sound_pair("start at any time");
  s.max_start = any_start;
  holds(s);
  s.name = "only the higher one knows of the pair";
  s.wants[0] = false;
  holds(s);
  s.name = "only the lower one knows of the pair";
  s.wants = {true, false, true};
  holds(s);
}

TEST_CASE("two nodes end with one connection after crashes of processes and hosts") {
  auto s = sound_pair("a crash, messages at once");
  s.crashes = 1;
  s.max_delay = 0;
  s.max_start = thorough ? any_start : 0;
  holds(s);
  if (!thorough)
    return;
  s.name = "a crash, messages delayed";
  s.max_delay = 1;
  s.max_start = 0;
  holds(s);
  s.name = "two crashes, messages at once";
  s.max_delay = 0;
  s.crashes = 2;
  holds(s);
}

TEST_CASE("two nodes end with one connection after connections broke, for both ends or for one") {
  auto s = sound_pair("a broken connection");
  s.losses = 1;
  s.max_delay = 0;
  s.max_start = any_start;
  holds(s);
  if (!thorough)
    return;
  s.name = "a broken connection and a crash";
  s.max_start = 0;
  s.crashes = 1;
  holds(s);
}

TEST_CASE("a node whose dials do not arrive is dialed by the other one, whatever the rule says") {
  auto s = sound_pair("the side that should dial cannot");
  s.unreachable[1][0] = true;
  holds(s);
}

TEST_CASE("nodes that do not know their own address lose nothing when their draws differ") {
  auto s = pair_of("own addresses unknown, draws differ", unknown, unknown);
  s.draws = {std::vector{draw::low}, std::vector{draw::high}, std::vector{draw::low}};
  holds(s);
  s.name = "one address unknown, draws differ";
  s.roles[0][1] = we_dial;
  holds(s);
}

TEST_CASE("nodes that claim the same side of the pair can always still reach one connection") {
  for (const auto role : {we_dial, they_dial, unknown}) {
    auto s = pair_of("same role " + std::to_string(static_cast<int>(role)), role, role);
    s.max_delay = 0;
    s.may_collide = true;
    holds(s);
  }
}

namespace {

/// Both ends claim that role, and learn who is elected when they introduce themselves.
void holds_once_introduced(pair_role role) {
  for (const bool first_is_elected : {false, true}) {
    auto s =
        pair_of("same role " + std::to_string(static_cast<int>(role)) + ", introduced", role, role);
    s.introduced.emplace();
    (*s.introduced)[0][1] = first_is_elected ? we_dial : they_dial;
    (*s.introduced)[1][0] = first_is_elected ? they_dial : we_dial;
    s.max_start = thorough ? any_start : 0;
    holds(s);
  }
}

}  // namespace

TEST_CASE("nodes that claim the same side of the pair lose nothing once they have introduced "
          "themselves") {
  for (const auto role : {we_dial, they_dial})
    holds_once_introduced(role);
}

TEST_CASE("nodes that do not know who they are lose nothing once they have introduced themselves") {
  holds_once_introduced(unknown);
}

TEST_CASE("a peer that was only named by somebody, and never met, may wait for its turn longer") {
  auto s = sound_pair("hearsay");
  s.steadfast = false;
  s.wants[0] = false;
  s.max_start = any_start;
  const auto x = look(s);
  CHECK(x.violation.empty());
  CHECK(x.lost == 0);
  REQUIRE(x.longest);
  CHECK(*x.longest > longest_apart);
  CHECK(*x.longest <= 310);  // the longest backoff, and then some
}

TEST_CASE("three nodes end with one connection a pair") {
  scenario s;
  s.name = "three nodes";
  s.nodes = 3;
  s.pairs_in_turn = true;
  s.max_delay = 0;
  s.draws = {std::vector{draw::low}, std::vector{draw::high}, std::vector{draw::low}};
  for (std::size_t a = 0; a < 3; ++a)
    for (std::size_t b = 0; b < 3; ++b)
      s.roles[a][b] = a > b ? we_dial : they_dial;
  // Long enough that node 0 stops waiting for dials and the starting others meet its own.
  s.max_start = thorough ? 26 * ticks_a_second : 0;
  holds(s);
  if (!thorough)
    return;
  s.name = "three nodes, a crash";
  s.max_start = 0;
  s.crashes = 1;
  holds(s);
}

TEST_CASE("the search finds the double drop of nodes that drop what they saw second") {
  auto s = sound_pair("drop what I saw second");
  s.max_start = any_start;
  for (auto& x : s.rules)
    x.drop_second_seen = true;
  fails(s);
}

TEST_CASE("the search finds the double drop when the grace is removed") {
  // Node 0 stands for the deployed daemon: it holds itself for the elected one and closes at once.
  auto s = pair_of("a peer that elects the other side, with our grace", we_dial, we_dial);
  without_grace(s.rules[0]);
  s.max_delay = 0;
  holds(s);
  s.name = "a peer that elects the other side, without our grace";
  without_grace(s.rules[1]);
  fails(s);
  s = pair_of("own addresses unknown, without the grace", unknown, unknown);
  for (auto& x : s.rules)
    without_grace(x);
  fails(s);
}
