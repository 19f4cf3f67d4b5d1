// Registries and connections of two and more nodes against each other over the simulated network: what an
// operator sees of the life of a pair, under virtual time.

#include "actors/connection_registry.hpp"
#include "actors/transport_bridge.hpp"
#include "tests/actors/test_node.hpp"
#include "tests/sim/sim_network.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace timenode;
using namespace test;

namespace {

/// Counts what the registry publishes.
struct publication {
  std::map<ip_address, int> up;
  std::map<ip_address, int> down;
};

peer_listener_actor spawn_listener(caf::actor_system& system,
                                   const std::shared_ptr<publication>& record) {
  return system.spawn([record]() -> peer_listener_actor::behavior_type {
    return {
        [record](atom::peer_up, const peer_info& x, const peer_connection_actor&) {
          ++record->up[x.ip];
        },
        [record](atom::peer_down, const ip_address& x) { ++record->down[x]; },
    };
  });
}

/// A node that consists of a registry and its connections.
struct mini_node {
  mini_node(test_node& test, sim::sim_network& network, const std::string& address,
            bool knows_itself = true)
      : ip{*ip_address::parse(address)}, transport{network.make_transport(ip)},
        seen{std::make_shared<publication>()} {
    auto context = test.context;
    context.local_ip = knows_itself ? std::optional{ip} : std::nullopt;
    context.seed = std::hash<ip_address>{}(ip);
    registry = test.system.spawn<connection_registry>(
        context, registry_config{}, make_connection_factory(context, *transport, true));
    (void)transport->listen({ip, 24100}, make_listener_bridge(registry));
    test.self->send(registry, atom::attach_v, peer_routes{});
    test.self->send(registry, atom::subscribe_v, spawn_listener(test.system, seen));
  }

  ip_address ip;
  std::unique_ptr<net::transport> transport;
  std::shared_ptr<publication> seen;
  connection_registry_actor registry;
};

struct world : test_node {
  world() : network{[this] { return scheduler.clock().now().time_since_epoch().count(); }, 42} {
    events = {[this] { return network.next_event(); }, [this] { network.run_due(); }};
  }

  ~world() {
    // The nodes' transports go before the network, and actors before the transports.
    for (auto& x : nodes)
      anon_send_exit(x->registry, caf::exit_reason::kill);
    run();
  }

  mini_node& add(const std::string& address, bool knows_itself = true) {
    nodes.push_back(std::make_unique<mini_node>(*this, network, address, knows_itself));
    return *nodes.back();
  }

  void introduce(mini_node& a, mini_node& b) {
    self->send(a.registry, atom::want_v, endpoint{b.ip, 24100}, dial_purpose::configured);
  }

  registry_snapshot look(mini_node& x) {
    return ask<registry_snapshot>(x.registry, atom::snapshot_v);
  }

  /// Each pair has exactly one connection, both ends agree, and registry, actors and sockets too.
  void check_one_link_a_pair() {
    const auto pairs = network.open_pairs();
    CHECK(pairs.size() == nodes.size() * (nodes.size() - 1) / 2);
    for (const auto& [pair, count] : pairs)
      CHECK_MESSAGE(count == 1, pair.first.to_string() << " - " << pair.second.to_string());
    for (auto& x : nodes) {
      const auto snapshot = look(*x);
      CHECK(snapshot.established == nodes.size() - 1);
      CHECK(snapshot.links.size() == nodes.size() - 1);
      CHECK(x->transport->open_connections() == nodes.size() - 1);
    }
  }

  std::vector<peer_snapshot> connections_of(mini_node& x) {
    std::vector<peer_snapshot> result;
    for (const auto& [link, actor] : ask<link_list>(x.registry, atom::list_v))
      result.push_back(ask<peer_snapshot>(actor, atom::snapshot_v));
    return result;
  }

  sim::sim_network network;
  std::vector<std::unique_ptr<mini_node>> nodes;
};

}  // namespace

TEST_CASE("two nodes that know each other settle on the connection that the higher IP dialed") {
  world w;
  auto& low = w.add("127.0.0.1");
  auto& high = w.add("127.0.0.2");
  w.introduce(low, high);
  w.introduce(high, low);
  w.advance(10s);
  w.check_one_link_a_pair();
  CHECK(w.look(high).links.at(0).direction == link_direction::outbound);
  CHECK(w.look(low).links.at(0).direction == link_direction::inbound);
}

TEST_CASE("when only the lower one knows of the pair it dials after 30 s") {
  world w;
  auto& low = w.add("127.0.0.1");
  auto& high = w.add("127.0.0.2");
  w.introduce(low, high);
  w.advance(23s);
  CHECK(w.network.open_pairs().empty());
  w.advance(15s);
  w.check_one_link_a_pair();
  CHECK(w.look(low).links.at(0).direction == link_direction::outbound);
}

TEST_CASE("nodes that do not know their own IP dial each other at once and keep one connection") {
  world w;
  auto& a = w.add("127.0.0.1", false);
  auto& b = w.add("127.0.0.2", false);
  w.introduce(a, b);
  w.introduce(b, a);
  w.advance(60s);
  w.check_one_link_a_pair();
}

TEST_CASE("a mesh of eight nodes has one connection a pair, pinged from both ends") {
  world w;
  for (int i = 1; i <= 8; ++i)
    w.add("10.0.0." + std::to_string(i));
  for (auto& a : w.nodes)
    for (auto& b : w.nodes)
      if (a != b)
        w.introduce(*a, *b);
  w.advance(2min);
  w.check_one_link_a_pair();
  for (auto& x : w.nodes)
    for (const auto& y : w.connections_of(*x)) {
      CHECK(y.pongs_received >= 3);
      CHECK(y.pings_answered >= 3);
      CHECK(y.ping_us == 40'000);
    }
}

TEST_CASE("no connection ends in a day, and every ping of both sides is answered") {
  world w;
  for (int i = 1; i <= 4; ++i)
    w.add("10.0.0." + std::to_string(i));
  for (auto& a : w.nodes)
    for (auto& b : w.nodes)
      if (a != b)
        w.introduce(*a, *b);
  w.advance(1min);
  const auto made = w.network.connections_made();
  CHECK(made == 6);
  w.advance(24h);
  CHECK(w.network.connections_made() == made);
  w.check_one_link_a_pair();
  for (auto& x : w.nodes) {
    CHECK(w.look(*x).ended.empty());
    for (const auto& y : w.connections_of(*x)) {
      CHECK(y.pings_sent >= 86'400 / 33);
      CHECK(y.pings_sent <= 86'400 / 27 + 5);
      CHECK(y.pongs_received + 1 >= y.pings_sent);
    }
    for (const auto& [ip, times] : x->seen->up)
      CHECK(times == 1);
    CHECK(x->seen->down.empty());
  }
}

TEST_CASE(
    "a peer that is cut off is dead after 90 s, on both sides, and comes back when the line does") {
  world w;
  auto& low = w.add("10.0.0.1");
  auto& high = w.add("10.0.0.2");
  w.introduce(low, high);
  w.introduce(high, low);
  w.advance(1min);
  w.check_one_link_a_pair();
  w.network.block(low.ip, high.ip, true);
  w.network.block(high.ip, low.ip, true);
  w.advance(80s - 34s);
  CHECK(w.look(low).established == 1);  // up to 33 s may have gone by since the last ping
  w.advance(60s);
  CHECK(w.look(low).established == 0);
  CHECK(w.look(high).established == 0);
  CHECK(w.look(high).ended.at("peer dead") == 1);
  w.network.block(low.ip, high.ip, false);
  w.network.block(high.ip, low.ip, false);
  w.advance(60s);
  w.check_one_link_a_pair();
  CHECK(low.seen->up.at(high.ip) == 2);
}

TEST_CASE("a peer whose power failed and came back is connected again within 60 s") {
  world w;
  auto& low = w.add("10.0.0.1");
  w.add("10.0.0.2");
  w.introduce(low, *w.nodes[1]);
  w.introduce(*w.nodes[1], low);
  w.advance(10min);
  w.check_one_link_a_pair();
  w.network.cut_power(*ip_address::parse("10.0.0.2"));
  anon_send_exit(w.nodes[1]->registry, caf::exit_reason::kill);
  w.run();
  w.nodes.pop_back();
  w.advance(5s);
  auto& again = w.add("10.0.0.2");
  w.introduce(again, low);
  w.advance(60s);
  w.check_one_link_a_pair();
  CHECK(low.seen->down.count(again.ip) <= 1);
}

TEST_CASE("a host behind NAT, which nobody can dial, is connected by its own dials") {
  world w;
  auto& hidden = w.add("10.0.0.1");  // the lower one: the other is elected and cannot
  auto& other = w.add("10.0.0.2");
  w.network.set_undialable(hidden.ip, true);
  w.introduce(hidden, other);
  w.introduce(other, hidden);
  w.advance(60s);
  w.check_one_link_a_pair();
  w.advance(12h);
  w.check_one_link_a_pair();
  CHECK(hidden.seen->up.at(other.ip) == 1);
}

TEST_CASE("stopping closes every connection and answers when the last is gone") {
  world w;
  auto& a = w.add("10.0.0.1");
  auto& b = w.add("10.0.0.2");
  auto& c = w.add("10.0.0.3");
  for (auto* x : {&b, &c}) {
    w.introduce(a, *x);
    w.introduce(*x, a);
  }
  w.advance(1min);
  CHECK(w.look(a).established == 2);
  bool stopped = false;
  auto answer = w.self->request(a.registry, caf::infinite, atom::stop_v);
  w.advance(2s);
  REQUIRE(w.self->has_next_message());
  answer.receive([&] { stopped = true; }, [](const caf::error&) {});
  CHECK(stopped);
  CHECK(a.transport->open_connections() == 0);
  CHECK(w.look(a).ended.at("shutdown") == 2);
}
