// The sync engine with a real chain keeper and checkers, against peers that do as they should.

#include "tests/actors/scripted_peer.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace test;

TEST_CASE("a node downloads 2,000 real blocks from one peer") {
  sync_world w;
  const auto a = w.add("10.0.0.1", {.chain = real_chain(), .delay = 10ms});
  CHECK(w.reaches(2000, 1s));
  CHECK(w.store->tip().hash == chain::block_hash(real_chain().back()->header));
  CHECK(a.log->most_open == 4);
  CHECK(w.violations->empty());
  const auto x = w.look();
  CHECK(x.state == "idle");
  CHECK(x.height == 2000);
  CHECK(x.target == 2000);
  CHECK(x.outstanding == 0);
  CHECK(x.buffered_blocks == 0);
  CHECK(x.buffered_bytes == 0);
  CHECK(x.claims.at(a.ip) == 2000);
}

TEST_CASE("blocks are applied many at a time and each is fetched once from a lone peer") {
  sync_world w;
  const auto a = w.add("10.0.0.1", {.chain = real_chain()});
  REQUIRE(w.reaches(2000, 1s));
  CHECK(a.log->blocks_sent == 2000);
  CHECK(w.store->commits.size() <= 20);
}

TEST_CASE("three peers share the load") {
  sync_world w;
  const auto script = peer_script{.chain = real_chain(), .delay = 50ms};
  const std::vector peers{w.add("10.0.0.1", script), w.add("10.0.0.2", script),
                          w.add("10.0.0.3", script)};
  REQUIRE(w.reaches(2000, 2s));
  for (const auto& x : peers) {
    CHECK(x.log->blocks_sent >= 400);
    CHECK(x.log->blocks_sent <= 1000);
    CHECK(x.log->most_open <= 4);
  }
}

TEST_CASE("two peers race for the last 50 blocks") {
  sync_world w;
  const auto script = peer_script{.chain = real_blocks(30), .delay = 100ms};
  const auto a = w.make("10.0.0.1", script);
  const auto b = w.make("10.0.0.2", script);
  // Both are known before either answers.
  w.up(a);
  w.up(b);
  REQUIRE(w.reaches(30, 1s));
  CHECK(a.log->requests.size() + b.log->requests.size() >= 1);
  // One more block: both are there, and both are asked.
  const auto before = a.log->requests.size() + b.log->requests.size();
  for (const auto* x : {&a, &b})
    x->script->chain = real_blocks(31);
  REQUIRE(w.reaches(31, 90s));
  w.advance(60s);
  CHECK(a.log->requests.size() + b.log->requests.size() > before);
}

TEST_CASE("a caught-up node does nothing but ask for heights once a minute") {
  sync_world w;
  const auto a = w.add("10.0.0.1", {.chain = real_blocks(150)});
  const auto b = w.add("10.0.0.2", {.chain = real_blocks(150)});
  REQUIRE(w.reaches(150, 1s));
  const auto requests = a.log->requests.size() + b.log->requests.size();
  const auto polls = a.log->polls;
  w.advance(10min);
  CHECK(a.log->requests.size() + b.log->requests.size() == requests);
  CHECK(a.log->polls - polls >= 9);
  CHECK(a.log->polls - polls <= 12);
}

TEST_CASE("a new peer is asked for its height at once and then every 54 to 66 seconds") {
  sync_world w;
  const auto a = w.add("10.0.0.1", {.chain = real_blocks(0)});
  CHECK(a.log->polls == 1);
  w.advance(53s);
  CHECK(a.log->polls == 1);
  w.advance(14s);
  CHECK(a.log->polls == 2);
}

TEST_CASE("a peer that we dialed and that is behind is shown our tip, so that one that asks nobody "
          "learns of it") {
  sync_world w;
  const auto good = w.add("10.0.0.1", {.chain = real_blocks(40)});
  REQUIRE(w.reaches(40, 1s));
  const auto behind = w.add("10.0.0.2", {.chain = real_blocks(10)});
  CHECK(behind.log->announced == std::vector<std::uint64_t>{40});
  w.advance(10min);
  CHECK(behind.log->announced.size() >= 9);  // once for each time that it says so
  CHECK(behind.log->announced.size() <= behind.log->polls);
  behind.script->chain = real_blocks(40);
  w.advance(67s);
  const auto before = behind.log->announced.size();
  w.advance(10min);
  CHECK(behind.log->announced.size() == before);
  CHECK(good.log->announced.empty());
}

TEST_CASE("a peer that dialed us asks by itself: it is shown nothing, and neither is one that says "
          "again and again that it is "
          "behind") {
  sync_world w;
  w.add("10.0.0.1", {.chain = real_blocks(40)});
  REQUIRE(w.reaches(40, 1s));
  const auto inbound = w.add("10.0.0.2", {.chain = real_blocks(10)}, link_direction::inbound);
  CHECK(inbound.log->announced.empty());
  const auto talker = w.add("10.0.0.3", {.chain = real_blocks(10)});
  for (int i = 0; i < 100; ++i) {
    w.self->send(*w.engine, talker.ip, wire::message{wire::block_height_response{10}});
    w.run();
  }
  CHECK(talker.log->announced.size() == 1);
}

TEST_CASE("a poll finds the blocks that a peer got meanwhile") {
  sync_world w;
  const auto a = w.add("10.0.0.1", {.chain = real_blocks(10)});
  REQUIRE(w.reaches(10, 1s));
  a.script->chain = real_blocks(40);
  CHECK(w.reaches(40, 67s));
}

TEST_CASE("a node that restarts goes on from its tip") {
  sync_world w;
  const auto a = w.make("10.0.0.1", {.chain = real_blocks(700)});
  w.up(a);
  REQUIRE(w.reaches(700, 1s));
  a.script->chain = real_chain();
  w.start();
  a.log->requests.clear();
  w.up(a);
  CHECK(w.reaches(2000, 1s));
  CHECK(std::all_of(a.log->requests.begin(), a.log->requests.end(),
                    [](const auto& x) { return x.first > 700; }));
}

TEST_CASE("the ranges of a peer that goes away are asked of another at once") {
  sync_world w;
  const auto a = w.add("10.0.0.1", {.chain = real_chain(), .answers_blocks = false});
  CHECK(a.log->requests.size() == 4);
  const auto b = w.add("10.0.0.2", {.chain = real_chain(), .delay = 10ms});
  w.advance(15ms);
  REQUIRE(b.log->requests.size() == 4);  // what the first one has not been asked for
  CHECK(b.log->requests.front().first == 401);
  w.down(a);
  CHECK(w.reaches(2000, 1s));
}

TEST_CASE("a peer that talks over another connection is asked again over it") {
  sync_world w;
  auto a =
      w.add("10.0.0.1", {.chain = real_chain(), .answers_blocks = false}, link_direction::inbound);
  CHECK(w.height() == 0);
  a.script->answers_blocks = true;
  a.direction = link_direction::outbound;
  w.up(a);
  CHECK(w.reaches(2000, 1s));
}

TEST_CASE("memory for blocks that wait is bounded, and the node still gets to the end") {
  constexpr std::size_t limit = 1 << 20;
  sync_world w{limit};
  const auto blocks = branch_of(real_blocks(0), 0, 1500, "payee", 2000);
  std::size_t most = 0;
  const auto watch = [&] {
    most = std::max<std::size_t>(most, w.look().buffered_bytes);
    return w.height() >= 1500;
  };
  // The first does not answer for what it is asked first, so that what the others send must wait:
  // more than was to be expected, since blocks are larger than usual.
  const auto a = w.add("10.0.0.1", {.chain = blocks, .answers_blocks = false, .delay = 20ms});
  const auto b = w.add("10.0.0.2", {.chain = blocks, .delay = 20ms});
  const auto c = w.add("10.0.0.3", {.chain = blocks, .delay = 20ms});
  CHECK(w.advance_until(watch, 120s));
  CHECK(most > limit / 2);
  CHECK(most <= limit);
}

TEST_CASE("the snapshot tells the rate and the time that is left") {
  sync_world w;
  const auto a = w.add("10.0.0.1", {.chain = real_chain(), .delay = 1s});
  w.advance(5500ms);
  const auto x = w.look();
  CHECK(x.state == "syncing");
  CHECK(x.target == 2000);
  CHECK(x.peers == 1);
  CHECK(x.outstanding == 4);
  CHECK(x.blocks_per_second > 100);
  CHECK(x.blocks_per_second < 1000);
  CHECK(x.eta_seconds > 0);
  CHECK(x.eta_seconds < 20);
}

TEST_CASE("without peers the node waits for peers") {
  sync_world w;
  CHECK(w.look().state == "waiting-for-peers");
  CHECK(w.look().target == 0);
  w.advance(5min);
  CHECK(w.look().outstanding == 0);
}

// -- announced blocks -------------------------------------------------------------------

TEST_CASE("an announced block on our tip is applied and sent on") {
  sync_world w;
  const auto a = w.add("10.0.0.1", {.chain = real_blocks(20)});
  REQUIRE(w.reaches(20, 1s));
  const auto result = w.judge(a, real_chain()[21]);
  CHECK(result.verdict == flood_verdict::forward);
  CHECK(w.height() == 21);
  CHECK(w.look().claims.at(a.ip) == 21);
}

TEST_CASE("an announced block that we have is not sent on") {
  sync_world w;
  const auto a = w.add("10.0.0.1", {.chain = real_blocks(20)});
  REQUIRE(w.reaches(20, 1s));
  CHECK(w.judge(a, real_chain()[20]).verdict == flood_verdict::ignore);
  CHECK(w.judge(a, real_chain()[7]).verdict == flood_verdict::ignore);
  CHECK(w.look().target == 20);
}

TEST_CASE("an announced block far above our tip starts a download from who announced it") {
  sync_world w;
  const auto a = w.add("10.0.0.1", {.chain = real_blocks(300), .answers_heights = false});
  w.advance(1s);
  CHECK(w.height() == 0);
  CHECK(w.judge(a, real_chain()[300]).verdict == flood_verdict::ignore);
  CHECK(w.reaches(300, 1s));
}

TEST_CASE("an announced block that is invalid gets a verdict with the reason") {
  sync_world w;
  const auto a = w.add("10.0.0.1", {.chain = real_blocks(20)});
  REQUIRE(w.reaches(20, 1s));
  auto result = w.judge(a, tampered(*real_chain()[21]));
  CHECK(result.verdict == flood_verdict::invalid);
  CHECK(!result.reason.empty());
  result = w.judge(a, overspending(*real_chain()[20]));
  CHECK(result.verdict == flood_verdict::invalid);
  CHECK(!result.reason.empty());
  CHECK(w.height() == 20);
  CHECK(w.violations->empty());  // who asked for the verdict reports it
  CHECK(w.judge(a, real_chain()[21]).verdict == flood_verdict::forward);
}

TEST_CASE("an announced block of another branch is neither sent on nor a fault") {
  sync_world w;
  const auto a = w.add("10.0.0.1", {.chain = real_blocks(20)});
  REQUIRE(w.reaches(20, 1s));
  const auto other = branch_of(real_chain(), 18, 3);
  CHECK(w.judge(a, other[19]).verdict == flood_verdict::ignore);
  CHECK(w.judge(a, other[20]).verdict == flood_verdict::ignore);
  CHECK(w.judge(a, other[21]).verdict == flood_verdict::ignore);
  CHECK(w.height() == 20);
  CHECK(w.violations->empty());
}

TEST_CASE("an announced block from the future is not judged") {
  sync_world w;
  const auto a = w.add("10.0.0.1", {.chain = real_blocks(20)});
  REQUIRE(w.reaches(20, 1s));
  auto early = *next_block(*real_chain()[20]);
  early.header.timestamp = w.unix_now() + 700;
  CHECK(w.judge(a, seal(early)).verdict == flood_verdict::ignore);
  CHECK(w.height() == 20);
}

TEST_CASE("a node that has caught up by asking tells its peers of its new tip, once") {
  sync_world w;
  const auto a = w.add("10.0.0.1", {.chain = real_chain(), .delay = 10ms});
  REQUIRE(w.reaches(2000, 1s));
  w.advance(5min);
  REQUIRE(w.flooded->size() == 1);
  const auto* x = std::get_if<wire::block_announcement>(&w.flooded->front());
  REQUIRE(x != nullptr);
  CHECK(x->block == real_chain()[2000]);
  // What came by flooding is sent on by the verdict.
  CHECK(w.judge(a, next_block(*real_chain()[2000])).verdict == flood_verdict::forward);
  CHECK(w.flooded->size() == 1);
}
