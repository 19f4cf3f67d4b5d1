// One connection against a scripted peer: what it says, when it says it, and what ends it.

#include "tests/actors/one_connection.hpp"

using namespace timenode;
using namespace test;

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
  SUBCASE("magic") {
    bad.magic = {'B', 'I', 'T', 'C'};
  }
  SUBCASE("version") {
    bad.protocol_version = 2;
  }
  SUBCASE("network") {
    bad.network = "Mainnet";
  }
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
        std::make_shared<const node_context>(x.context),
        link_spec{8, link_direction::outbound, peer_address}, end,
        spawn_registry(x.system, x.record), std::make_shared<const peer_routes>());
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

TEST_CASE("a ping that would be due soon goes out with the answer to the peer's") {
  one_connection x{link_direction::inbound};
  x.establish_inbound();
  x.advance(10s);
  x.wire_end->say({wire::ping{1, 0}});
  x.run();
  CHECK(one_connection::count<wire::ping>(x.wire_end->heard()) == 0);
  x.advance(16s);
  x.wire_end->say({wire::ping{2, 0}});
  x.run();
  const auto said = x.wire_end->heard();
  REQUIRE(said.size() == 2);
  CHECK(std::holds_alternative<wire::pong>(said[0]));
  CHECK(std::holds_alternative<wire::ping>(said[1]));
  x.advance(20s);
  CHECK(x.wire_end->heard().empty());
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

TEST_CASE(
    "a peer that takes nothing of the much that waits for it for 90 s is dead, whatever it says") {
  one_connection x{link_direction::inbound};
  x.establish_inbound();
  x.wire_end->queued = 2u << 20;
  x.wire_end->taken = x.wire_end->sent.size();
  for (int i = 0; i < 20 && !x.wire_end->closed; ++i) {
    x.wire_end->say({wire::ack{"still here"}});
    x.advance(10s);
  }
  CHECK(x.wire_end->closed);
  REQUIRE(x.record->reports.size() == 1);
  CHECK(x.record->reports.at(0).reason == "it read nothing for 90 s");
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
