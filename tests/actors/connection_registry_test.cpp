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
  CHECK(bans[0].network == ip_network{*ip_address::parse("10.0.0.9")});
  CHECK_FALSE(bans[0].by_operator);
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
  config.inbound = net::inbound_limits{.handshakes = 10};
  one_registry x{config};
  for (int i = 1; i <= 30; ++i)
    x.accept("10.1.0." + std::to_string(i));
  std::size_t open = 0;
  for (const auto& y : x.log->connections)
    open += y.record->closes.empty() ? 1 : 0;
  CHECK(open == 10);
  // The oldest made room, so that those who say nothing keep nobody out.
  CHECK(x.log->connections.front().record->closes.size() == 1);
  CHECK(x.log->connections.back().record->closes.empty());
  CHECK(x.look().refused.at("handshakes") == 20);
}

TEST_CASE("when all places are taken a newcomer takes that of the youngest stranger") {
  registry_config config;
  config.max_peers = 6;
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

// -- bans, trust and orders -----------------------------------------------------------------

namespace {

peer_order order(order_kind kind, const std::string& network = {}) {
  peer_order x;
  x.kind = kind;
  if (!network.empty()) {
    x.network = *ip_network::parse(network);
    x.to = endpoint{x.network.base(), 24100};
  }
  return x;
}

/// An archive that remembers what it was given, and fails if it is told to.
struct archive_record {
  std::map<std::string, std::vector<std::string>> saved;
  int writings = 0;
  std::string problem;
};

archive_actor spawn_archive(caf::actor_system& system, const std::shared_ptr<archive_record>& x) {
  return system.spawn([x]() -> archive_actor::behavior_type {
    return {[x](atom::save, const std::string& list, const std::vector<std::string>& lines) {
      ++x->writings;
      if (x->problem.empty())
        x->saved[list] = lines;
      return x->problem;
    }};
  });
}

struct keeping_registry : one_registry {
  keeping_registry() {
    auto config = registry_config{};
    config.archive = spawn_archive(system, kept);
    log = std::make_shared<fake_factory::log>();
    registry = system.spawn<connection_registry>(context, config, std::make_unique<fake_factory>(log));
    self->send(registry, atom::attach_v, peer_routes{});
    run();
  }

  order_reply tell(const peer_order& x) { return ask<order_reply>(registry, x); }

  order_reply ban(const std::string& network, std::int64_t seconds = 3600) {
    auto x = order(order_kind::ban, network);
    x.until = unix_now() + seconds;
    x.reason = "spam";
    return tell(x);
  }

  known_peer_snapshot explain(const std::string& ip) {
    return ask<known_peer_snapshot>(registry, atom::explain_v, *ip_address::parse(ip));
  }

  std::shared_ptr<archive_record> kept = std::make_shared<archive_record>();
};

} // namespace

TEST_CASE("bans, trust and places of the configuration change while it runs, and orders stay") {
  keeping_registry x;
  auto near = *x.accept("10.0.1.9");
  x.handshake(near);
  CHECK(x.ban("10.9.0.0/16").result == order_result::done);
  peer_settings settings;
  settings.banned = {*ip_network::parse("10.0.1.0/24")};
  settings.trusted = {*ip_network::parse("10.0.1.7")};
  settings.max_peers = 50;
  x.self->send(x.registry, settings);
  x.run();
  REQUIRE(near.record->closes.size() == 1);
  CHECK_FALSE(x.accept("10.0.1.10"));
  CHECK(x.accept("10.0.1.7"));
  settings.banned.clear();
  x.self->send(x.registry, settings);
  x.run();
  CHECK(x.accept("10.0.1.11"));
  CHECK_FALSE(x.accept("10.9.0.1"));  // An operator's word is not the configuration's to take back.
}

TEST_CASE("an operator's ban closes the connections of that network, keeps it out, and is on the disk when it is answered") {
  keeping_registry x;
  auto near = *x.accept("10.0.1.9");
  x.handshake(near);
  auto far = *x.accept("10.1.0.9");
  x.handshake(far);
  const auto reply = x.ban("10.0.1.0/24");
  CHECK(reply.result == order_result::done);
  CHECK(reply.text.find("1 connection closed") != std::string::npos);
  CHECK(x.kept->saved["access"].size() == 1);
  REQUIRE(near.record->closes.size() == 1);
  CHECK(near.record->closes[0].first == link_end::operator_request);
  CHECK(near.record->closes[0].second.find("spam") != std::string::npos);
  CHECK(far.record->closes.empty());
  CHECK(x.accept("10.0.1.77") == nullptr);
  CHECK(x.look().refused.at("banned") == 1);
  CHECK(x.look().bans.at(0).by_operator);
  CHECK(x.ban("10.0.1.0/24").result == order_result::already);
  CHECK(x.tell(order(order_kind::unban, "10.0.2.0/24")).result == order_result::not_there);
  CHECK(x.tell(order(order_kind::unban, "10.0.1.0/24")).result == order_result::done);
  CHECK(x.kept->saved["access"].empty());
  CHECK(x.accept("10.0.1.77") != nullptr);
}

TEST_CASE("a ban that cannot be written holds, and says that a restart will forget it") {
  keeping_registry x;
  x.kept->problem = "the disk is full";
  const auto reply = x.ban("10.0.1.0/24");
  CHECK(reply.result == order_result::not_kept);
  CHECK(reply.text.find("the disk is full") != std::string::npos);
  CHECK(x.accept("10.0.1.9") == nullptr);
  CHECK(x.look().not_kept == "the disk is full");
  // It is tried again, and said no more once it worked.
  x.kept->problem.clear();
  x.advance(1min);
  CHECK(x.kept->saved["access"].size() == 1);
  CHECK(x.look().not_kept.empty());
}

TEST_CASE("what the registry kept it knows after a restart, and says of damaged lines that they are") {
  keeping_registry x;
  x.ban("10.0.1.0/24");
  x.tell(order(order_kind::trust, "10.2.0.0/16"));
  for (int i = 0; i < 3; ++i)
    x.misbehave("10.0.0.9");
  x.advance(1min);
  auto config = registry_config{};
  config.kept = x.kept->saved["access"];
  config.kept.push_back("damaged");
  CHECK(config.kept.size() == 4);
  one_registry y{config};
  CHECK(y.accept("10.0.1.9") == nullptr);
  CHECK(y.accept("10.0.0.9") == nullptr);
  CHECK(y.look().bans.size() == 2);
  CHECK(y.look().trusts.size() == 1);
}

TEST_CASE("violations are written now and then, not each of them") {
  keeping_registry x;
  for (int i = 0; i < 500; ++i) {
    x.misbehave("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 6));
    x.advance(100ms);
  }
  CHECK(x.kept->writings >= 3);
  CHECK(x.kept->writings <= 6);
  x.advance(1min);
  CHECK(x.kept->saved["access"].size() == 500);
}

TEST_CASE("a node that stops writes what is not written yet, before it says that it has stopped") {
  keeping_registry x;
  x.misbehave("10.0.0.9");
  CHECK(x.kept->writings == 0);
  bool stopped = false;
  auto answer = x.self->request(x.registry, caf::infinite, atom::stop_v);
  x.run();
  REQUIRE(x.self->has_next_message());
  answer.receive([&] { stopped = true; }, [](const caf::error&) {});
  CHECK(stopped);
  CHECK(x.kept->writings == 1);
}

TEST_CASE("a trusted peer is not banned by itself, and one that is banned already comes back") {
  keeping_registry x;
  for (int i = 0; i < 3; ++i)
    x.misbehave("10.0.0.9");
  CHECK(x.accept("10.0.0.9") == nullptr);
  CHECK(x.tell(order(order_kind::trust, "10.0.0.9")).result == order_result::done);
  auto peer = *x.accept("10.0.0.9");
  x.handshake(peer);
  for (int i = 0; i < 30; ++i)
    x.misbehave("10.0.0.9");
  CHECK(peer.record->closes.empty());
  CHECK(x.explain("10.0.0.9").violations == 33);
  CHECK(x.explain("10.0.0.9").trusted);
  // Trust that is taken back leaves what the bytes say.
  CHECK(x.tell(order(order_kind::untrust, "10.0.0.9")).result == order_result::done);
  CHECK(peer.record->closes.size() == 1);
}

TEST_CASE("a configured peer whose ban is lifted is dialed at once") {
  keeping_registry x;
  x.ban("10.0.0.1", 86'400);
  x.self->send(x.registry, atom::want_v, at("10.0.0.1"), dial_purpose::configured);
  x.advance(1min);
  CHECK(x.log->connections.empty());
  const auto banned = x.explain("10.0.0.1");
  CHECK(banned.state == "banned");
  CHECK(banned.next_step_ms > 86'000'000);
  CHECK(banned.next.find("timenode unban 10.0.0.1") != std::string::npos);
  CHECK(banned.ban->reason == "spam");
  x.tell(order(order_kind::clear_bans));
  x.advance(1s);
  CHECK(x.log->connections.size() == 1);
}

TEST_CASE("only trusted peers, if the configuration says so") {
  registry_config config;
  config.trusted_only = true;
  config.trusted = {*ip_network::parse("10.0.0.0/16")};
  config.banned = {*ip_network::parse("10.0.7.0/24")};
  one_registry x{config};
  CHECK(x.accept("10.0.0.9") != nullptr);
  CHECK(x.accept("10.1.0.9") == nullptr);
  CHECK(x.accept("10.0.7.1") == nullptr);
  CHECK(x.accept("fd00::1") == nullptr);
}

TEST_CASE("a peer is dialed once on order, wanted or not, and not again") {
  keeping_registry x;
  CHECK(x.tell(order(order_kind::dial_once, "10.0.0.9")).result == order_result::done);
  REQUIRE(x.log->connections.size() == 1);
  CHECK(x.tell(order(order_kind::dial_once, "10.0.0.9")).result == order_result::already);
  x.end(x.log->connections[0], link_end::connect_failed, "connection refused");
  x.advance(1h);
  CHECK(x.log->connections.size() == 1);
  CHECK(x.look().peers.empty());
  CHECK(x.tell(order(order_kind::dial_once, "10.0.0.5")).result == order_result::refused);
  x.ban("10.0.0.9");
  CHECK(x.tell(order(order_kind::dial_once, "10.0.0.9")).result == order_result::refused);
}

TEST_CASE("an operator disconnects a peer by address or number, and it is not dialed for a minute") {
  keeping_registry x;
  x.self->send(x.registry, atom::want_v, at("10.0.0.1"), dial_purpose::configured);
  x.run();
  x.handshake(x.log->connections.at(0));
  x.advance(10min);
  CHECK(x.tell(order(order_kind::disconnect, "10.0.0.2")).result == order_result::not_connected);
  CHECK(x.tell(order(order_kind::disconnect, "10.0.0.1")).result == order_result::done);
  REQUIRE(x.log->connections[0].record->closes.size() == 1);
  CHECK(x.log->connections[0].record->closes[0].first == link_end::operator_request);
  x.end(x.log->connections[0], link_end::operator_request, "an operator disconnected it");
  x.advance(59s);
  CHECK(x.log->connections.size() == 1);
  x.advance(5s);
  REQUIRE(x.log->connections.size() == 2);
  x.handshake(x.log->connections[1]);
  auto by_number = order(order_kind::disconnect);
  by_number.link = x.log->connections[1].spec.id;
  CHECK(x.tell(by_number).result == order_result::done);
  by_number.link = 12345;
  CHECK(x.tell(by_number).result == order_result::not_connected);
}

// -- places -----------------------------------------------------------------------------------

TEST_CASE("a masternode's place is kept for who proved to be one over its own connection, not for who is named") {
  registry_config config;
  config.max_peers = 4;
  one_registry x{config};
  for (int i = 1; i <= 4; ++i) {
    x.handshake(*x.accept("20." + std::to_string(i) + ".0.1"));
    x.self->send(x.registry, atom::useful_v, *ip_address::parse("20." + std::to_string(i) + ".0.1"));
    x.advance(1s);
  }
  // Useful ones all of them: neither a stranger gets in, nor who is said to be a masternode.
  x.self->send(x.registry, atom::want_v, at("20.9.0.1"), dial_purpose::masternode);
  x.self->send(x.registry, atom::proven_v, *ip_address::parse("20.9.0.1"));
  x.run();
  auto named = *x.accept("20.9.0.1");
  x.handshake(named);
  REQUIRE(named.record->closes.size() == 1);
  CHECK(named.record->closes[0].first == link_end::refused);
  CHECK(x.look().refused.at("places") == 1);
  // The one that proved it keeps its place although it is not useful, however many come.
  x.advance(3h); // nobody is useful any more
  x.self->send(x.registry, atom::proven_v, *ip_address::parse("20.4.0.1"));
  x.run();
  auto newcomer = *x.accept("20.5.0.1");
  x.handshake(newcomer);
  CHECK(newcomer.record->closes.empty());
  CHECK(x.log->connections[3].record->closes.empty());
  CHECK(x.log->connections[2].record->closes.size() == 1);
}

TEST_CASE("a flood of silent connections keeps neither a stranger nor a configured peer out") {
  one_registry x;
  for (int i = 0; i < 300; ++i)
    x.accept("20." + std::to_string(i % 250) + ".0." + std::to_string(i / 250 + 1));
  auto stranger = *x.accept("30.0.0.1");
  x.handshake(stranger);
  CHECK(stranger.record->closes.empty());
  // The rate is used up now, but not for those that we want.
  for (int i = 0; i < 400; ++i)
    x.accept("21." + std::to_string(i % 250) + ".0." + std::to_string(i / 250 + 1));
  CHECK(x.accept("31.0.0.1") == nullptr);
  x.self->send(x.registry, atom::want_v, at("40.0.0.1"), dial_purpose::configured);
  x.run();
  CHECK(x.accept("40.0.0.1") != nullptr);
  CHECK(x.look().refused.at("rate") > 0);
  x.advance(1s);
  CHECK(x.accept("31.0.0.1") != nullptr);
}

// -- who we are ---------------------------------------------------------------------------------

namespace {

struct unknown_registry : test_node {
  unknown_registry() {
    context.nonce = 77;
    registry = system.spawn<connection_registry>(context, registry_config{},
                                                 std::make_unique<fake_factory>(log));
    std::tie(directory, directory_told) = spawn_listening_directory();
    peer_routes routes;
    routes.directory = directory;
    self->send(registry, atom::attach_v, routes);
    run();
  }

  std::pair<peer_directory_actor, std::shared_ptr<std::vector<ip_address>>> spawn_listening_directory() {
    auto told = std::make_shared<std::vector<ip_address>>();
    auto actor = system.spawn([told]() -> peer_directory_actor::behavior_type {
      return {
        [](const dial_report&) {},
        [](atom::want, const endpoint&, dial_purpose) {},
        [](atom::learn, const std::vector<std::string>&) {},
        [told](atom::own_address, const ip_address& x) { told->push_back(x); },
        [](atom::sample) { return std::vector<std::string>{}; },
        [](const peer_order&) { return order_reply{}; },
        [](const peer_settings&) {},
        [](atom::explain, const ip_address&) { return address_snapshot{}; },
        [](atom::save) {},
        [](atom::snapshot) { return directory_snapshot{}; },
        [](atom::peer_up, const peer_info&, const peer_connection_actor&) {},
        [](atom::peer_down, const ip_address&) {},
        [](const ip_address&, const wire::message&) {},
        [](atom::wake, std::uint64_t) {},
      };
    });
    return {std::move(actor), std::move(told)};
  }

  /// Dials a peer; our end of the connection has that address. Returns the connection's number.
  link_id dial(const std::string& ip, const std::string& our_end) {
    self->send(registry, atom::want_v, at(ip), dial_purpose::configured);
    run();
    const auto id = log->connections.back().spec.id;
    self->send(registry, atom::connected_v, id, endpoint{*ip_address::parse(our_end), 50'000});
    self->send(registry, atom::handshaken_v, id);
    run();
    return id;
  }

  void introduce(link_id id, const introduction& said) {
    self->send(registry, atom::introduced_v, id, said);
    run();
  }

  registry_snapshot look() { return ask<registry_snapshot>(registry, atom::snapshot_v); }

  std::shared_ptr<fake_factory::log> log = std::make_shared<fake_factory::log>();
  connection_registry_actor registry;
  peer_directory_actor directory;
  std::shared_ptr<std::vector<ip_address>> directory_told;
};

} // namespace

TEST_CASE_FIXTURE(unknown_registry, "a node that listens on all addresses learns its own from its sockets, and tells who needs it") {
  CHECK_FALSE(look().local_ip);
  CHECK(look().local_ip_source.find("external_address") != std::string::npos);
  dial("20.1.0.1", "192.168.1.5");
  CHECK_FALSE(look().local_ip);
  dial("20.2.0.1", "30.0.0.7");
  CHECK(look().local_ip == *ip_address::parse("30.0.0.7"));
  CHECK(*directory_told == std::vector{*ip_address::parse("30.0.0.7")});
  for (const auto& x : look().peers)
    CHECK(x.rule.find("we dial") != std::string::npos);
}

TEST_CASE_FIXTURE(unknown_registry, "behind a translator it learns it from peers that it dialed, of three groups") {
  introduction said{1, std::nullopt, *ip_address::parse("30.0.0.7")};
  introduce(dial("20.1.0.1", "192.168.1.5"), said);
  introduce(dial("20.2.0.1", "192.168.1.5"), said);
  CHECK_FALSE(look().local_ip);
  // Who dialed us may say what he wants.
  self->send(registry, atom::accepted_v, std::uint64_t{1}, at("40.1.0.1"));
  run();
  self->send(registry, atom::handshaken_v, log->connections.back().spec.id);
  introduce(log->connections.back().spec.id, said);
  CHECK_FALSE(look().local_ip);
  introduce(dial("20.3.0.1", "192.168.1.5"), said);
  CHECK(look().local_ip == *ip_address::parse("30.0.0.7"));
}

TEST_CASE_FIXTURE(unknown_registry, "two that do not know who is elected decide by their numbers") {
  introduce(dial("20.1.0.1", "192.168.1.5"), {78, std::nullopt, *ip_address::parse("30.0.0.7")});
  introduce(dial("20.2.0.1", "192.168.1.5"), {76, std::nullopt, *ip_address::parse("30.0.0.7")});
  const auto peers = look().peers;
  REQUIRE(peers.size() == 2);
  CHECK(peers[0].rule.find("they dial") != std::string::npos);
  CHECK(peers[1].rule.find("we dial") != std::string::npos);
}

// -- explanations ---------------------------------------------------------------------------------

TEST_CASE("every state of a peer is explained by what happens next") {
  keeping_registry x;
  auto y = x.explain("10.0.0.9");
  CHECK(y.state == "unknown");
  CHECK(y.next.find("it may dial us") != std::string::npos);
  CHECK(x.explain("10.0.0.5").state == "ourselves");
  x.self->send(x.registry, atom::want_v, at("10.0.0.9"), dial_purpose::configured);
  x.advance(3s);
  y = x.explain("10.0.0.9");
  CHECK(y.state == "waiting-for-their-dial");
  CHECK(y.state_ms == 3000);
  CHECK(y.wanted);
  CHECK(y.next.find("we dial then, if they have not") != std::string::npos);
  x.self->send(x.registry, atom::want_v, at("10.0.0.1"), dial_purpose::configured);
  x.run();
  CHECK(x.explain("10.0.0.1").state == "dialing");
  x.end(x.log->connections.back(), link_end::connect_failed, "connection refused");
  y = x.explain("10.0.0.1");
  CHECK(y.state == "backing-off");
  CHECK(y.last_error == "connection refused");
  CHECK(y.last_error_ms == 0);
  CHECK(y.failures == 1);
  CHECK(y.next_step_ms <= 1000);
  x.advance(2s);
  x.handshake(x.log->connections.back());
  y = x.explain("10.0.0.1");
  CHECK(y.state == "established");
  CHECK(y.next.find("pinged every 30 s") != std::string::npos);
  x.misbehave("10.0.0.1");
  y = x.explain("10.0.0.1");
  CHECK(y.violations == 1);
  CHECK(y.evidence == "GET /");
}
