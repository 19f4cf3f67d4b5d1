#pragma once

// A registry whose connections only record what they are told, so that a test plays their peers.

#include "actors/connection_registry.hpp"
#include "tests/actors/test_node.hpp"

#include <doctest/doctest.h>

#include <map>

namespace test {

using namespace timenode;

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
                             const shared_routes&) override {
    auto [actor, record] = spawn_fake_connection(registry->system());
    log_->connections.push_back({spec, actor, record});
    return actor;
  }
  peer_connection_actor accept(connection_registry_actor::pointer registry, const link_spec& spec,
                               std::uint64_t, const shared_routes& routes) override {
    return dial(registry, spec, routes);
  }
  void reject(std::uint64_t accepted, const std::string& reason) override {
    log_->rejected[accepted] = reason;
  }

 private:
  std::shared_ptr<log> log_;
};

inline endpoint at(const std::string& ip) {
  return {*ip_address::parse(ip), 24100};
}

struct one_registry : test_node {
  explicit one_registry(registry_config config = {}) : log{std::make_shared<fake_factory::log>()} {
    context.local_ip = *ip_address::parse("10.0.0.5");
    registry =
        system.spawn<connection_registry>(context, config, std::make_unique<fake_factory>(log));
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

  known_peer_snapshot explain(const std::string& ip) {
    return ask<known_peer_snapshot>(registry, atom::explain_v, *ip_address::parse(ip));
  }
  registry_snapshot look() { return ask<registry_snapshot>(registry, atom::snapshot_v); }

  std::shared_ptr<fake_factory::log> log;
  connection_registry_actor registry;
  std::uint64_t accepted = 0;
};

}  // namespace test
