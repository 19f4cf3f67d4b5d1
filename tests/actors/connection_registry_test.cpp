// The registry with connections that are played by the test: what it admits, refuses, bans and publishes.

#include "tests/actors/one_registry.hpp"

using namespace timenode;
using namespace test;

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
  REQUIRE(x.log->connections.size() == 1);  // ours is the higher IP
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

TEST_CASE("a peer that is wanted before the registry knows where messages go is dialed soon after "
          "it does") {
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

TEST_CASE(
    "a connection whose actor dies without a report is counted as a fault of ours and replaced") {
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

// -- places -----------------------------------------------------------------------------------

TEST_CASE("a masternode's place is kept for who proved to be one over its own connection, not for "
          "who is named") {
  registry_config config;
  config.max_peers = 4;
  one_registry x{config};
  for (int i = 1; i <= 4; ++i) {
    x.handshake(*x.accept("20." + std::to_string(i) + ".0.1"));
    x.self->send(x.registry, atom::useful_v,
                 *ip_address::parse("20." + std::to_string(i) + ".0.1"));
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
  x.advance(3h);  // nobody is useful any more
  x.self->send(x.registry, atom::proven_v, *ip_address::parse("20.4.0.1"));
  x.run();
  auto newcomer = *x.accept("20.5.0.1");
  x.handshake(newcomer);
  CHECK(newcomer.record->closes.empty());
  CHECK(x.log->connections[3].record->closes.empty());
  CHECK(x.log->connections[2].record->closes.size() == 1);
}

TEST_CASE(
    "who would have no place here is not dialed, however much it is wanted, until there is one") {
  registry_config config;
  config.max_peers = 4;
  one_registry x{config};
  for (int i = 1; i <= 4; ++i) {
    const auto ip = "20." + std::to_string(i) + ".0.1";
    x.handshake(*x.accept(ip));
    x.self->send(x.registry, atom::useful_v, *ip_address::parse(ip));
  }
  x.self->send(x.registry, atom::want_v, at("9.9.0.1"), dial_purpose::masternode);
  x.run();
  x.advance(10min);
  CHECK(x.log->connections.size() == 4);
  x.self->send(x.registry, atom::want_v, at("9.8.0.1"), dial_purpose::configured);
  x.run();
  CHECK(x.log->connections.size() == 5);  // takes no place
  x.end(x.log->connections[4], link_end::connect_failed, "nobody there");
  x.end(x.log->connections[0], link_end::closed_by_peer, "closed by the peer");
  x.advance(61s);
  const auto dialed = std::ranges::count_if(x.log->connections, [](const auto& y) {
    return y.spec.remote.ip == *ip_address::parse("9.9.0.1");
  });
  CHECK(dialed == 1);
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

  std::pair<peer_directory_actor, std::shared_ptr<std::vector<ip_address>>>
  spawn_listening_directory() {
    auto told = std::make_shared<std::vector<ip_address>>();
    auto actor = system.spawn([told]() -> peer_directory_actor::behavior_type {
      return behavior_of(
          directory_script{.on_own_address = [told](const ip_address& x) { told->push_back(x); }});
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

}  // namespace

TEST_CASE_FIXTURE(unknown_registry, "a node that listens on all addresses learns its own from its "
                                    "sockets, and tells who needs it") {
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

TEST_CASE_FIXTURE(unknown_registry,
                  "behind a translator it learns it from peers that it dialed, of three groups") {
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
  one_registry x;
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
