// What a node checks of itself every ten seconds, and what it counts.

#include "tests/actors/telemetry_world.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace timenode;
using test::telemetry_world::fixture;
using namespace std::chrono_literals;

TEST_CASE_FIXTURE(fixture, "a healthy node violates nothing in an hour") {
  advance(1h);
  CHECK(w.asked["check"] >= 359);
  CHECK(w.asked["registry"] == 0);  // what a check compares is little
  for (std::size_t i = 0; i < invariant_count; ++i)
    CHECK(violations(static_cast<invariant>(i)) == 0);
}

TEST_CASE_FIXTURE(fixture,
                  "a socket that nobody owns is a violation of one-truth after a second look") {
  w.sockets = 3;
  advance(10s);
  CHECK(violations(invariant::one_truth) == 0);
  advance(999ms);
  CHECK(violations(invariant::one_truth) == 0);
  advance(2ms);
  CHECK(violations(invariant::one_truth) == 1);
  CHECK(snapshot().invariant_violations.at("one-truth") == 1);
}

TEST_CASE_FIXTURE(fixture, "a socket that is gone at the second look is none") {
  w.sockets = 3;
  advance(10500ms);
  w.sockets = 2;
  advance(1min);
  CHECK(violations(invariant::one_truth) == 0);
}

TEST_CASE_FIXTURE(fixture,
                  "a registry entry whose connection is dead is a violation of one-truth") {
  caf::anon_send_exit(w.links[0].second, caf::exit_reason::kill);
  w.sockets = 1;
  advance(11s);
  CHECK(violations(invariant::one_truth) == 1);
}

TEST_CASE_FIXTURE(fixture, "metrics that drifted from the registry are a violation of one-truth") {
  metrics.link_state(link_direction::outbound, link_phase::established, std::nullopt);
  advance(11s);
  CHECK(violations(invariant::one_truth) == 1);
}

TEST_CASE_FIXTURE(fixture, "a registry that does not answer is not judged") {
  w.registry_silent = true;
  w.sockets = 9;
  advance(1min);
  CHECK(violations(invariant::one_truth) == 0);
  CHECK(violations(invariant::one_link) == 0);
}

TEST_CASE_FIXTURE(
    fixture, "a second established connection to an IP that stays is a violation of one-link") {
  add_connection(3, "192.0.2.2", link_direction::inbound);
  advance(20s);
  CHECK(violations(invariant::one_link) == 0);
  advance(11s);
  CHECK(violations(invariant::one_link) == 1);
  CHECK(violations(invariant::one_truth) == 0);
}

TEST_CASE_FIXTURE(fixture, "a node that stays below its target is a violation of no-stuck") {
  w.sync.target = 2100;
  w.sync.ahead = 1;
  advance(10s);
  CHECK(violations(invariant::no_stuck) == 0);
  advance(21s);
  CHECK(violations(invariant::no_stuck) == 1);
}

TEST_CASE_FIXTURE(fixture, "without metrics violations are counted all the same") {
  caf::anon_send_exit(uut, caf::exit_reason::user_shutdown);
  context.metrics = nullptr;
  start();
  w.sockets = 3;
  advance(12s);
  CHECK(snapshot().invariant_violations.at("one-truth") == 1);
  CHECK(violations(invariant::one_truth) == 0);
}

TEST_CASE_FIXTURE(fixture, "questions asked during a check are answered, and the check goes on") {
  w.sync_silent = true;
  w.sockets = 3;
  advance(10100ms);  // A check's collection waits for the sync engine.
  auto response = ask_later();
  run();
  advance(800ms);
  CHECK(take(response).silent == std::vector<std::string>{"sync-engine"});
  advance(3s);
  CHECK(violations(invariant::one_truth) == 1);
}

TEST_CASE_FIXTURE(
    fixture, "a check that falls due while a collection for others runs does not wait for it") {
  w.sync_silent = true;
  advance(9500ms);
  auto response = ask_later();
  run();
  advance(600ms);  // The check is due, and waits for the sync engine by itself.
  CHECK(w.asked["registry"] == 1);
  CHECK(w.asked["check"] == 1);
  advance(300ms);
  take(response);
  CHECK(w.asked["registry"] == 1);
  advance(30s);
  CHECK(w.asked["check"] >= 3);
}

TEST_CASE_FIXTURE(fixture,
                  "a connection that ended by a fault of ours is a violation of no-cycling") {
  w.faults = 1;
  advance(10s);
  CHECK(violations(invariant::no_cycling) == 1);
  advance(1min);
  CHECK(violations(invariant::no_cycling) == 1);
}
