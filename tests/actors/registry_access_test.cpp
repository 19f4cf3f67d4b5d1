// Whom the registry keeps out and lets in: bans, trust and orders of an operator, over restarts too.

#include "tests/actors/one_registry.hpp"

using namespace timenode;
using namespace test;

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
    registry =
        system.spawn<connection_registry>(context, config, std::make_unique<fake_factory>(log));
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

  std::shared_ptr<archive_record> kept = std::make_shared<archive_record>();
};

}  // namespace

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

TEST_CASE("an operator's ban closes the connections of that network, keeps it out, and is on the "
          "disk when it is answered") {
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

TEST_CASE("a peer whose ban is lifted is dialed at once: the operator is done with it") {
  keeping_registry x;
  x.self->send(x.registry, atom::want_v, at("10.0.0.1"), dial_purpose::configured);
  x.run();
  x.handshake(x.log->connections.at(0));
  x.advance(10min);
  CHECK(x.ban("10.0.0.1").result == order_result::done);
  SUBCASE("after its connection has gone") {
    x.end(x.log->connections[0], link_end::operator_request, "banned by an operator");
    CHECK(x.tell(order(order_kind::unban, "10.0.0.1")).result == order_result::done);
  }
  SUBCASE("while its connection goes") {
    CHECK(x.tell(order(order_kind::unban, "10.0.0.1")).result == order_result::done);
    x.end(x.log->connections[0], link_end::operator_request, "banned by an operator");
  }
  x.advance(2s);
  CHECK(x.log->connections.size() == 2);
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

TEST_CASE(
    "what the registry kept it knows after a restart, and says of damaged lines that they are") {
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

TEST_CASE("a ban of everybody or of ourselves is refused, and says what to do instead") {
  keeping_registry x;
  for (const auto* everybody : {"0.0.0.0/0", "::/0"}) {
    const auto reply = x.ban(everybody);
    CHECK(reply.result == order_result::refused);
    CHECK(reply.text.find("whitelist_only") != std::string::npos);
  }
  CHECK(x.ban("10.0.0.5").text == "10.0.0.5 is our own address");
  CHECK(x.look().bans.empty());
  // A network that we are in may be banned.
  CHECK(x.ban("10.0.0.0/8").result == order_result::done);
}

TEST_CASE("a ban that takes the place of trust says so, and trust that lifts a ban") {
  keeping_registry x;
  CHECK(x.ban("10.0.0.1").text == "10.0.0.1 is banned; 0 connections closed");
  CHECK(x.tell(order(order_kind::trust, "10.0.0.1")).text ==
        "10.0.0.1 is trusted, and its ban is lifted: never banned by itself, and always let in");
  CHECK(x.ban("10.0.0.1").text ==
        "10.0.0.1 is banned and not trusted any more; 0 connections closed");
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

TEST_CASE(
    "an operator disconnects a peer by address or number, and it is not dialed for a minute") {
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
