// What is sent on to whom, what is not, and what a flood can cost.

#include "actors/gossip.hpp"
#include "tests/actors/recording_actors.hpp"
#include "tests/actors/test_node.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace timenode;
using namespace test;

namespace {

ip_address ip_of(int number) {
  return ip_address::from_v4(
      {203, 0, static_cast<std::uint8_t>(number / 256), static_cast<std::uint8_t>(number % 256)});
}

wire::message heartbeat(std::uint64_t number) {
  return wire::heartbeat_broadcast{.masternode_address = "203.0.113.1", .sequence_number = number};
}

wire::message announced_block(std::uint64_t height, std::size_t bytes = 0) {
  auto x = std::make_shared<block>();
  x->header.height = height;
  x->masternode_rewards.emplace_back(std::string(bytes, 'x'), 1);
  return wire::block_announcement{std::move(x)};
}

struct fixture : test_node {
  fixture() {
    std::tie(registry, told) = spawn_recording_registry(system);
    std::tie(blocks, block_judge) = spawn_recording_judge(system);
    std::tie(masternodes, beat_judge) = spawn_recording_judge(system);
    uut = system.spawn<gossip>(context, registry, flood_judges{blocks, masternodes});
    run();
    for (int i = 1; i <= 4; ++i)
      connect(i);
  }

  void connect(int number) {
    auto [actor, record] = spawn_fake_connection(system);
    peers[number] = record;
    const auto info = peer_info{ip_of(number),
                                static_cast<link_id>(100 + number),
                                link_direction::inbound,
                                {ip_of(number), 50'000}};
    self->send(uut, atom::peer_up_v, info, actor);
    run();
  }

  void receive(int from, const wire::message& item) {
    self->send(uut, ip_of(from), item);
    run();
  }

  /// The judges answer what they left open.
  void answer(flood_verdict verdict) {
    block_judge->answer.verdict = beat_judge->answer.verdict = verdict;
    for (const auto& judge : {blocks, masternodes})
      self->send(judge, atom::judge_v, ip_address{}, wire::message{wire::ack{}});
    run();
  }

  /// How many lines each of the peers 1 to 4 was sent.
  std::vector<std::size_t> sent() {
    std::vector<std::size_t> result;
    for (int i = 1; i <= 4; ++i)
      result.push_back(peers[i]->lines.size());
    return result;
  }

  auto counts() { return ask<gossip_snapshot>(uut, atom::snapshot_v); }

  connection_registry_actor registry;
  std::shared_ptr<registry_record> told;
  judge_actor blocks;
  judge_actor masternodes;
  std::shared_ptr<judge_record> block_judge;
  std::shared_ptr<judge_record> beat_judge;
  gossip_actor uut;
  std::map<int, std::shared_ptr<connection_record>> peers;
};

using counts_list = std::vector<std::size_t>;

}  // namespace

TEST_CASE_FIXTURE(fixture, "gossip asks to be told of peers") {
  REQUIRE(told->listeners.size() == 1);
  CHECK(told->listeners.front() == uut);
}

// -- forwarding -------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "an item goes once to every other peer, and never back") {
  receive(2, heartbeat(1));
  CHECK(sent() == counts_list{1, 0, 1, 1});
  receive(2, heartbeat(1));
  receive(3, heartbeat(1));
  CHECK(sent() == counts_list{1, 0, 1, 1});
  CHECK(peers[1]->lines.front() == *wire::encode_shared(heartbeat(1)));
  CHECK(counts().forwarded == 1);
  CHECK(counts().duplicates == 2);
}

TEST_CASE_FIXTURE(
    fixture,
    "heartbeats of others go on to a few peers by chance, blocks and what is our own to all") {
  for (int i = 5; i <= 40; ++i)
    connect(i);
  const auto total = [this] {
    std::size_t result = 0;
    for (const auto& [_, peer] : peers)
      result += peer->lines.size();
    return result;
  };
  receive(1, heartbeat(1));
  CHECK(total() == beats_go_on_to);
  CHECK(peers[1]->lines.empty());
  for (std::uint64_t i = 2; i <= 100; ++i)
    receive(1, heartbeat(i));
  CHECK(total() == 100 * beats_go_on_to);
  for (int i = 2; i <= 40; ++i)
    CHECK(peers[i]->lines.size() > 5);  // 20 each, by chance
  const auto before = total();
  receive(1, announced_block(1));
  CHECK(total() == before + 39);
  self->send(uut, atom::flood_v, heartbeat(1000));
  run();
  CHECK(total() == before + 39 + 40);
}

TEST_CASE_FIXTURE(fixture, "all peers share one encoded buffer") {
  receive(1, heartbeat(1));
  REQUIRE(sent() == counts_list{0, 1, 1, 1});
  CHECK(peers[2]->buffers.front() == peers[3]->buffers.front());
  CHECK(peers[2]->buffers.front() == peers[4]->buffers.front());
}

TEST_CASE_FIXTURE(fixture, "blocks are judged by the sync engine, heartbeats and attestations by "
                           "the masternode table") {
  receive(1, announced_block(7));
  CHECK(block_judge->asked.size() == 1);
  CHECK(block_judge->asked.front().first == ip_of(1));
  receive(2, heartbeat(1));
  receive(2, wire::heartbeat_attestation{.witness_address = "203.0.113.9"});
  CHECK(beat_judge->asked.size() == 2);
  CHECK(block_judge->asked.size() == 1);
  CHECK(counts().forwarded == 3);
}

TEST_CASE_FIXTURE(fixture, "an item counts as seen while it is judged, and goes to none of those "
                           "who sent it meanwhile") {
  beat_judge->silent = true;
  receive(1, heartbeat(1));
  receive(3, heartbeat(1));
  CHECK(sent() == counts_list{0, 0, 0, 0});
  CHECK(beat_judge->asked.size() == 1);
  answer(flood_verdict::forward);
  CHECK(sent() == counts_list{0, 1, 0, 1});
}

TEST_CASE_FIXTURE(fixture, "an ignored item is not sent on, and is judged anew when it comes again "
                           "later") {
  block_judge->answer = {flood_verdict::ignore, "above our tip"};
  receive(1, announced_block(7));
  receive(2, announced_block(7));
  CHECK(block_judge->asked.size() == 1);
  advance(11s);
  block_judge->answer.verdict = flood_verdict::forward;
  receive(2, announced_block(7));
  CHECK(block_judge->asked.size() == 2);
  CHECK(sent() == counts_list{1, 0, 1, 1});
  CHECK(told->violations.empty());
  CHECK(counts().ignored == 1);
}

TEST_CASE_FIXTURE(fixture, "an invalid item is a violation of who sent it, and goes nowhere") {
  beat_judge->answer = {flood_verdict::invalid, "wrong signature"};
  receive(2, heartbeat(1));
  REQUIRE(told->violations.size() == 1);
  const auto& x = told->violations.front();
  CHECK(x.ip == ip_of(2));
  CHECK(x.link == 102);
  CHECK(x.reason == "wrong signature");
  CHECK(x.evidence.starts_with("{\"HeartbeatBroadcast\":{\"masternode_address\":\"203.0.113.1\""));
  CHECK(x.evidence.size() <= 120);
  CHECK(sent() == counts_list{0, 0, 0, 0});
  // Whoever repeats it has not judged it yet, and is not punished.
  receive(3, heartbeat(1));
  CHECK(told->violations.size() == 1);
  CHECK(counts().invalid == 1);
}

TEST_CASE_FIXTURE(fixture, "an item whose judge stays silent is given up in time and may come "
                           "again") {
  beat_judge->silent = true;
  receive(1, heartbeat(1));
  advance(beat_judge_timeout + 1s);
  CHECK(sent() == counts_list{0, 0, 0, 0});
  beat_judge->silent = false;
  receive(2, heartbeat(1));
  CHECK(sent() == counts_list{1, 0, 1, 1});
  // A late answer to the first question changes nothing any more.
  answer(flood_verdict::forward);
  CHECK(sent() == counts_list{1, 0, 1, 1});
}

TEST_CASE_FIXTURE(fixture, "a judge that is gone stops neither gossip nor the items of others") {
  self->send_exit(blocks, caf::exit_reason::kill);
  receive(1, announced_block(7));
  receive(1, heartbeat(1));
  CHECK(sent() == counts_list{0, 1, 1, 1});
}

TEST_CASE_FIXTURE(fixture, "kinds that nobody here can judge are counted and not sent on") {
  receive(1, wire::transaction_broadcast{});
  receive(1, wire::transaction_vote{});
  receive(1, wire::block_vote{});
  receive(1, wire::block_commit{});
  receive(1, wire::ping{1, 2});  // not flooded at all
  CHECK(sent() == counts_list{0, 0, 0, 0});
  CHECK(counts().without_judge == 5);
  CHECK(counts().seen == 0);
}

// -- peers ------------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "items go to peers that are up, through their newest connection") {
  const auto old = peers[2];
  connect(2);  // another connection takes over
  self->send(uut, atom::peer_down_v, ip_of(3));
  receive(1, heartbeat(1));
  CHECK(old->lines.empty());
  CHECK(sent() == counts_list{0, 1, 0, 1});
}

TEST_CASE_FIXTURE(fixture, "an item that comes before its sender is published as up is taken all "
                           "the same") {
  receive(9, heartbeat(1));
  CHECK(sent() == counts_list{1, 1, 1, 1});
}

// -- our own ----------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "our own item goes to every peer once, and not round again when it "
                           "comes back") {
  self->send(uut, atom::flood_v, heartbeat(1));
  run();
  CHECK(sent() == counts_list{1, 1, 1, 1});
  self->send(uut, atom::flood_v, heartbeat(1));
  receive(2, heartbeat(1));
  CHECK(sent() == counts_list{1, 1, 1, 1});
  CHECK(beat_judge->asked.empty());
}

TEST_CASE_FIXTURE(fixture, "our own item goes out although the same one was ignored, or is being "
                           "judged") {
  block_judge->answer = {flood_verdict::ignore, "not yet"};
  receive(1, announced_block(7));
  self->send(uut, atom::flood_v, announced_block(7));
  run();
  CHECK(sent() == counts_list{1, 1, 1, 1});
  block_judge->silent = true;
  receive(1, announced_block(8));
  self->send(uut, atom::flood_v, announced_block(8));
  run();
  CHECK(sent() == counts_list{1, 2, 2, 2});
  answer(flood_verdict::forward);
  CHECK(sent() == counts_list{1, 2, 2, 2});
}

TEST_CASE_FIXTURE(fixture, "nothing but flooded kinds is flooded") {
  self->send(uut, atom::flood_v, wire::message{wire::get_peers{}});
  run();
  CHECK(sent() == counts_list{0, 0, 0, 0});
}

// -- limits -------------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "a peer's flood is dropped above its limit, not punished, and costs "
                           "others nothing") {
  for (std::uint64_t i = 0; i < 5000; ++i)
    receive(1, heartbeat(i));
  CHECK(beat_judge->asked.size() == static_cast<std::size_t>(flood_burst));
  CHECK(counts().over_limit == 5000 - static_cast<std::uint64_t>(flood_burst));
  CHECK(told->violations.empty());
  receive(2, heartbeat(10'000));
  CHECK(beat_judge->asked.size() == static_cast<std::size_t>(flood_burst) + 1);
  // After a second it may send a second's worth again.
  advance(1s);
  for (std::uint64_t i = 20'000; i < 21'000; ++i)
    receive(1, heartbeat(i));
  CHECK(beat_judge->asked.size() ==
        static_cast<std::size_t>(flood_burst + flood_items_per_second) + 1);
}

TEST_CASE_FIXTURE(fixture, "a slow judge bounds what one peer and all peers may have with it") {
  beat_judge->silent = true;
  for (std::uint64_t i = 0; i < 1000; ++i)
    receive(1, heartbeat(i));
  CHECK(beat_judge->open.size() == max_judging_per_peer);
  for (int peer = 10; peer < 20; ++peer) {
    connect(peer);
    for (std::uint64_t i = 0; i < 500; ++i)
      receive(peer, heartbeat(1000 * static_cast<std::uint64_t>(peer) + i));
  }
  CHECK(beat_judge->open.size() == max_judging);
  // What was dropped was not remembered: it is judged when it comes again.
  answer(flood_verdict::ignore);
  receive(1, heartbeat(999));
  CHECK(beat_judge->open.size() == 1);
}

TEST_CASE_FIXTURE(fixture, "large items that are being judged are bounded by their bytes") {
  block_judge->silent = true;
  for (std::uint64_t i = 0; i < 6; ++i)
    receive(1, announced_block(i, 5u << 20));
  CHECK(block_judge->open.size() == 3);
  receive(2, announced_block(10, 5u << 20));
  CHECK(block_judge->open.size() == 4);
}
