// What telemetry tells of the node and of one peer: collected from all, in time, and who is silent is named.

#include "tests/actors/telemetry_world.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

using namespace timenode;
using test::telemetry_world::fixture;
using namespace std::chrono_literals;

TEST_CASE_FIXTURE(fixture, "a snapshot holds what every actor said of itself") {
  w.directory.known = 7;
  w.gossip.seen = 8;
  w.consensus.height = 9;
  const auto x = snapshot();
  CHECK(x.registry.links.size() == 2);
  REQUIRE(x.peers.size() == 2);
  CHECK(x.peers[0].link == 1);
  CHECK(x.peers[1].link == 2);
  CHECK(x.directory.known == 7);
  CHECK(x.gossip.seen == 8);
  CHECK(x.keeper.tip.height == 2000);
  CHECK(x.sync.state == "idle");
  CHECK(x.masternodes.size() == 3);
  CHECK(x.consensus.height == 9);
  CHECK(x.silent.empty());
  CHECK(x.invariant_violations.size() == invariant_count);
  for (const auto& [name, count] : x.invariant_violations)
    CHECK_MESSAGE(count == 0, name);
}

TEST_CASE_FIXTURE(fixture, "an actor that stays silent is named and does not hold up the answer") {
  w.sync_silent = true;
  auto response = ask_later();
  run();
  CHECK_FALSE(self->has_next_message());
  advance(799ms);
  CHECK_FALSE(self->has_next_message());
  advance(2ms);
  const auto x = take(response);
  CHECK(x.silent == std::vector<std::string>{"sync-engine"});
  CHECK(x.keeper.tip.height == 2000);
  CHECK(x.peers.size() == 2);
}

TEST_CASE_FIXTURE(fixture, "a connection that died between the two questions is named") {
  caf::anon_send_exit(w.links[1].second, caf::exit_reason::kill);
  run();
  const auto x = snapshot();
  CHECK(x.peers.size() == 1);
  CHECK(x.silent == std::vector<std::string>{"connection 2 to 192.0.2.2"});
}

TEST_CASE_FIXTURE(fixture, "an actor that does not exist counts as silent") {
  sources.gossip = nullptr;
  start();
  CHECK(snapshot().silent == std::vector<std::string>{"gossip"});
}

TEST_CASE_FIXTURE(fixture, "all who ask while a collection runs are served by it") {
  w.sync_silent = true;
  auto first = ask_later();
  auto second = ask_later();
  run();
  advance(500ms);
  auto third = ask_later();
  run();
  CHECK(w.asked["sync"] == 1);
  advance(301ms);
  CHECK(take(first).silent.size() == 1);
  CHECK(take(second).silent.size() == 1);
  CHECK(take(third).silent.size() == 1);
  CHECK(w.asked["sync"] == 1);
}

TEST_CASE_FIXTURE(fixture, "the pulse tells how the node is without a question to any connection") {
  w.registry.established = 2;
  w.directory.known = 7;
  w.sync.target = 2100;
  const auto x = pulse();
  CHECK(x.established == 2);
  CHECK(x.known_addresses == 7);
  CHECK(x.keeper.tip.height == 2000);
  CHECK(x.sync.target == 2100);
  CHECK(x.invariant_violations.at("one-truth") == 0);
  CHECK(x.silent.empty());
  CHECK(w.asked["list"] == 0);
  CHECK(w.asked["registry"] == 0);
}

TEST_CASE_FIXTURE(fixture,
                  "the pulse names who does not answer within 800 ms, and who is not there") {
  w.sync_silent = true;
  w.registry_silent = true;
  caf::anon_send_exit(uut, caf::exit_reason::user_shutdown);
  sources.gossip = nullptr;
  start();
  auto answer = self->request(uut, caf::infinite, atom::pulse_v);
  run();
  advance(799ms);
  CHECK_FALSE(self->has_next_message());
  advance(2ms);
  const auto x = take<node_pulse>(answer);
  CHECK(std::set<std::string>{x.silent.begin(), x.silent.end()} ==
        std::set<std::string>{"connection-registry", "gossip", "sync-engine"});
  CHECK(x.keeper.tip.height == 2000);
}

TEST_CASE_FIXTURE(fixture, "an answer is given again for 200 ms and not longer") {
  snapshot();
  w.keeper.tip.height = 2001;
  advance(200ms);
  CHECK(snapshot().keeper.tip.height == 2000);
  CHECK(w.asked["registry"] == 1);
  advance(1ms);
  CHECK(snapshot().keeper.tip.height == 2001);
  CHECK(w.asked["registry"] == 2);
}

TEST_CASE_FIXTURE(fixture, "who asks after an order is told nothing from before it") {
  snapshot();
  w.keeper.tip.height = 2001;
  self->send(uut, atom::changed_v);
  CHECK(snapshot().keeper.tip.height == 2001);

  // Nor does he join a collection that was begun before.
  advance(1s);
  w.sync_silent = true;
  auto early = ask_later();
  run();
  const auto asked = w.asked["registry"];
  self->send(uut, atom::changed_v);
  w.sync_silent = false;
  auto late = ask_later();
  run();
  CHECK(w.asked["registry"] == asked);
  advance(801ms);
  CHECK(w.asked["registry"] == asked + 1);
  CHECK(take(early).silent.size() == 1);
  CHECK(take(late).silent.empty());
}

TEST_CASE_FIXTURE(fixture, "more askers at once than there can be are refused") {
  w.sync_silent = true;
  auto first = ask_later();
  for (std::size_t i = 1; i < telemetry_state::max_askers; ++i)
    self->send(uut, atom::snapshot_v);
  run();
  CHECK_THROWS_WITH(ask<node_snapshot>(uut, atom::snapshot_v),
                    doctest::Contains("too many asked for one at once"));
  advance(801ms);
  CHECK(take(first).silent.size() == 1);
}

TEST_CASE_FIXTURE(
    fixture,
    "an explanation joins what registry, address book and connection know of one address") {
  const auto ip = ip_address::parse("192.0.2.2").value();
  const auto x = ask<peer_explanation>(uut, atom::explain_v, ip);
  CHECK(x.peer.ip == ip);
  CHECK(x.peer.state == "established");
  CHECK(x.address.known);
  REQUIRE(x.connections.size() == 1);
  CHECK(x.connections[0].link == 2);
  CHECK(x.silent.empty());
}

TEST_CASE_FIXTURE(fixture,
                  "an explanation comes within a second though somebody is silent, and names him") {
  w.registry_silent = true;
  auto response =
      self->request(uut, caf::infinite, atom::explain_v, ip_address::parse("192.0.2.2").value());
  advance(1s);
  REQUIRE(self->has_next_message());
  peer_explanation x;
  response.receive([&](const peer_explanation& y) { x = y; }, [](const caf::error&) {});
  CHECK(x.silent == std::vector<std::string>{"connection-registry's links"});
  CHECK(x.address.known);
}
