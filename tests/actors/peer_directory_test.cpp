// What the directory asks of the registry and of peers, and what it believes of them.

#include "actors/peer_directory.hpp"
#include "tests/actors/recording_actors.hpp"
#include "tests/actors/test_node.hpp"

#include <doctest/doctest.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>

using namespace timenode;
using namespace test;

namespace {

const auto our_ip = *ip_address::parse("198.51.100.200");

endpoint at(int number) {
  return {ip_address::from_v4({20, static_cast<std::uint8_t>(number), 0, 1}), 24100};
}

struct fixture : test_node {
  explicit fixture(directory_config config = {.configured = {at(200), at(201)},
                                              .max_peers = 125,
                                              .kept = {},
                                              .archive = {}}) {
    context.local_ip = our_ip;
    std::tie(registry, told) = spawn_recording_registry(system);
    uut = system.spawn<peer_directory>(context, registry, std::move(config));
    run();
  }

  void connect(int number, link_direction direction = link_direction::outbound) {
    auto [actor, record] = spawn_fake_connection(system);
    peers[number] = record;
    const auto remote =
        direction == link_direction::outbound ? at(number) : endpoint{at(number).ip, 50'000};
    self->send(uut, atom::peer_up_v, peer_info{at(number).ip, 1, direction, remote}, actor);
    run();
  }

  void disconnect(int number) {
    self->send(uut, atom::peer_down_v, at(number).ip);
    run();
  }

  void answer(int from, std::vector<std::string> addresses) {
    self->send(uut, at(from).ip, wire::message{wire::peers_response{std::move(addresses)}});
    run();
  }

  void fail(int number, std::uint32_t failures) {
    self->send(uut, dial_report{at(number), false, failures, "refused"});
    run();
  }

  auto snapshot() { return ask<directory_snapshot>(uut, atom::snapshot_v); }

  std::size_t questions(int number) {
    return all_of_kind<wire::get_peers>(peers[number]->lines).size();
  }

  connection_registry_actor registry;
  std::shared_ptr<registry_record> told;
  peer_directory_actor uut;
  std::map<int, std::shared_ptr<connection_record>> peers;
};

}  // namespace

TEST_CASE_FIXTURE(fixture, "configured peers are asked for at once, and the directory listens for "
                           "peers") {
  CHECK(told->listeners.size() == 1);
  CHECK(told->wants == std::vector{std::pair{at(200), dial_purpose::configured},
                                   std::pair{at(201), dial_purpose::configured}});
  for (std::uint32_t i = 1; i < 100; ++i)
    fail(200, i);
  CHECK(told->unwants.empty());
  CHECK(snapshot().configured == 2);
  CHECK(snapshot().wanted == 2);
}

TEST_CASE_FIXTURE(fixture, "every new peer is asked for addresses, whoever dialed") {
  connect(1, link_direction::outbound);
  connect(2, link_direction::inbound);
  CHECK(questions(1) == 1);
  CHECK(questions(2) == 1);
}

TEST_CASE_FIXTURE(fixture, "a peer that comes again within ten minutes of its answer is not asked "
                           "again, and later it is") {
  connect(1);
  answer(1, {at(7).to_string()});
  disconnect(1);
  advance(5min);
  connect(1);
  CHECK(questions(1) == 0);
  disconnect(1);
  advance(6min);
  connect(1);
  CHECK(questions(1) == 1);
}

TEST_CASE_FIXTURE(
    fixture,
    "when eight peers that we dialed have answered, those that come are not asked for ten minutes; "
    "answers of peers that dialed us do not count") {
  for (int i = 1; i <= 12; ++i) {
    connect(i, i <= 5 ? link_direction::inbound : link_direction::outbound);
    answer(i, {});
    CHECK(questions(i) == 1);
  }
  connect(13, link_direction::inbound);
  answer(13, {});
  CHECK(questions(13) == 1);  // seven so far
  connect(14);
  answer(14, {});
  connect(15);
  CHECK(questions(15) == 0);
  advance(11min);
  connect(16);
  CHECK(questions(16) == 1);
}

TEST_CASE_FIXTURE(fixture, "a peer whose connection ended before it had answered is asked again") {
  connect(1);
  disconnect(1);
  connect(1);
  CHECK(questions(1) == 1);
  answer(1, {});
  disconnect(1);
  connect(1);
  CHECK(questions(1) == 0);
}

TEST_CASE("a node that knows nobody says so ten seconds after its start, and every ten minutes "
          "until it does") {
  const auto lines = std::make_shared<spdlog::sinks::ringbuffer_sink_st>(16);
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("", lines));
  spdlog::set_level(spdlog::level::warn);
  const auto told = [&] { return lines->last_formatted().size(); };
  {
    fixture alone{{.configured = {}, .max_peers = 125, .kept = {}, .archive = {}}};
    alone.advance(9s);
    CHECK(told() == 0);
    alone.advance(1s);
    CHECK(told() == 1);
    alone.advance(10min);
    CHECK(told() == 2);
    alone.connect(1);
    alone.answer(1, {at(7).to_string()});
    alone.disconnect(1);
    alone.advance(1h);
    CHECK(told() == 2);
  }
  fixture knows_some;
  knows_some.advance(1h);
  CHECK(told() == 2);
  spdlog::set_default_logger(before);
}

TEST_CASE_FIXTURE(fixture, "some peer is asked again every ten minutes") {
  for (int i = 1; i <= 3; ++i)
    connect(i);
  advance(6h);
  const auto again = questions(1) + questions(2) + questions(3) - 3;
  CHECK(again >= 32);  // 36, give or take a tenth
  CHECK(again <= 40);
  CHECK(questions(1) > 1);
  CHECK(questions(2) > 1);
  CHECK(questions(3) > 1);
}

TEST_CASE_FIXTURE(fixture, "named addresses are tried a few at a time, until all are connected") {
  connect(1);
  std::vector<std::string> named;
  for (int i = 10; i < 60; ++i)
    named.push_back(at(i).to_string());
  answer(1, named);
  CHECK(snapshot().known == 53);
  // With the two configured ones, of which one is there; that makes one of the eight tries less.
  CHECK(told->wanted.size() == 2 + max_tries - 1);
  for (int round = 0; round < 50; ++round) {
    for (int i = 10; i < 60; ++i)
      if (told->wanted.contains(at(i).ip) && !peers.contains(i))
        connect(i);
    advance(5s);  // one at a time, once there are enough peers
  }
  CHECK(told->wanted.size() == 52);
  CHECK(snapshot().connected == 51);
}

TEST_CASE_FIXTURE(fixture, "what nobody asked for is not learned") {
  connect(1);
  answer(1, {at(10).to_string()});
  CHECK(snapshot().known == 4);
  std::vector<std::string> many;
  for (int i = 0; i < 2000; ++i)
    many.push_back("nonsense");
  answer(1, many);
  answer(1, {at(11).to_string()});  // a thousand addresses were allowed, and came
  CHECK(snapshot().known == 4);
  answer(99, {at(11).to_string()});  // not connected
  CHECK(snapshot().known == 4);
}

TEST_CASE_FIXTURE(fixture, "a flood of addresses asks no more of the registry than eight tries, "
                           "and of a node with enough peers "
                           "two") {
  for (int peer = 1; peer <= 20; ++peer) {
    connect(peer);
    std::vector<std::string> many;
    for (int i = 0; i < 1000; ++i)
      many.push_back(endpoint{ip_address::from_v4({30, static_cast<std::uint8_t>(i % 250),
                                                   static_cast<std::uint8_t>(peer),
                                                   static_cast<std::uint8_t>(i / 250)}),
                              24100}
                         .to_string());
    answer(peer, many);
    CHECK(told->wanted.size() <= 2 + max_tries);
  }
  CHECK(snapshot().known <= max_addresses + 2);
  CHECK(told->wanted.size() == 2 + 2 * max_strangers_at_ease);  // twenty that we reached are enough
}

TEST_CASE_FIXTURE(fixture, "a discovered peer that failed ten times is not wanted any more and "
                           "leaves") {
  connect(1);
  answer(1, {at(10).to_string()});
  REQUIRE(told->wanted.contains(at(10).ip));
  for (std::uint32_t i = 1; i <= 9; ++i)
    fail(10, i);
  CHECK(told->wanted.contains(at(10).ip));
  fail(10, 10);
  CHECK_FALSE(told->wanted.contains(at(10).ip));
  CHECK(snapshot().known == 3);
}

TEST_CASE_FIXTURE(fixture, "masternodes are wanted whenever somebody says that they are there") {
  self->send(uut, atom::want_v, at(10), dial_purpose::masternode);
  self->send(uut, atom::want_v, endpoint{our_ip, 24100}, dial_purpose::masternode);
  self->send(uut, atom::want_v, *endpoint::parse("127.0.0.1", 24100), dial_purpose::masternode);
  run();
  CHECK(told->wanted.size() == 3);
  CHECK(told->wanted.at(at(10).ip) == dial_purpose::masternode);
}

TEST_CASE_FIXTURE(fixture, "an operator's wish during the run counts as configured") {
  self->send(uut, atom::want_v, at(10), dial_purpose::configured);
  run();
  CHECK(told->wanted.at(at(10).ip) == dial_purpose::configured);
  CHECK(snapshot().configured == 3);
}

TEST_CASE_FIXTURE(fixture, "others are told of peers that we have, a hundred at most") {
  for (int i = 1; i <= 120; ++i)
    connect(i, i % 2 == 0 ? link_direction::inbound : link_direction::outbound);
  const auto told_to_others = ask<std::vector<std::string>>(uut, atom::sample_v);
  CHECK(told_to_others.size() == 100);
  for (const auto& x : told_to_others)
    CHECK(x.ends_with(":24100"));
}

TEST_CASE_FIXTURE(fixture, "a peer that is gone is not told to others unless we had dialed it") {
  connect(1, link_direction::inbound);
  connect(2, link_direction::outbound);
  disconnect(1);
  disconnect(2);
  CHECK(ask<std::vector<std::string>>(uut, atom::sample_v) ==
        std::vector<std::string>{at(2).to_string()});
  CHECK(snapshot().connected == 0);
}

// -- orders, our own address, lists ---------------------------------------------------------------

namespace {

peer_order order(order_kind kind, const endpoint& to) {
  peer_order x;
  x.kind = kind;
  x.to = to;
  return x;
}

}  // namespace

TEST_CASE_FIXTURE(fixture, "an operator adds a peer and takes it back") {
  CHECK(ask<order_reply>(uut, order(order_kind::add_peer, at(10))).result == order_result::done);
  CHECK(told->wanted.at(at(10).ip) == dial_purpose::configured);
  CHECK(ask<order_reply>(uut, order(order_kind::add_peer, at(10))).result == order_result::already);
  CHECK(ask<order_reply>(uut, order(order_kind::add_peer, endpoint{our_ip, 24100})).result ==
        order_result::refused);
  CHECK(ask<order_reply>(uut, order(order_kind::remove_peer, at(11))).result ==
        order_result::not_there);
  CHECK(ask<order_reply>(uut, order(order_kind::remove_peer, at(10))).result == order_result::done);
  CHECK_FALSE(told->wanted.contains(at(10).ip));
  CHECK(ask<order_reply>(uut, order(order_kind::ban, at(10))).result == order_result::refused);
}

TEST_CASE_FIXTURE(fixture, "the addresses of a list are tried like any others") {
  self->send(uut, atom::learn_v,
             std::vector<std::string>{at(10).to_string(), "nonsense", "10.0.0.1:24100"});
  run();
  CHECK(told->wanted.at(at(10).ip) == dial_purpose::discovered);
  CHECK(snapshot().known == 3);
}

TEST_CASE_FIXTURE(fixture, "what turns out to be our own address is not wanted any more") {
  connect(1);
  answer(1, {at(10).to_string()});
  REQUIRE(told->wanted.contains(at(10).ip));
  self->send(uut, atom::own_address_v, at(10).ip);
  run();
  CHECK_FALSE(told->wanted.contains(at(10).ip));
  CHECK(ask<address_snapshot>(uut, atom::explain_v, at(10).ip).why == "it is our own address");
}

// -- over a restart ---------------------------------------------------------------------------------

namespace {

struct archive_record {
  std::map<std::string, std::vector<std::string>> saved;
  int writings = 0;
  std::string problem;
};

struct keeping : fixture {
  keeping() {
    auto archive = system.spawn([x = kept]() -> archive_actor::behavior_type {
      return {[x](atom::save, const std::string& list, const std::vector<std::string>& lines) {
        ++x->writings;
        if (x->problem.empty())
          x->saved[list] = lines;
        return x->problem;
      }};
    });
    uut = system.spawn<peer_directory>(
        context, registry,
        directory_config{
            .configured = {at(200)}, .max_peers = 125, .kept = {}, .archive = archive});
    run();
  }

  std::shared_ptr<archive_record> kept = std::make_shared<archive_record>();
};

}  // namespace

TEST_CASE_FIXTURE(
    keeping,
    "the book is written when it has changed, not more often than every quarter of an hour") {
  advance(1h);
  CHECK(kept->writings == 0);
  for (int i = 1; i <= 60; ++i) {
    connect(i);
    advance(30s);
  }
  CHECK(kept->writings >= 2);
  CHECK(kept->writings <= 3);
  advance(30min);
  const auto before = kept->writings;
  advance(1h);
  CHECK(kept->writings == before);
  CHECK(kept->saved.at("addresses").size() == 60);
}

TEST_CASE_FIXTURE(keeping,
                  "a node that stops writes its book, and the next one begins with its peers") {
  for (int i = 1; i <= 20; ++i)
    connect(i);
  ask<void>(uut, atom::save_v);
  auto [second_registry, second_told] = spawn_recording_registry(system);
  system.spawn<peer_directory>(
      context, second_registry,
      directory_config{
          .configured = {}, .max_peers = 125, .kept = kept->saved.at("addresses"), .archive = {}});
  run();
  CHECK(second_told->wanted.size() >= max_anchors);
}

TEST_CASE_FIXTURE(keeping, "a book that cannot be written is said, and tried again") {
  kept->problem = "the disk is full";
  connect(1);
  advance(16min);
  CHECK(kept->writings >= 1);
  CHECK(snapshot().not_kept == "the disk is full");
  kept->problem.clear();
  advance(16min);
  CHECK(snapshot().not_kept.empty());
  CHECK(kept->saved.at("addresses").size() == 1);
}
