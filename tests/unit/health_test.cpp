#include "app/health.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

using namespace timenode;

namespace {

constexpr std::int64_t now = 1'766'000'000;

/// A node at height 100, as its peers are, whose tip came five minutes ago.
struct healthy {
  healthy() {
    x.established = 3;
    x.sync.height = x.sync.target = 100;
    x.invariant_violations = {{"one-link", 0}};
  }
  node_health judge() const { return judge_health(x, tip, facts, now); }

  node_pulse x;
  chain_tip tip{100, {}, now - 300, 1};
  health_facts facts;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("health: a node at its peers' height is ready, with nothing to say") {
  const auto x = healthy{}.judge();
  CHECK(x.ready);
  CHECK(x.sync == sync_health::in_sync);
  CHECK(x.problems.empty());
  CHECK(x.warnings.empty());
  CHECK(x.height == 100);
}

TEST_CASE("health: a node that does not listen, whose store fails or whose actors are silent is "
          "not ready") {
  healthy h;
  h.facts.listening = false;
  h.x.silent = {"gossip"};
  h.x.keeper.storage_error = "disk full";
  const auto x = h.judge();
  CHECK_FALSE(x.ready);
  REQUIRE(x.problems.size() == 3);
  CHECK(contains(x.problems[0], "listen"));
  CHECK(contains(x.problems[1], "gossip"));
  CHECK(contains(x.problems[2], "disk full"));
}

TEST_CASE("health: a node below its peers is ready while blocks come") {
  healthy h;
  h.x.sync.target = 500;
  CHECK(h.judge().ready);
  CHECK(h.judge().sync == sync_health::syncing);
  CHECK(h.judge().target == 500);
  h.facts.no_progress_since = now - 60;
  CHECK(h.judge().ready);
  h.facts.no_progress_since = now - 61;
  const auto x = h.judge();
  CHECK_FALSE(x.ready);
  CHECK(x.sync == sync_health::stuck);
  CHECK(contains(x.problems.at(0), "400 more"));
}

TEST_CASE("health: a node alone is ready only while its tip is fresh") {
  healthy h;
  h.x.established = 0;
  CHECK(h.judge().ready);
  CHECK(h.judge().sync == sync_health::no_peers);
  CHECK(h.judge().warnings.size() == 1);
  h.tip.timestamp = now - 1801;
  const auto x = h.judge();
  CHECK_FALSE(x.ready);
  CHECK(contains(x.problems.at(0), "no peer"));
  CHECK(
      contains(x.problems.at(0), "no address of a peer is known: name one under bootstrap_peers"));
  h.x.known_addresses = 1;
  CHECK_FALSE(contains(h.judge().problems.at(0), "no address"));
}

TEST_CASE("health: an old tip that no peer has anything newer than is a warning") {
  healthy h;
  h.tip.timestamp = now - 86'400;
  const auto x = h.judge();
  CHECK(x.ready);
  CHECK(contains(x.warnings.at(0), "1 d"));
}

TEST_CASE("health: a tip from the future is not old") {
  healthy h;
  h.tip.timestamp = now + 500;
  CHECK(h.judge().warnings.empty());
}

TEST_CASE("health: a violated invariant is a warning") {
  healthy h;
  h.x.invariant_violations["one-link"] = 2;
  const auto x = h.judge();
  CHECK(x.ready);
  CHECK(contains(x.warnings.at(0), "one-link was violated 2 times"));
}

TEST_CASE("health: no snapshot is a problem") {
  const auto x = no_health({"telemetry is silent"}, {7, {}, 0, 0});
  CHECK_FALSE(x.ready);
  CHECK(x.problems.at(0) == "telemetry is silent");
  CHECK(health_json(x)["height"] == 7);
  CHECK(health_json(x)["ready"] == false);
}

TEST_CASE(
    "health: the memory of progress begins when the node falls behind, and with each block anew") {
  progress_memory x;
  x.see(10, 10, 100);
  CHECK_FALSE(x.no_progress_since());
  x.see(10, 20, 200);
  CHECK(x.no_progress_since() == 200);
  x.see(10, 25, 300);
  CHECK(x.no_progress_since() == 200);
  x.see(11, 25, 400);
  CHECK(x.no_progress_since() == 400);
  x.see(9, 25, 500);  // A reorganisation is no standstill.
  CHECK(x.no_progress_since() == 500);
  x.see(25, 25, 600);
  CHECK_FALSE(x.no_progress_since());
}
