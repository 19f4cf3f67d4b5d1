#include "actors/metrics.hpp"
#include "actors/telemetry.hpp"
#include "tests/actors/test_node.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>

namespace {

using namespace timenode;
using namespace std::chrono_literals;

/// What the fake actors answer and how often they were asked.
struct world {
  registry_snapshot registry;
  link_list links;
  directory_snapshot directory;
  gossip_snapshot gossip;
  keeper_snapshot keeper;
  sync_snapshot sync;
  consensus_snapshot consensus;
  mempool_snapshot mempool;
  std::vector<masternode_entry> masternodes;
  std::map<std::string, int> asked;
  bool registry_silent = false;
  bool sync_silent = false;
  std::size_t sockets = 0;
  std::uint64_t faults = 0;
};

/// Never answers, but keeps the question so that nobody is told of a broken promise.
template <class... Ts>
class unanswered {
 public:
  template <class Self>
  caf::result<Ts...> keep(Self* self) {
    auto promise = self->template make_response_promise<Ts...>();
    promises_.push_back(promise);
    return promise;
  }

 private:
  std::vector<caf::typed_response_promise<Ts...>> promises_;
};

using registry_source = decltype(telemetry_sources::registry);
using sync_source = decltype(telemetry_sources::sync);
using masternode_source = decltype(telemetry_sources::masternodes);

registry_source spawn_registry(caf::actor_system& system, world& w) {
  return system.spawn([&w](registry_source::pointer self) -> registry_source::behavior_type {
    auto kept = std::make_shared<unanswered<registry_snapshot>>();
    auto kept_lists = std::make_shared<unanswered<link_list>>();
    auto kept_counts = std::make_shared<unanswered<std::uint64_t>>();
    auto kept_checks = std::make_shared<unanswered<link_list, std::uint64_t>>();
    return {
        [&w, self, kept_lists](atom::list) -> caf::result<link_list> {
          ++w.asked["list"];
          if (w.registry_silent)
            return kept_lists->keep(self);
          return w.links;
        },
        [&w, self, kept_checks](atom::check) -> caf::result<link_list, std::uint64_t> {
          ++w.asked["check"];
          if (w.registry_silent)
            return kept_checks->keep(self);
          return {w.links, w.faults};
        },
        [&w, self, kept_counts](atom::count) -> caf::result<std::uint64_t> {
          if (w.registry_silent)
            return kept_counts->keep(self);
          return w.registry.established;
        },
        [&w, self, kept](atom::snapshot) -> caf::result<registry_snapshot> {
          ++w.asked["registry"];
          if (w.registry_silent)
            return kept->keep(self);
          return w.registry;
        },
        [&w](atom::explain, const ip_address& ip) {
          ++w.asked["explain"];
          known_peer_snapshot result;
          result.ip = ip;
          result.state = "established";
          return result;
        },
    };
  });
}

/// Answers with what `x` is at the time.
template <class Snapshot>
snapshot_source<Snapshot> spawn_source(caf::actor_system& system, const Snapshot& x) {
  using source = snapshot_source<Snapshot>;
  return system.spawn(
      [&x]() -> typename source::behavior_type { return {[&x](atom::snapshot) { return x; }}; });
}

using directory_source = decltype(telemetry_sources::directory);

directory_source spawn_directory(caf::actor_system& system, const directory_snapshot& x) {
  return system.spawn([&x]() -> directory_source::behavior_type {
    return {
        [&x](atom::snapshot) { return x; },
        [](atom::explain, const ip_address&) {
          address_snapshot result;
          result.known = true;
          return result;
        },
    };
  });
}

sync_source spawn_sync(caf::actor_system& system, world& w) {
  return system.spawn([&w](sync_source::pointer self) -> sync_source::behavior_type {
    auto kept = std::make_shared<unanswered<sync_snapshot>>();
    auto kept_progress = std::make_shared<unanswered<sync_progress>>();
    return {
        [&w, self, kept_progress](atom::progress) -> caf::result<sync_progress> {
          ++w.asked["progress"];
          if (w.sync_silent)
            return kept_progress->keep(self);
          return w.sync;
        },
        [&w, self, kept](atom::snapshot) -> caf::result<sync_snapshot> {
          ++w.asked["sync"];
          if (w.sync_silent)
            return kept->keep(self);
          return w.sync;
        },
    };
  });
}

masternode_source spawn_masternodes(caf::actor_system& system, world& w) {
  return system.spawn([&w]() -> masternode_source::behavior_type {
    return {[&w](atom::list) { return w.masternodes; },
            [](atom::snapshot) { return attestation_stats{}; }};
  });
}

peer_connection_actor spawn_connection(caf::actor_system& system, peer_snapshot snapshot) {
  return system.spawn([snapshot]() -> peer_connection_actor::behavior_type {
    return test::behavior_of(test::connection_script{.state = snapshot});
  });
}

/// A telemetry actor in a world where nothing is wrong: two connections, everyone answers.
class fixture : public test::test_node {
 public:
  fixture() : metrics{system.metrics()} {
    context.metrics = &metrics;
    add_connection(1, "192.0.2.1", link_direction::inbound);
    add_connection(2, "192.0.2.2", link_direction::outbound);
    w.keeper.tip.height = 2000;
    w.sync.state = "idle";
    w.sync.height = w.sync.target = 2000;
    w.masternodes.resize(3);
    w.masternodes[1].active = true;
    sources = {spawn_registry(system, w),
               spawn_directory(system, w.directory),
               spawn_source(system, w.gossip),
               spawn_source(system, w.keeper),
               spawn_sync(system, w),
               spawn_masternodes(system, w),
               spawn_source(system, w.consensus),
               spawn_source(system, w.mempool)};
    start();
  }

  void start() {
    uut = system.spawn<telemetry>(context, sources, [this] { return w.sockets; });
    run();
  }

  void add_connection(link_id id, const char* address, link_direction direction) {
    const auto ip = ip_address::parse(address).value();
    peer_snapshot own;
    own.link = id;
    own.ip = ip;
    own.direction = direction;
    own.phase = link_phase::established;
    const auto entry = link_snapshot{id, ip, direction, link_phase::established};
    w.links.emplace_back(entry, spawn_connection(system, own));
    w.registry.links.push_back(entry);
    metrics.link_state(direction, std::nullopt, link_phase::established);
    ++w.sockets;
  }

  node_snapshot snapshot() { return ask<node_snapshot>(uut, atom::snapshot_v); }

  /// Asks without waiting for the answer, and takes it later.
  auto ask_later() { return self->request(uut, caf::infinite, atom::snapshot_v); }
  template <class View = node_snapshot, class Response>
  View take(Response& response) {
    if (!self->has_next_message())
      throw std::runtime_error("no answer");
    View result;
    response.receive([&](View& x) { result = std::move(x); },
                     [](const caf::error& x) { throw std::runtime_error(to_string(x)); });
    return result;
  }

  node_pulse pulse() { return ask<node_pulse>(uut, atom::pulse_v); }

  std::uint64_t violations(invariant x) { return metrics.violations(x); }

  world w;
  node_metrics metrics;
  telemetry_sources sources;
  telemetry_actor uut;
};

}  // namespace

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
