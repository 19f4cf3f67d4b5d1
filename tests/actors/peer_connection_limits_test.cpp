// What one connection takes on of a peer at a time: questions that wait, credit for lines, and limits.

#include "tests/actors/one_connection.hpp"

using namespace timenode;
using namespace test;

TEST_CASE("what is told again is left out while the peer has much to read, and nothing else is") {
  one_connection x{link_direction::inbound};
  x.establish_inbound();
  x.wire_end->heard();
  const auto tell = [&x](std::uint64_t height, bool again) {
    const auto line = wire::encode_shared(wire::block_height_response{height});
    x.self->send(x.actor, encoded_line{line, again});
    x.run();
    return x.count<wire::block_height_response>(x.wire_end->heard());
  };
  CHECK(tell(1, true) == 1);
  x.wire_end->queued = 2u << 20;
  CHECK(tell(2, true) == 0);
  CHECK(tell(3, false) == 1);
  CHECK(x.look().left_out_messages == 1);
  x.wire_end->queued = 0;
  CHECK(tell(4, true) == 1);
  // Only of what is voted on its sender says it again.
  CHECK(wire::is_told_again(wire::block_ballot{}));
  CHECK(wire::is_told_again(wire::block_proposal{}));
  CHECK_FALSE(wire::is_told_again(wire::block_commit{}));
  CHECK_FALSE(wire::is_told_again(wire::transaction_vote{}));
}

TEST_CASE("a peer that has much to read waits with its questions for ten seconds; all else goes "
          "on, so that two nodes "
          "never wait for each other") {
  one_connection x{link_direction::inbound};
  x.establish_inbound();
  const auto before = x.wire_end->granted;
  const auto pongs = x.count<wire::pong>(x.wire_end->heard());
  x.wire_end->queued = 2u << 20;
  x.wire_end->say({wire::block_height_response{5}});
  x.run();
  CHECK(x.wire_end->granted == before + 1);
  x.wire_end->say({wire::ping{1, 2}, wire::block_height_response{6}, wire::get_blocks{1, 2}});
  x.advance(9s);
  CHECK(x.wire_end->granted == before + 1);
  SUBCASE("it reads in time") {
    x.wire_end->queued = 0;
    x.wire_end->handler->on_drained();
    x.run();
    CHECK(x.count<wire::pong>(x.wire_end->heard()) == pongs + 1);
    CHECK(x.look().dropped_messages == 0);
  }
  SUBCASE("it does not") {
    x.advance(2s);
    CHECK(x.wire_end->granted == before + 4);
    // It may have been the network that was slow. A pong makes nothing worse.
    CHECK(x.count<wire::pong>(x.wire_end->heard()) == pongs + 1);
    CHECK(x.look().dropped_messages == 1);
    CHECK(x.look().height == 6);
    x.wire_end->queued = 0;
    x.wire_end->handler->on_drained();
    x.wire_end->say({wire::ping{3, 4}});
    x.run();
    CHECK(x.count<wire::pong>(x.wire_end->heard()) == pongs + 1);
  }
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

TEST_CASE(
    "what nobody here answers within 15 s keeps a peer waiting no longer, and an answer that comes "
    "later is not sent") {
  one_connection x{link_direction::inbound};
  x.establish_inbound();
  x.wire_end->say({wire::get_blocks{0, 1}, wire::get_blocks{0, 1}, wire::get_blocks{0, 1},
                   wire::get_blocks{0, 1}, wire::ping{5, 6}});
  x.run();
  REQUIRE(x.server->asked.size() == 4);
  x.wire_end->heard();
  x.advance(8s);
  x.answer_question(0);
  CHECK(one_connection::count<wire::pong>(x.wire_end->heard()) ==
        1);  // there is room for its next line
  x.wire_end->say({wire::get_blocks{0, 1}, wire::ping{7, 8}});
  x.advance(14s);
  CHECK(one_connection::count<wire::pong>(x.wire_end->heard()) == 0);
  x.advance(2s);
  CHECK(one_connection::count<wire::pong>(x.wire_end->heard()) == 1);
  x.answer_question(1);
  CHECK(one_connection::count<wire::blocks_response>(x.wire_end->heard()) == 0);
  // The next ones have all the time again.
  x.wire_end->say({wire::get_blocks{0, 1}});
  x.run();
  x.answer_question(5);
  CHECK(one_connection::count<wire::blocks_response>(x.wire_end->heard()) == 1);
  x.wire_end->say({wire::get_blocks{0, 1}});
  x.advance(16s);
  x.answer_question(6);
  CHECK(one_connection::count<wire::blocks_response>(x.wire_end->heard()) == 0);
}

TEST_CASE("an answer in time is sent though an older question still waits") {
  one_connection x{link_direction::inbound};
  x.establish_inbound();
  x.wire_end->say({wire::get_blocks{0, 1}});
  x.advance(20s);
  x.wire_end->say({wire::get_blocks{0, 1}});
  x.run();
  x.wire_end->heard();
  x.answer_question(1);
  CHECK(one_connection::count<wire::blocks_response>(x.wire_end->heard()) == 1);
  // Three more beside the one that hangs: each has its time.
  x.wire_end->say({wire::get_blocks{0, 1}, wire::get_blocks{0, 1}, wire::get_blocks{0, 1}});
  x.advance(14s);
  REQUIRE(x.server->asked.size() == 5);
  x.answer_question(4);
  CHECK(one_connection::count<wire::blocks_response>(x.wire_end->heard()) == 1);
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

TEST_CASE("lines that another actor of ours has not worked off give no credit") {
  one_connection x{link_direction::inbound};
  x.establish_inbound();
  const auto before = x.wire_end->granted;
  x.wire_end->say(std::vector<wire::message>(max_unproven_lines + 8, wire::blocks_response{}));
  x.run();
  CHECK(x.wire_end->granted == before);
  for (std::size_t i = 0; i < max_unproven_lines + 8; ++i) {
    REQUIRE(i < x.server->asked.size());
    CHECK(x.wire_end->granted == before);
    x.answer_question(i);
  }
  CHECK(x.wire_end->granted == before + max_unproven_lines + 8);
}

TEST_CASE(
    "a few lines for others are not asked after, however often they come, until they add up") {
  one_connection x{link_direction::inbound};
  x.establish_inbound();
  const auto before = x.wire_end->granted;
  for (std::size_t i = 1; i < max_unproven_lines; ++i) {
    x.wire_end->say({wire::blocks_response{}, wire::ping{i, 0}});
    x.run();
    CHECK(x.wire_end->granted == before + 2 * i);
  }
  x.wire_end->say({wire::blocks_response{}});
  x.run();
  CHECK(x.wire_end->granted == before + 2 * (max_unproven_lines - 1));
  // Pings concern nobody else.
  x.wire_end->say(std::vector<wire::message>(5, wire::ping{7, 0}));
  x.run();
  CHECK(x.wire_end->granted == before + 2 * (max_unproven_lines - 1) + 5);
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

TEST_CASE("a peer that the operator trusts has no limits") {
  one_connection x{link_direction::inbound, true};
  x.establish_inbound();
  x.wire_end->say(std::vector<wire::message>(500, wire::ping{1, 1}));
  x.run();
  CHECK(x.count<wire::pong>(x.wire_end->heard()) == 500);
  CHECK(x.look().over_limit.empty());
}

TEST_CASE("answers that nobody asked for, and floods, do not fill the mailboxes of others") {
  one_connection x{link_direction::inbound};
  x.establish_inbound();
  x.wire_end->say(std::vector<wire::message>(2'000, wire::block_height_response{7}));
  x.wire_end->say(std::vector<wire::message>(10'000, wire::heartbeat_attestation{}));
  x.run();
  CHECK(x.look().over_limit ==
        std::map<std::string, std::uint64_t>{{"answers", 1500}, {"floods", 4000}});
  CHECK(x.look().violations == 0);
}
