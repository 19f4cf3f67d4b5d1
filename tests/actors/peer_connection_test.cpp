// One connection against a scripted peer: what it says, when it says it, and what ends it.

#include "actors/peer_connection.hpp"
#include "tests/actors/test_node.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

using namespace timenode;
using namespace test;

namespace {

/// The transport's side: records what is sent, and plays the peer.
class fake_connection final : public net::connection {
public:
  explicit fake_connection(endpoint remote) : remote_{remote} {}

  endpoint remote() const override { return remote_; }
  void start(std::unique_ptr<net::connection_handler> x) override { handler = std::move(x); }
  void open_up() override { opened = true; }
  void send(net::shared_buffer bytes) override { sent += *bytes; }
  void grant(std::size_t messages, std::size_t) override { granted += messages; }
  void close(const std::string& reason) override {
    if (std::exchange(closed, true) || !handler)
      return;
    close_reason = reason;
  }
  net::connection_stats stats() const override {
    return {sent.size(), received, queued, paused};
  }

  /// The peer sends these messages in one go.
  void say(const std::vector<wire::message>& messages) {
    wire::received_batch batch;
    for (const auto& x : messages)
      batch.lines.emplace_back(x);
    batch.bytes = 100 * messages.size();
    received += batch.bytes;
    handler->on_received(std::move(batch));
  }
  void say_wrong(const std::string& reason, bool fatal = false) {
    wire::received_batch batch;
    batch.lines.emplace_back(wire::malformed_line{reason, "evidence", fatal});
    batch.bytes = 10;
    received += 10;
    handler->on_received(std::move(batch));
  }

  /// What was sent since the last call, decoded.
  std::vector<wire::message> heard() {
    std::vector<wire::message> result;
    wire::line_decoder decoder;
    std::size_t begin = 0;
    for (std::size_t end; (end = sent.find('\n', begin)) != std::string::npos; begin = end + 1)
      result.push_back(std::get<wire::message>(decoder.decode(sent.substr(begin, end - begin))));
    sent.clear();
    return result;
  }

  std::unique_ptr<net::connection_handler> handler;
  std::string sent;
  std::size_t granted = 0;
  std::size_t queued = 0;
  std::uint64_t received = 0;
  bool opened = false;
  bool closed = false;
  bool paused = false;
  std::string close_reason;

private:
  endpoint remote_;
};

struct told {
  std::vector<link_id> handshaken;
  std::vector<link_id> alive;
  std::vector<link_report> reports;
  std::vector<introduction> introductions;
  std::vector<violation> violations;
};

connection_registry_actor spawn_registry(caf::actor_system& system, std::shared_ptr<told> x) {
  return system.spawn([x]() -> connection_registry_actor::behavior_type {
    return {
      [](atom::accepted, std::uint64_t, const endpoint&) {},
      [](atom::attach, const peer_routes&) {},
      [](atom::want, const endpoint&, dial_purpose) {},
      [](atom::want, const ip_address&) {},
      [](atom::connected, link_id, const endpoint&) {},
      [x](atom::handshaken, link_id id) { x->handshaken.push_back(id); },
      [x](atom::introduced, link_id, const introduction& y) { x->introductions.push_back(y); },
      [x](atom::alive, link_id id) { x->alive.push_back(id); },
      [x](const link_report& y) { x->reports.push_back(y); },
      [x](const violation& y) { x->violations.push_back(y); },
      [](atom::useful, const ip_address&) {},
      [](atom::proven, const ip_address&) {},
      [](const peer_order&) { return order_reply{}; },
      [](const peer_settings&) {},
      [](atom::subscribe, const peer_listener_actor&) {},
      [](atom::list) { return link_list{}; },
      [](atom::explain, const ip_address&) { return known_peer_snapshot{}; },
      [](atom::stop) {},
      [](atom::snapshot) { return registry_snapshot{}; },
      [](atom::wake, std::uint64_t) {},
    };
  });
}

/// Answers a question only when woken with its number: a promise may be kept only inside its actor.
struct slow_server {
  std::vector<caf::typed_response_promise<encoded_line>> asked;
  wire::message answer = wire::blocks_response{};
};

using slow_server_actor = block_server_actor::extend_with<sleeper_actor>;

slow_server_actor spawn_server(caf::actor_system& system, std::shared_ptr<slow_server> x) {
  return system.spawn([x](slow_server_actor::pointer self) -> slow_server_actor::behavior_type {
    return {
      [x, self](atom::serve, const wire::message&) -> caf::result<encoded_line> {
        auto promise = self->make_response_promise<encoded_line>();
        x->asked.push_back(promise);
        return promise;
      },
      [x](atom::wake, std::uint64_t number) {
        x->asked.at(number).deliver(encoded_line{wire::encode_shared(x->answer)});
      },
    };
  });
}

const auto peer_address = endpoint{*ip_address::parse("10.0.0.2"), 24100};
const auto our_address = endpoint{*ip_address::parse("10.0.0.1"), 40000};
const auto good_handshake = wire::handshake{wire::handshake_magic, 1, "Testnet"};

struct one_connection : test_node {
  explicit one_connection(link_direction direction)
    : record{std::make_shared<told>()}, server{std::make_shared<slow_server>()},
      wire_end{std::make_shared<fake_connection>(peer_address)} {
    peer_routes routes;
    server_actor = spawn_server(system, server);
    routes.blocks = server_actor;
    actor = system.spawn<peer_connection>(context, link_spec{7, direction, peer_address}, wire_end,
                                          spawn_registry(system, record), routes);
    run();
    if (direction == link_direction::outbound) {
      wire_end->handler->on_connected(our_address);
      run();
    }
  }

  void answer_question(std::size_t number) {
    self->send(server_actor, atom::wake_v, std::uint64_t{number});
    run();
  }

  void establish_inbound() {
    wire_end->say({good_handshake});
    run();
    wire_end->heard();
  }

  void socket_closes(const std::string& reason) {
    wire_end->handler->on_closed(reason);
    run();
  }

  peer_snapshot look() { return ask<peer_snapshot>(actor, atom::snapshot_v); }

  template <class T>
  static std::size_t count(const std::vector<wire::message>& xs) {
    return static_cast<std::size_t>(std::ranges::count_if(
      xs, [](const wire::message& x) { return std::holds_alternative<T>(x); }));
  }

  std::shared_ptr<told> record;
  std::shared_ptr<slow_server> server;
  slow_server_actor server_actor;
  std::shared_ptr<fake_connection> wire_end;
  peer_connection_actor actor;
};

} // namespace

TEST_CASE("the dialer introduces itself first and is established by the acknowledgement") {
  one_connection x{link_direction::outbound};
  const auto first = x.wire_end->heard();
  REQUIRE(first.size() == 1);
  CHECK(std::get<wire::handshake>(first[0]) == good_handshake);
  CHECK(x.record->handshaken.empty());
  x.wire_end->say({wire::ack{"Handshake"}});
  x.run();
  CHECK(x.record->handshaken == std::vector<link_id>{7});
  CHECK(x.count<wire::ping>(x.wire_end->heard()) == 1);
}

TEST_CASE("the acceptor acknowledges a handshake, may read on, and pings too") {
  one_connection x{link_direction::inbound};
  CHECK(x.wire_end->sent.empty());
  x.wire_end->say({good_handshake});
  x.run();
  CHECK(x.wire_end->opened);
  const auto said = x.wire_end->heard();
  REQUIRE(said.size() == 2);
  CHECK(std::get<wire::ack>(said[0]).message_type == "Handshake");
  CHECK(std::holds_alternative<wire::ping>(said[1]));
  CHECK(x.record->handshaken == std::vector<link_id>{7});
}

TEST_CASE("a dialed peer that does not acknowledge within 10 s is a peer all the same") {
  one_connection x{link_direction::outbound};
  x.advance(9s);
  CHECK(x.record->handshaken.empty());
  x.advance(2s);
  CHECK(x.record->handshaken.size() == 1);
  CHECK_FALSE(x.wire_end->closed);
}

TEST_CASE("an accepted peer that does not introduce itself within 10 s is closed, without blame") {
  one_connection x{link_direction::inbound};
  x.advance(11s);
  CHECK(x.wire_end->closed);
  REQUIRE(x.record->reports.size() == 1);
  CHECK(x.record->reports[0].cause == link_end::handshake_timeout);
  CHECK(x.record->violations.empty());
}

TEST_CASE("wrong magic, version or network is a violation and ends the connection") {
  auto bad = good_handshake;
  SUBCASE("magic") { bad.magic = {'B', 'I', 'T', 'C'}; }
  SUBCASE("version") { bad.protocol_version = 2; }
  SUBCASE("network") { bad.network = "Mainnet"; }
  one_connection x{link_direction::inbound};
  x.wire_end->say({bad});
  x.run();
  CHECK(x.wire_end->closed);
  REQUIRE(x.record->violations.size() == 1);
  CHECK(x.record->violations[0].reason.starts_with("Handshake."));
  CHECK(x.record->handshaken.empty());
}

TEST_CASE("any other first line ends the connection without counting as a violation") {
  one_connection x{link_direction::inbound};
  x.wire_end->say({wire::get_peers{}});
  x.run();
  CHECK(x.wire_end->closed);
  CHECK(x.record->violations.empty());
}

TEST_CASE("a dial that reached ourselves is closed as such") {
  SUBCASE("by our own address at both ends") {
    one_connection x{link_direction::inbound};
    auto end = std::make_shared<fake_connection>(peer_address);
    auto self_dial = x.system.spawn<peer_connection>(
      x.context, link_spec{8, link_direction::outbound, peer_address}, end,
      spawn_registry(x.system, x.record), peer_routes{});
    x.run();
    end->handler->on_connected({peer_address.ip, 50000});
    x.run();
    REQUIRE(x.record->reports.size() == 1);
    CHECK(x.record->reports[0].cause == link_end::self);
  }
  SUBCASE("by our own handshake that comes back") {
    one_connection x{link_direction::outbound};
    x.wire_end->say({good_handshake});
    x.run();
    REQUIRE(x.record->reports.size() == 1);
    CHECK(x.record->reports[0].cause == link_end::self);
  }
}

TEST_CASE("every message kind is answered alike on connections of both directions") {
  std::vector<std::vector<std::size_t>> answers;
  for (const auto direction : {link_direction::inbound, link_direction::outbound}) {
    one_connection x{direction};
    x.wire_end->say({direction == link_direction::inbound ? wire::message{good_handshake}
                                                          : wire::message{wire::ack{"Handshake"}}});
    x.run();
    x.wire_end->heard();
    x.wire_end->say({wire::ping{1, 2}, wire::get_pending_transactions{}, wire::get_block_height{},
                     wire::ping{3, 4}});
    x.run();
    x.server->answer = wire::block_height_response{5};
    REQUIRE(x.server->asked.size() == 1);
    x.answer_question(0);
    auto& kinds = answers.emplace_back();
    for (const auto& y : x.wire_end->heard())
      kinds.push_back(y.index());
    CHECK(kinds.size() == 4);
  }
  CHECK(answers[0] == answers[1]);
}

TEST_CASE("a pong repeats the nonce and timestamp of its ping") {
  one_connection x{link_direction::inbound};
  x.establish_inbound();
  x.wire_end->say({wire::ping{18446744073709551615u, -5}});
  x.run();
  const auto said = x.wire_end->heard();
  REQUIRE(said.size() == 1);
  CHECK(std::get<wire::pong>(said[0]) == wire::pong{18446744073709551615u, -5});
}

TEST_CASE("pings go out every 30 s, give or take a tenth, and a pong gives the round trip") {
  one_connection x{link_direction::inbound};
  x.wire_end->say({good_handshake});
  x.run();
  auto said = x.wire_end->heard();
  std::size_t pings = 0;
  for (int i = 0; i < 3600; ++i) {
    for (const auto& y : said)
      if (const auto* ping = std::get_if<wire::ping>(&y)) {
        ++pings;
        x.wire_end->say({wire::pong{ping->nonce, 0}});
      }
    x.advance(1s);
    said = x.wire_end->heard();
  }
  CHECK(pings >= 3600 / 33);
  CHECK(pings <= 3600 / 27 + 1);
  const auto snapshot = x.look();
  CHECK(snapshot.pongs_received + 1 >= pings);
  REQUIRE(snapshot.ping_us);
  CHECK(*snapshot.ping_us <= 1'000'000);
  CHECK_FALSE(x.wire_end->closed);
}

TEST_CASE("a peer that sends nothing at all for 90 s is dead, and not before") {
  one_connection x{link_direction::inbound};
  x.establish_inbound();
  x.advance(89s);
  CHECK_FALSE(x.wire_end->closed);
  x.advance(2s);
  CHECK(x.wire_end->closed);
  CHECK(x.record->reports.at(0).cause == link_end::peer_dead);
  CHECK(x.record->violations.empty());
}

TEST_CASE("any traffic is life: a peer that answers no ping but talks stays connected") {
  one_connection x{link_direction::inbound};
  x.establish_inbound();
  for (int i = 0; i < 100; ++i) {
    x.advance(80s);
    x.wire_end->say({wire::ack{"whatever"}});
    x.run();
  }
  CHECK_FALSE(x.wire_end->closed);
}

TEST_CASE("bytes of a line that is not complete are life too") {
  one_connection x{link_direction::inbound};
  x.establish_inbound();
  for (int i = 0; i < 300; ++i) {
    ++x.wire_end->received;
    x.advance(10s);
  }
  CHECK_FALSE(x.wire_end->closed);
}

TEST_CASE("a peer that we do not read from lives as long as it reads") {
  one_connection x{link_direction::inbound};
  x.establish_inbound();
  x.wire_end->paused = true;
  for (int i = 0; i < 360; ++i) {
    x.wire_end->sent += 'x';
    x.advance(10s);
  }
  CHECK_FALSE(x.wire_end->closed);
}

TEST_CASE("questions to other actors of ours are limited like those about blocks") {
  one_connection x{link_direction::inbound};
  x.establish_inbound();
  const auto before = x.wire_end->granted;
  x.wire_end->say({wire::get_blocks{0, 1}, wire::get_blocks{0, 1}, wire::get_blocks{0, 1},
                   wire::get_blocks{0, 1}, wire::get_masternodes{}, wire::get_peers{}});
  x.run();
  CHECK(x.wire_end->granted == before);
  for (std::size_t i = 0; i < 4; ++i)
    x.answer_question(i);
  CHECK(x.wire_end->granted == before + 6);
}

TEST_CASE("the registry's probe is a ping, and anything that comes answers it once") {
  one_connection x{link_direction::inbound};
  x.establish_inbound();
  x.self->send(x.actor, atom::probe_v);
  x.run();
  CHECK(x.count<wire::ping>(x.wire_end->heard()) == 1);
  CHECK(x.record->alive.empty());
  x.wire_end->say({wire::get_block_height{}});
  x.wire_end->say({wire::get_block_height{}});
  x.run();
  CHECK(x.record->alive == std::vector<link_id>{7});
}

TEST_CASE("ten violations close the connection, and each is reported with its evidence") {
  one_connection x{link_direction::inbound};
  x.establish_inbound();
  for (int i = 0; i < 9; ++i)
    x.wire_end->say_wrong("not JSON");
  x.run();
  CHECK_FALSE(x.wire_end->closed);
  CHECK(x.record->violations.size() == 9);
  CHECK(x.record->violations[0].evidence == "evidence");
  x.wire_end->say_wrong("not JSON");
  x.run();
  CHECK(x.wire_end->closed);
  CHECK(x.record->reports.at(0).cause == link_end::protocol_violation);
}

TEST_CASE("a line after which nothing can be read is one violation and the end") {
  one_connection x{link_direction::inbound};
  x.establish_inbound();
  x.wire_end->say_wrong("a line longer than 8388608 bytes", true);
  x.run();
  CHECK(x.wire_end->closed);
  CHECK(x.record->violations.size() == 1);
}

TEST_CASE("four questions of a peer are worked on at once; the rest waits without credit") {
  one_connection x{link_direction::inbound};
  x.establish_inbound();
  const auto before = x.wire_end->granted;
  x.wire_end->say(std::vector<wire::message>(10, wire::get_blocks{0, 100}));
  x.run();
  CHECK(x.server->asked.size() == 4);
  CHECK(x.wire_end->granted == before);
  for (std::size_t i = 0; i < 10; ++i) {
    REQUIRE(i < x.server->asked.size());
    x.answer_question(i);
    CHECK(x.server->asked.size() == std::min<std::size_t>(10, i + 5));
  }
  CHECK(x.wire_end->granted == before + 10);
  CHECK(x.count<wire::blocks_response>(x.wire_end->heard()) == 10);
}

TEST_CASE("a peer that asks but does not read is not served until it does") {
  one_connection x{link_direction::inbound};
  x.establish_inbound();
  x.wire_end->queued = net::send_low_water_bytes + 1;
  x.wire_end->say({wire::get_blocks{0, 100}});
  x.run();
  CHECK(x.server->asked.empty());
  x.wire_end->queued = 0;
  x.wire_end->handler->on_drained();
  x.run();
  CHECK(x.server->asked.size() == 1);
}

TEST_CASE("transactions over 1000 a second are dropped and not punished") {
  one_connection x{link_direction::inbound};
  x.establish_inbound();
  x.wire_end->say(std::vector<wire::message>(1500, wire::transaction_broadcast{}));
  x.run();
  CHECK(x.look().dropped_messages == 500);
  CHECK(x.record->violations.empty());
  x.advance(1s);
  x.wire_end->say(std::vector<wire::message>(1500, wire::transaction_broadcast{}));
  x.run();
  CHECK(x.look().dropped_messages == 1000);
}

TEST_CASE("a connection tells its end once and lives until its socket is closed") {
  one_connection x{link_direction::inbound};
  x.establish_inbound();
  x.self->monitor(x.actor);
  x.self->send(x.actor, atom::close_v, link_end::operator_request, std::string{"by hand"});
  x.self->send(x.actor, atom::close_v, link_end::duplicate, std::string{"again"});
  x.run();
  CHECK(x.record->reports.size() == 1);
  CHECK(x.record->reports[0].cause == link_end::operator_request);
  CHECK_FALSE(x.self->has_next_message());
  x.socket_closes("closed by us: by hand");
  CHECK(x.self->has_next_message());
  CHECK(x.record->reports.size() == 1);
}

TEST_CASE("the ends that come from outside are told apart") {
  const std::map<std::string, link_end> ends{
    {"closed by the peer", link_end::closed_by_peer},
    {"connection reset", link_end::connection_lost},
    {"send queue overflow", link_end::send_overflow},
  };
  for (const auto& [reason, cause] : ends) {
    one_connection x{link_direction::inbound};
    x.establish_inbound();
    x.socket_closes(reason);
    REQUIRE(x.record->reports.size() == 1);
    CHECK(x.record->reports[0].cause == cause);
  }
}

// -- introductions ------------------------------------------------------------------------------

namespace {

/// A connection of a node that has a number, says what it is, and knows its own address or not.
struct introducing : test_node {
  introducing() {
    context.nonce = 77;
    auto version = std::make_shared<wire::version_info>();
    version->version = "1.2.3";
    version->listen_addr = "0.0.0.0:24100";
    version->capabilities = {"commit-cert"};
    context.introduction = version;
  }

  void begin(std::optional<ip_address> own_ip = {}) {
    actor = system.spawn<peer_connection>(context,
                                          link_spec{7, link_direction::inbound, peer_address, own_ip},
                                          wire_end, spawn_registry(system, record), peer_routes{});
    run();
    wire_end->say({good_handshake});
    run();
  }

  /// The last `Version` that the peer was told.
  wire::version_info told_last() {
    wire::version_info result;
    for (const auto& x : wire_end->heard())
      if (const auto* version = std::get_if<wire::version_info>(&x))
        result = *version;
    return result;
  }

  void say_version(std::vector<std::string> capabilities, const std::string& listen) {
    wire::version_info x;
    x.listen_addr = listen;
    x.capabilities = std::move(capabilities);
    wire_end->say({x});
    run();
  }

  std::shared_ptr<told> record = std::make_shared<told>();
  std::shared_ptr<fake_connection> wire_end = std::make_shared<fake_connection>(peer_address);
  peer_connection_actor actor;
};

} // namespace

TEST_CASE_FIXTURE(introducing, "after the handshake a peer is told our number, how we see it, and our own address if we know it") {
  begin();
  auto said = told_last();
  CHECK(said.capabilities == std::vector<std::string>{"commit-cert", "node=000000000000004d", "sees=10.0.0.2"});
  CHECK(said.listen_addr == "0.0.0.0:24100");
  // An address that we learn later is told then.
  self->send(actor, atom::own_address_v, *ip_address::parse("30.0.0.7"));
  run();
  CHECK(told_last().listen_addr == "30.0.0.7:24100");
}

TEST_CASE_FIXTURE(introducing, "an own address that is known from the start is told at once") {
  begin(*ip_address::parse("30.0.0.7"));
  CHECK(told_last().listen_addr == "30.0.0.7:24100");
}

TEST_CASE_FIXTURE(introducing, "what a peer says of itself goes to the registry, and is not shown as a capability") {
  begin();
  say_version({"commit-cert", "node=00000000000000ff", "sees=30.0.0.7"}, "20.0.0.1:24100");
  REQUIRE(record->introductions.size() == 1);
  CHECK(record->introductions[0]
        == introduction{255, *ip_address::parse("20.0.0.1"), *ip_address::parse("30.0.0.7")});
  CHECK(ask<peer_snapshot>(actor, atom::snapshot_v).capabilities == std::vector<std::string>{"commit-cert"});
}

TEST_CASE_FIXTURE(introducing, "a peer that says our own number is ourselves, whatever its address") {
  begin();
  say_version({"node=000000000000004d"}, "");
  CHECK(wire_end->closed);
  REQUIRE(record->reports.size() == 1);
  CHECK(record->reports[0].cause == link_end::self);
  CHECK(record->introductions.empty());
  CHECK(record->violations.empty());
}

TEST_CASE("what exceeds a limit is dropped and counted by its kind, and is no violation") {
  one_connection x{link_direction::inbound};
  x.establish_inbound();
  x.wire_end->say(std::vector<wire::message>(500, wire::ping{1, 1}));
  x.run();
  const auto pongs = x.count<wire::pong>(x.wire_end->heard());
  CHECK(pongs == 20);
  auto y = x.look();
  CHECK(y.over_limit == std::map<std::string, std::uint64_t>{{"pings", 480}});
  CHECK(y.dropped_messages == 480);
  CHECK(y.violations == 0);
  CHECK_FALSE(x.wire_end->closed);
  x.advance(1s);
  x.wire_end->say({wire::ping{1, 1}});
  x.run();
  CHECK(x.count<wire::pong>(x.wire_end->heard()) >= 1);
}
