// The registry with connections that are played by the test: what it admits, refuses, bans and publishes.

#include "actors/connection_registry.hpp"
#include "tests/actors/test_node.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace timenode;
using namespace test;

namespace {

/// Hands out connections that only record, and remembers which.
class fake_factory final : public connection_factory {
public:
  struct made {
    link_spec spec;
    peer_connection_actor actor;
    std::shared_ptr<connection_record> record;
  };
  struct log {
    std::vector<made> connections;
    std::map<std::uint64_t, std::string> rejected;
  };

  explicit fake_factory(std::shared_ptr<log> x) : log_{std::move(x)} {}

  peer_connection_actor dial(connection_registry_actor::pointer registry, const link_spec& spec,
                             const peer_routes&) override {
    auto [actor, record] = spawn_fake_connection(registry->system());
    log_->connections.push_back({spec, actor, record});
    return actor;
  }
  peer_connection_actor accept(connection_registry_actor::pointer registry, const link_spec& spec,
                               std::uint64_t, const peer_routes& routes) override {
    return dial(registry, spec, routes);
  }
  void reject(std::uint64_t accepted, const std::string& reason) override {
    log_->rejected[accepted] = reason;
  }

private:
  std::shared_ptr<log> log_;
};

endpoint at(const std::string& ip) {
  return {*ip_address::parse(ip), 24100};
}

struct one_registry : test_node {
  explicit one_registry(registry_config config = {}) : log{std::make_shared<fake_factory::log>()} {
    context.local_ip = *ip_address::parse("10.0.0.5");
    registry
      = system.spawn<connection_registry>(context, config, std::make_unique<fake_factory>(log));
    self->send(registry, atom::attach_v, peer_routes{});
    run();
  }

  /// A peer dials us; returns its connection, or null if it was rejected.
  fake_factory::made* accept(const std::string& ip) {
    const auto before = log->connections.size();
    self->send(registry, atom::accepted_v, ++accepted, at(ip));
    run();
    return log->connections.size() > before ? &log->connections.back() : nullptr;
  }

  void handshake(const fake_factory::made& x) {
    if (x.spec.direction == link_direction::outbound)
      self->send(registry, atom::connected_v, x.spec.id, at("10.0.0.5"));
    self->send(registry, atom::handshaken_v, x.spec.id);
    run();
  }

  void end(const fake_factory::made& x, link_end cause, const std::string& reason) {
    self->send(registry, link_report{x.spec.id, cause, reason});
    run();
    anon_send_exit(x.actor, caf::exit_reason::user_shutdown);
    run();
  }

  void misbehave(const std::string& ip) {
    self->send(registry, violation{*ip_address::parse(ip), 0, "not JSON", "GET /"});
    run();
  }

  registry_snapshot look() { return ask<registry_snapshot>(registry, atom::snapshot_v); }

  std::shared_ptr<fake_factory::log> log;
  connection_registry_actor registry;
  std::uint64_t accepted = 0;
};

} // namespace

TEST_CASE("one host with many connections is one peer, and at most a few of them are looked at") {
  one_registry x;
  for (int i = 0; i < 20; ++i)
    x.accept("10.0.0.9");
  std::size_t open = 0;
  for (const auto& y : x.log->connections)
    open += y.record->closes.empty() ? 1 : 0;
  CHECK(open == 2);
  x.handshake(x.log->connections[0]);
  CHECK(x.look().established == 1);
  CHECK(x.look().peers.size() == 1);
}

TEST_CASE("a third violation bans: its connections are closed and new ones rejected, for 5 min") {
  one_registry x;
  auto first = *x.accept("10.0.0.9");
  x.handshake(first);
  auto innocent = *x.accept("10.0.0.8");
  x.handshake(innocent);
  x.misbehave("10.0.0.9");
  x.misbehave("10.0.0.9");
  CHECK(first.record->closes.empty());
  x.misbehave("10.0.0.9");
  REQUIRE(first.record->closes.size() == 1);
  CHECK(first.record->closes[0].first == link_end::protocol_violation);
  CHECK(innocent.record->closes.empty());
  x.end(first, link_end::protocol_violation, "banned");
  CHECK(x.accept("10.0.0.9") == nullptr);
  CHECK(x.log->rejected.rbegin()->second == "banned");
  const auto bans = x.look().bans;
  REQUIRE(bans.size() == 1);
  CHECK(bans[0].evidence == "GET /");
  CHECK(bans[0].until == x.unix_now() + 300);
  x.advance(301s);
  CHECK(x.accept("10.0.0.9") != nullptr);
  CHECK(x.look().bans.empty());
}

TEST_CASE("a banned peer that is configured is dialed again when its ban is over") {
  one_registry x;
  x.self->send(x.registry, atom::want_v, at("10.0.0.1"), dial_purpose::configured);
  x.run();
  REQUIRE(x.log->connections.size() == 1); // ours is the higher IP
  for (int i = 0; i < 3; ++i)
    x.misbehave("10.0.0.1");
  x.end(x.log->connections[0], link_end::protocol_violation, "banned");
  x.advance(290s);
  CHECK(x.log->connections.size() == 1);
  x.advance(20s);
  CHECK(x.log->connections.size() == 2);
}

TEST_CASE("our own address is neither dialed nor let in") {
  one_registry x;
  x.self->send(x.registry, atom::want_v, at("10.0.0.5"), dial_purpose::configured);
  x.run();
  CHECK(x.log->connections.empty());
  CHECK(x.accept("10.0.0.5") == nullptr);
}

TEST_CASE("a dial that turned out to be ourselves is never repeated") {
  one_registry x;
  x.self->send(x.registry, atom::want_v, at("10.0.0.1"), dial_purpose::configured);
  x.run();
  REQUIRE(x.log->connections.size() == 1);
  x.end(x.log->connections[0], link_end::self, "that is our own address");
  x.advance(24h);
  CHECK(x.log->connections.size() == 1);
}

TEST_CASE("strangers whose handshake is under way hold a bounded number of sockets") {
  registry_config config;
  config.max_inbound_handshakes = 10;
  one_registry x{config};
  for (int i = 1; i <= 30; ++i)
    x.accept("10.1.0." + std::to_string(i));
  CHECK(x.log->connections.size() == 10);
  x.end(x.log->connections[0], link_end::handshake_timeout, "no Handshake within 10 s");
  CHECK(x.accept("10.1.0.99") != nullptr);
}

TEST_CASE("when all places are taken a newcomer takes that of the youngest stranger") {
  registry_config config;
  config.max_peers = 10; // 6 of them for strangers
  one_registry x{config};
  for (int i = 1; i <= 6; ++i) {
    x.handshake(*x.accept("10." + std::to_string(i) + ".0.1"));
    x.advance(1s);
  }
  auto newcomer = *x.accept("10.99.0.1");
  x.handshake(newcomer);
  REQUIRE(x.log->connections[5].record->closes.size() == 1);
  CHECK(x.log->connections[5].record->closes[0].first == link_end::refused);
  CHECK(newcomer.record->closes.empty());
  x.end(x.log->connections[5], link_end::refused, "makes room");
  CHECK(x.look().established == 6);
}

TEST_CASE("a peer that is wanted before the registry knows where messages go is dialed soon after it does") {
  test_node x;
  auto log = std::make_shared<fake_factory::log>();
  x.context.local_ip = *ip_address::parse("10.0.0.5");
  auto registry = x.system.spawn<connection_registry>(x.context, registry_config{},
                                                      std::make_unique<fake_factory>(log));
  x.self->send(registry, atom::want_v, at("10.0.0.1"), dial_purpose::configured);
  x.run();
  CHECK(log->connections.empty());
  x.self->send(registry, atom::attach_v, peer_routes{});
  x.advance(1s);
  CHECK(log->connections.size() == 1);
}

TEST_CASE("a late listener is told of the peers that are up already") {
  one_registry x;
  x.handshake(*x.accept("10.0.0.9"));
  auto seen = std::make_shared<std::vector<ip_address>>();
  auto listener = x.system.spawn([seen]() -> peer_listener_actor::behavior_type {
    return {
      [seen](atom::peer_up, const peer_info& y, const peer_connection_actor&) {
        seen->push_back(y.ip);
      },
      [](atom::peer_down, const ip_address&) {},
    };
  });
  x.self->send(x.registry, atom::subscribe_v, listener);
  x.run();
  CHECK(seen->size() == 1);
}

TEST_CASE("a connection whose actor dies without a report is counted as a fault of ours and replaced") {
  one_registry x;
  x.self->send(x.registry, atom::want_v, at("10.0.0.1"), dial_purpose::configured);
  x.run();
  x.handshake(x.log->connections[0]);
  CHECK(x.look().established == 1);
  anon_send_exit(x.log->connections[0].actor, caf::exit_reason::kill);
  x.run();
  CHECK(x.look().established == 0);
  CHECK(x.look().ended.at("internal error") == 1);
  x.advance(5s);
  CHECK(x.log->connections.size() == 2);
}

TEST_CASE("the snapshot says of each peer its state, the rule and the time that is left") {
  one_registry x;
  x.self->send(x.registry, atom::want_v, at("10.0.0.9"), dial_purpose::configured);
  x.run();
  const auto peers = x.look().peers;
  REQUIRE(peers.size() == 1);
  CHECK(peers[0].state == "waiting-for-their-dial");
  CHECK(peers[0].rule.find("they dial") != std::string::npos);
  CHECK(peers[0].next_step_ms >= 24'000);
  CHECK(peers[0].next_step_ms <= 36'000);
}
