#pragma once

// A telemetry actor among actors that answer what a test says, and count how often they are asked.

#include "actors/metrics.hpp"
#include "actors/telemetry.hpp"
#include "tests/actors/test_node.hpp"

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace test::telemetry_world {

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

inline registry_source spawn_registry(caf::actor_system& system, world& w) {
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

inline directory_source spawn_directory(caf::actor_system& system, const directory_snapshot& x) {
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

inline sync_source spawn_sync(caf::actor_system& system, world& w) {
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

inline masternode_source spawn_masternodes(caf::actor_system& system, world& w) {
  return system.spawn([&w]() -> masternode_source::behavior_type {
    return {[&w](atom::list) { return w.masternodes; },
            [](atom::snapshot) { return attestation_stats{}; }};
  });
}

inline peer_connection_actor spawn_connection(caf::actor_system& system, peer_snapshot snapshot) {
  return system.spawn([snapshot]() -> peer_connection_actor::behavior_type {
    return test::behavior_of(test::connection_script{.state = snapshot});
  });
}

/// A telemetry actor in a world where nothing is wrong: two connections, everyone answers.
class fixture : public test_node {
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

}  // namespace test::telemetry_world
