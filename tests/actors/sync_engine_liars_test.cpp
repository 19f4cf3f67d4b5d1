// The sync engine against peers that lie, are slow, or are silent: with one honest peer among them
// the node always gets to the end, within a bounded time, and punishes nobody but those who sent
// wrong bytes.

#include "tests/actors/scripted_peer.hpp"

#include <doctest/doctest.h>
#include <spdlog/sinks/base_sink.h>

#include <functional>

using namespace timenode;
using namespace test;

namespace {

/// A kind of liar, by name.
struct lie {
  std::string name{};
  std::function<peer_script()> script{};
  bool provable = false;  ///< Its bytes are wrong: a violation, and nothing else is.
};

void drop_every_third(block_list& blocks) {
  std::size_t i = 0;
  std::erase_if(blocks, [&](const auto&) { return i++ % 3 == 1; });
}

/// Valid blocks, each on the one before, but of a network that is not ours.
const block_list& foreign_chain() {
  static const auto result = [] {
    block_list blocks{chain::genesis_block(network_id::mainnet).block};
    while (blocks.size() <= 2000)
      blocks.push_back(next_block(*blocks.back(), "foreign"));
    return blocks;
  }();
  return result;
}

const std::vector<lie>& lies() {
  static const std::vector<lie> result{
      {"never answers", [] { return peer_script{.chain = real_chain(), .answers_blocks = false}; }},
      {"says nothing at all but claims",
       [] {
         return peer_script{
             .chain = real_chain(), .answers_heights = false, .answers_blocks = false};
       }},
      {"answers with nothing",
       [] {
         return peer_script{.chain = real_chain(), .distort = [](block_list& x) { x.clear(); }};
       }},
      {"leaves holes",
       [] { return peer_script{.chain = real_chain(), .distort = drop_every_third}; }},
      {"leaves out the first",
       [] {
         return peer_script{.chain = real_chain(), .distort = [](block_list& x) {
                              if (x.size() > 1)
                                x.erase(x.begin());
                            }};
       }},
      {"sends one block at a time",
       [] {
         return peer_script{.chain = real_chain(), .delay = 1s, .distort = [](block_list& x) {
                              if (x.size() > 1)
                                x.resize(1);
                            }};
       }},
      {"sends invalid blocks",
       [] {
         return peer_script{.chain = real_chain(), .distort = [](block_list& x) {
                              if (!x.empty())
                                x[x.size() / 2] = tampered(*x[x.size() / 2]);
                            }};
       },
       true},
      {"sends other heights than asked for",
       [] {
         return peer_script{.chain = real_chain(), .distort = [](block_list& x) {
                              x = {real_chain()[1], real_chain()[2]};
                            }};
       }},
      {"sends its blocks backwards",
       [] {
         return peer_script{.chain = real_chain(),
                            .distort = [](block_list& x) { std::reverse(x.begin(), x.end()); }};
       }},
      {"is on another branch",
       [] { return peer_script{.chain = branch_of(real_chain(), 40, 2000, "other")}; }},
      {"serves another network's chain", [] { return peer_script{.chain = foreign_chain()}; }},
      {"sends the same block for ever",
       [] {
         return peer_script{.chain = real_chain(),
                            .distort = [](block_list& x) { x = {real_chain()[1]}; }};
       }},
      {"sends all that it was asked for as the same block",
       [] {
         return peer_script{.chain = real_chain(), .distort = [](block_list& x) {
                              if (!x.empty())
                                x.assign(x.size(), x.front());
                            }};
       }},
      {"sends more than was asked for",
       [] {
         return peer_script{.chain = real_chain(), .distort = [](block_list& x) {
                              for (auto h = x.empty() ? 0 : x.back()->header.height + 1;
                                   h > 0 && h < real_chain().size() && x.size() < 500; ++h)
                                x.push_back(real_chain()[h]);
                            }};
       }},
      {"claims too much", [] { return peer_script{.chain = real_blocks(5), .claim = 1ull << 63}; }},
      {"claims the highest number there is",
       [] { return peer_script{.chain = real_blocks(5), .claim = ~std::uint64_t{0}}; }},
      {"answers after 20 seconds", [] { return peer_script{.chain = real_chain(), .delay = 20s}; }},
      {"answers after 14 seconds", [] { return peer_script{.chain = real_chain(), .delay = 14s}; }},
  };
  return result;
}

std::string address(std::size_t i) {
  return "10.0.1." + std::to_string(i + 1);
}

/// Waits for the end of the chain, and for progress every 15 s on the way.
void check_steady_progress(sync_world& w, std::uint64_t end, std::chrono::seconds limit) {
  auto last = w.height();
  auto waited = 0s;
  for (auto t = 0s; w.height() < end; ++t) {
    REQUIRE(t < limit);
    w.advance(1s);
    waited = w.height() > last ? 0s : waited + 1s;
    last = w.height();
    REQUIRE(waited <= 15s);
  }
}

}  // namespace

TEST_CASE("three liars of a kind do not keep a node from what one honest peer has") {
  for (const auto& lie : lies()) {
    CAPTURE(lie.name);
    // A branch of their own that extends our tip cannot be told from the truth before forks are
    // resolved: the liars of another branch come when we have passed the fork.
    sync_world w;
    if (lie.name == "is on another branch")
      w.store_blocks({real_chain().begin() + 1, real_chain().begin() + 60});
    w.start();
    std::vector<sync_world::peer> liars;
    for (std::size_t i = 0; i < 3; ++i) {
      liars.push_back(w.add(address(i), lie.script()));
      if (!liars.back().script->answers_heights)
        w.self->send(*w.engine, liars.back().ip, wire::message{wire::block_height_response{2000}});
    }
    const auto honest = w.add("10.0.0.1", {.chain = real_chain(), .delay = 50ms});
    check_steady_progress(w, 2000, 60s);
    CHECK(w.store->tip().hash == chain::block_hash(real_chain().back()->header));
    CHECK(w.violations->empty() == !lie.provable);
    for (const auto& x : *w.violations) {
      CHECK(x.ip != honest.ip);
      CHECK(!x.reason.empty());
      CHECK(!x.evidence.empty());
      CHECK(x.link != 0);
    }
    for (const auto& x : liars)
      CHECK(x.log->most_open <=
            8);  // 4 by our count; what was given up may still be open on its side
    CHECK(honest.log->most_open <= 4);
  }
}

TEST_CASE("liars of all kinds at once, and a hundred silent ones, do not stop a node") {
  sync_world w;
  w.store_blocks({real_chain().begin() + 1, real_chain().begin() + 60});
  w.start();
  std::size_t i = 0;
  for (const auto& lie : lies())
    w.add(address(i++), lie.script());
  for (std::size_t n = 0; n < 100; ++n)
    w.add("10.0.2." + std::to_string(n + 1), {.chain = real_chain(), .answers_blocks = false});
  const auto honest = w.add("10.0.0.1", {.chain = real_chain(), .delay = 50ms});
  check_steady_progress(w, 2000, 120s);
  CHECK(w.store->tip().hash == chain::block_hash(real_chain().back()->header));
}

TEST_CASE("whoever lies in whatever mixture, one honest peer is enough") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    random_source random{seed};
    sync_world w;
    w.store_blocks({real_chain().begin() + 1, real_chain().begin() + 60});
    w.start();
    const auto liars = 1 + random.below(12);
    for (std::uint64_t i = 0; i < liars; ++i) {
      auto script = lies()[random.below(lies().size())].script();
      if (random.below(2) == 0)
        script.delay += std::chrono::milliseconds{random.below(3000)};
      w.add(address(i), std::move(script),
            random.below(2) == 0 ? link_direction::inbound : link_direction::outbound);
      w.advance(std::chrono::milliseconds{random.below(2000)});
    }
    w.add("10.0.0.1",
          {.chain = real_chain(), .delay = std::chrono::milliseconds{random.below(500)}},
          random.below(2) == 0 ? link_direction::inbound : link_direction::outbound);
    check_steady_progress(w, 2000, 120s);
    CHECK(w.store->tip().hash == chain::block_hash(real_chain().back()->header));
    // When all is done there is nothing left.
    w.advance(30s);
    CHECK(w.look().buffered_blocks == 0);
  }
}

TEST_CASE(
    "an honest peer that comes after many silent ones is found within 15 seconds near the tip") {
  sync_world w;
  // Only some blocks are missing, so there is one range, and each peer looks as good as the next.
  for (std::size_t n = 0; n < 30; ++n)
    w.add("10.0.2." + std::to_string(n + 1), {.chain = real_blocks(60), .answers_blocks = false});
  w.add("10.0.3.1", {.chain = real_blocks(60)});
  CHECK(w.reaches(60, 15s));
}

TEST_CASE("a peer that stops answering on the way is replaced by the other") {
  sync_world w;
  const auto a = w.add("10.0.0.1", {.chain = real_chain(), .delay = 300ms});
  const auto b = w.add("10.0.0.2", {.chain = real_chain(), .delay = 300ms});
  REQUIRE(w.reaches(500, 5s));
  a.script->answers_blocks = false;
  check_steady_progress(w, 2000, 60s);
  CHECK(w.violations->empty());
}

TEST_CASE("a lone peer that stops answering is asked again when it comes back") {
  sync_world w;
  const auto a = w.add("10.0.0.1", {.chain = real_chain(), .delay = 300ms});
  REQUIRE(w.reaches(500, 5s));
  a.script->answers_blocks = false;
  w.advance(5min);
  const auto before = w.height();
  CHECK(before < 2000);
  // Not hot: one request at a time, with longer and longer rests.
  CHECK(a.log->requests.size() < 40);
  a.script->answers_blocks = true;
  CHECK(w.reaches(2000, 150s));
  CHECK(w.violations->empty());
}

TEST_CASE("a lone peer that answers after 20 seconds is used all the same") {
  sync_world w;
  w.add("10.0.0.1", {.chain = real_blocks(200), .delay = 20s});
  CHECK(w.reaches(100, 45s));
  CHECK(w.violations->empty());
}

TEST_CASE("a claim that cannot be kept costs its credit and no more") {
  sync_world w;
  const auto a = w.add("10.0.0.1", {.chain = real_blocks(100), .claim = 2300});
  REQUIRE(w.reaches(100, 1s));
  w.advance(16s);
  const auto x = w.look();
  CHECK(x.target == 100);
  CHECK(x.state == "idle");
  CHECK(x.claims.at(a.ip) == 2300);
  // The same again and again: rests grow to a minute.
  const auto requests = a.log->requests.size();
  w.advance(10min);
  CHECK(a.log->requests.size() - requests <= 11);
  CHECK(w.violations->empty());
  // And it is believed again when it has the blocks.
  a.script->chain = real_chain();
  CHECK(w.reaches(2000, 70s));
}

TEST_CASE("a claim beyond the schedule counts as one of the schedule") {
  sync_world w;
  const auto a = w.add(
      "10.0.0.1", {.chain = real_blocks(0), .claim = ~std::uint64_t{0}, .answers_blocks = false});
  const auto due = static_cast<std::uint64_t>((w.unix_now() - real_chain()[0]->header.timestamp) /
                                              chain::block_time_seconds);
  CHECK(w.look().target == due + sync::schedule_slack);
  w.advance(15s);
  CHECK(w.look().target == 0);
  w.advance(60s);
  CHECK(w.look().target == 0);
}

TEST_CASE("a peer on another branch is asked rarely and not punished") {
  sync_world w;
  w.store_blocks({real_chain().begin() + 1, real_chain().begin() + 101});
  w.start();
  const auto a = w.add("10.0.0.1", {.chain = branch_of(real_chain(), 90, 100)});
  w.advance(10min);
  CHECK(w.height() == 100);
  CHECK(a.log->requests.size() < 60);
  CHECK(w.violations->empty());
  CHECK(w.look().buffered_blocks == 0);
}

TEST_CASE("a block that only the keeper can refuse is a violation of who sent it") {
  sync_world w;
  auto wrong = real_blocks(30);
  wrong.push_back(overspending(*wrong.back()));
  const auto a = w.add("10.0.0.1", {.chain = wrong});
  w.advance(1s);
  CHECK(w.height() == 30);
  REQUIRE(w.violations->size() == 1);
  CHECK(w.violations->front().ip == a.ip);
  w.add("10.0.0.2", {.chain = real_blocks(40)});
  CHECK(w.reaches(40, 3s));
}

TEST_CASE("blocks from the future are no violation and are taken when their time has come") {
  sync_world w;
  auto blocks = real_blocks(30);
  auto early = *next_block(*blocks.back());
  early.header.timestamp = w.unix_now() + 900;
  blocks.push_back(seal(early));
  const auto a = w.add("10.0.0.1", {.chain = blocks});
  w.advance(60s);
  CHECK(w.height() == 30);
  CHECK(w.violations->empty());
  CHECK(a.log->requests.size() < 20);
  CHECK(w.reaches(31, 400s));
}

TEST_CASE("answers of a hundred megabytes do not break the bound on memory, nor stop the others") {
  // Each block is near what a line can hold; 101 of them come for whatever is asked.
  block_list large = real_blocks(0);
  while (large.size() <= 101)
    large.push_back(next_block(*large.back(), "large", 600'000));
  sync_world w;
  std::size_t most = 0;
  // All but the one that links to what we have.
  const auto flood = [&large](block_list& x) { x = {large.begin() + 2, large.end()}; };
  for (std::size_t i = 0; i < 3; ++i)
    w.add(address(i), {.chain = real_chain(), .delay = 20ms, .distort = flood});
  const auto honest = w.add("10.0.0.1", {.chain = real_chain(), .delay = 350ms});
  for (int i = 0; i < 200; ++i) {
    w.advance(100ms);
    most = std::max<std::size_t>(most, w.look().buffered_bytes);
  }
  // What waits is bounded; a run of blocks that is being checked is part of it.
  CHECK(most > 0);
  CHECK(most <= sync::max_waiting_bytes + sync::max_run_bytes);
  CHECK(w.height() >= 101);
}

TEST_CASE("the same announcement a thousand times is one block, and none when it is not ours") {
  sync_world w;
  const auto a = w.add("10.0.0.1", {.chain = real_blocks(20)});
  REQUIRE(w.reaches(20, 1s));
  const auto other = branch_of(real_chain(), 18, 5);
  for (int i = 0; i < 1000; ++i) {
    CHECK(w.judge(a, real_chain()[20]).verdict == flood_verdict::ignore);
    CHECK(w.judge(a, other[21]).verdict == flood_verdict::ignore);
  }
  CHECK(w.height() == 20);
  CHECK(w.look().buffered_blocks == 0);
  CHECK(w.violations->empty());
}

TEST_CASE("liars do not flood the log") {
  // Counts lines; the level is that of a running node.
  struct counting_sink : spdlog::sinks::base_sink<spdlog::details::null_mutex> {
    void sink_it_(const spdlog::details::log_msg& x) override {
      lines.emplace_back(x.payload.data(), x.payload.size());
    }
    void flush_() override {}
    std::vector<std::string> lines;
  };
  const auto sink = std::make_shared<counting_sink>();
  const auto before = spdlog::default_logger();
  sync_world w;
  w.store_blocks({real_chain().begin() + 1, real_chain().begin() + 60});
  w.start();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sink));
  for (std::size_t i = 0; i < 60; ++i) {
    const auto& lie = lies()[i % lies().size()];
    auto x = w.make(address(i), lie.script());
    w.enter_masternode(x.ip);
    w.up(x);
  }
  for (int minute = 0; minute < 10; ++minute) {
    w.advance(1min);
    for (std::size_t i = 0; i < 60; ++i)
      w.self->send(*w.engine, atom::judge_v, *ip_address::parse(address(i)),
                   wire::message{wire::block_announcement{
                       next_block(*real_chain()[40], "lie" + std::to_string(i))}});
  }
  spdlog::set_default_logger(before);
  for (const auto& x : sink->lines)
    CHECK(!x.empty());
  // Ten kinds of lines at most, each of them limited to a dozen a minute.
  CHECK(sink->lines.size() > 0);
  CHECK(sink->lines.size() < 150);
}

TEST_CASE("blocks that nobody asked for are dropped") {
  sync_world w;
  const auto a = w.add("10.0.0.1", {.chain = real_blocks(0)});
  w.self->send(*w.engine, a.ip,
               wire::message{wire::blocks_response{{real_chain()[1], real_chain()[2]}}});
  w.self->send(*w.engine, ip_address::parse("10.9.9.9").value(),
               wire::message{wire::block_height_response{2000}});
  w.run();
  CHECK(w.height() == 0);
  CHECK(w.look().buffered_blocks == 0);
  CHECK(w.look().claims.size() == 1);
}
