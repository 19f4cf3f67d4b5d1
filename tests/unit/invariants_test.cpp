#include "actors/invariants.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

using namespace timenode;

constexpr monotonic_ns seconds = 1'000'000'000;

ip_address ip(const char* text) {
  return ip_address::parse(text).value();
}

link_snapshot link(link_id id, const char* address,
                   link_direction direction = link_direction::inbound,
                   link_phase phase = link_phase::established) {
  return {id, ip(address), direction, phase};
}

/// Two established connections on which everyone agrees.
truth_sample agreement() {
  truth_sample result;
  result.registry = {link(1, "192.0.2.1"), link(2, "192.0.2.2", link_direction::outbound)};
  result.connections = result.registry;
  result.sockets = 2;
  result.gauges = count_links(result.registry);
  return result;
}

/// A node at `height` that one peer claims to have `claim` blocks.
sync_progress syncing(std::uint64_t height, std::uint64_t claim, std::uint64_t buffered = 0) {
  sync_progress result;
  result.state = "syncing";
  result.height = height;
  result.target = std::max(height, claim);
  result.buffered_blocks = buffered;
  result.ahead = claim > height;
  return result;
}

bool mentions(const findings& x, std::string_view what) {
  for (const auto& sentence : x)
    if (sentence.find(what) != std::string::npos)
      return true;
  return false;
}

}  // namespace

TEST_CASE("invariants have the names of the architecture page") {
  CHECK(to_text(invariant::one_link) == "one-link");
  CHECK(to_text(invariant::no_stuck) == "no-stuck");
  CHECK(to_text(invariant::bounded) == "bounded");
}

// -- one-truth --------------------------------------------------------------------

TEST_CASE("one-truth: nothing differs when all observers agree") {
  CHECK(differences(agreement()).empty());
  CHECK(differences(truth_sample{}).empty());
}

TEST_CASE("one-truth: observers that were not asked are not judged") {
  auto x = agreement();
  x.sockets.reset();
  x.gauges.reset();
  CHECK(differences(x).empty());
}

TEST_CASE("one-truth: a registry entry without a connection is named by link and IP") {
  auto x = agreement();
  x.connections.pop_back();
  const auto found = differences(x);
  REQUIRE(found.size() == 1);
  CHECK(mentions(found, "link 2 (192.0.2.2, outbound)"));
  CHECK(mentions(found, "no connection answers"));
}

TEST_CASE("one-truth: a connection that the registry does not have is found") {
  auto x = agreement();
  x.registry.pop_back();
  x.gauges = count_links(x.registry);
  const auto found = differences(x);
  // The connection, and the socket that it holds.
  CHECK(found.size() == 2);
  CHECK(mentions(found,
                 "link 2 (192.0.2.2, outbound): a connection that the registry does not have"));
  CHECK(mentions(found, "sockets: 1 more than links"));
}

TEST_CASE("one-truth: the registry need not know that a dial's socket came up") {
  auto x = agreement();
  x.registry[1].phase = link_phase::connecting;
  x.connections[1].phase = link_phase::handshaking;
  x.gauges = count_links(x.connections);
  CHECK(differences(x).empty());
}

TEST_CASE("one-truth: a registry that takes a closing connection for established is found") {
  auto x = agreement();
  x.connections[0].phase = link_phase::closing;
  const auto found = differences(x);
  REQUIRE(found.size() == 1);
  CHECK(mentions(found, "the registry says established, the connection closing"));
}

TEST_CASE("one-truth: a connection with another IP or direction than the registry has is found") {
  auto x = agreement();
  x.connections[0].ip = ip("192.0.2.77");
  x.connections[1].direction = link_direction::inbound;
  const auto found = differences(x);
  CHECK(found.size() == 2);
  CHECK(mentions(found, "is one with 192.0.2.77"));
  CHECK(mentions(found, "the connection says inbound"));
}

TEST_CASE("one-truth: a dial has no socket before it is connected") {
  auto x = agreement();
  x.registry[1].phase = x.connections[1].phase = link_phase::connecting;
  x.gauges = count_links(x.registry);
  x.sockets = 1;
  CHECK(differences(x).empty());
}

TEST_CASE("one-truth: a leaked socket and a missing one are found") {
  auto x = agreement();
  x.sockets = 5;
  CHECK(differences(x) == findings{"sockets: 3 more than links of the registry"});
  x.sockets = 1;
  CHECK(differences(x) == findings{"sockets: 1 fewer than connections that are up"});
}

TEST_CASE("one-truth: metrics that drifted are named by direction and stage") {
  auto x = agreement();
  (*x.gauges)[1][1] += 2;
  CHECK(differences(x) == findings{"metrics: 2 more outbound established than in the registry"});
  (*x.gauges)[1][1] -= 3;
  CHECK(differences(x) == findings{"metrics: 1 fewer outbound established than in the registry"});
}

TEST_CASE("one-truth: only what differs in the same way twice persists") {
  CHECK(persisting({"a", "b", "c"}, {"b", "c", "d"}) == findings{"b", "c"});
  CHECK(persisting({"a"}, {"b"}).empty());
  CHECK(persisting({}, {"b"}).empty());
}

// -- one-link ---------------------------------------------------------------------

TEST_CASE("one-link: two established connections of one IP may live for ten seconds") {
  duplicate_watch watch;
  const std::vector twice{link(1, "192.0.2.1"), link(2, "192.0.2.1", link_direction::outbound)};
  CHECK(watch.observe(twice, 0).empty());
  CHECK(watch.observe(twice, 10 * seconds).empty());
  const auto found = watch.observe(twice, 11 * seconds);
  REQUIRE(found.size() == 1);
  CHECK(found[0] == "192.0.2.1: 2 established connections, links 1 2");
  // Found again only after the same time again.
  CHECK(watch.observe(twice, 20 * seconds).empty());
  CHECK(watch.observe(twice, 22 * seconds).size() == 1);
}

TEST_CASE("one-link: a duplicate that went and came again starts anew") {
  duplicate_watch watch;
  const std::vector twice{link(1, "192.0.2.1"), link(2, "192.0.2.1")};
  CHECK(watch.observe(twice, 0).empty());
  CHECK(watch.observe({link(1, "192.0.2.1")}, 8 * seconds).empty());
  CHECK(watch.observe(twice, 12 * seconds).empty());
  CHECK(watch.observe(twice, 20 * seconds).empty());
  CHECK(watch.observe(twice, 23 * seconds).size() == 1);
}

TEST_CASE("one-link: a peer that dials again and again has no two connections that stay") {
  duplicate_watch watch;
  for (link_id id = 1; id < 30; ++id)
    CHECK(
        watch
            .observe({link(id, "192.0.2.1"), link(id + 1, "192.0.2.1"), link(id + 2, "192.0.2.1")},
                     static_cast<monotonic_ns>(id) * 4 * seconds)
            .empty());
}

TEST_CASE("one-link: connections that are not established, or of other IPs, are no duplicates") {
  duplicate_watch watch;
  const std::vector links{link(1, "192.0.2.1"),
                          link(2, "192.0.2.1", link_direction::outbound, link_phase::closing),
                          link(3, "192.0.2.1", link_direction::outbound, link_phase::handshaking),
                          link(4, "192.0.2.4")};
  for (monotonic_ns now = 0; now < 60 * seconds; now += 5 * seconds)
    CHECK(watch.observe(links, now).empty());
}

// -- no-stuck ---------------------------------------------------------------------

TEST_CASE("no-stuck: a node below its target without progress is found after 15 s") {
  progress_watch watch;
  CHECK(watch.observe(syncing(100, 200), 0).empty());
  CHECK(watch.observe(syncing(100, 200), 14 * seconds).empty());
  const auto found = watch.observe(syncing(100, 200), 15 * seconds);
  REQUIRE(found.size() == 1);
  CHECK(mentions(found, "at height 100 of 200 without progress for 15 s, state 'syncing'"));
  CHECK(watch.observe(syncing(100, 200), 29 * seconds).empty());
  CHECK(watch.observe(syncing(100, 200), 30 * seconds).size() == 1);
}

TEST_CASE("no-stuck: a node at its target waits for nothing") {
  progress_watch watch;
  for (monotonic_ns now = 0; now < 600 * seconds; now += 10 * seconds)
    CHECK(watch.observe(syncing(100, 100), now).empty());
  // And the time that it spent there does not count once there is more.
  CHECK(watch.observe(syncing(100, 101), 600 * seconds).empty());
  CHECK(watch.observe(syncing(100, 101), 610 * seconds).empty());
}

TEST_CASE("no-stuck: every stored or waiting block and every rollback is progress") {
  progress_watch watch;
  CHECK(watch.observe(syncing(100, 200), 0).empty());
  CHECK(watch.observe(syncing(101, 200), 14 * seconds).empty());
  CHECK(watch.observe(syncing(101, 200, 50), 28 * seconds).empty());
  CHECK(watch.observe(syncing(90, 200), 42 * seconds).empty());
  // Fewer waiting blocks without a stored one are none.
  CHECK(watch.observe(syncing(90, 200, 20), 50 * seconds).empty());
  CHECK(watch.observe(syncing(90, 200, 10), 60 * seconds).empty());
  CHECK(watch.observe(syncing(90, 200, 20), 65 * seconds).size() == 1);
}

TEST_CASE("no-stuck: without a peer that claims more there is nobody to make progress with") {
  progress_watch watch;
  auto x = syncing(100, 200);
  x.ahead = 0;
  for (monotonic_ns now = 0; now < 60 * seconds; now += 10 * seconds)
    CHECK(watch.observe(x, now).empty());
}

TEST_CASE("no-stuck: peers that have delivered nothing yet may claim what they like while they are "
          "asked") {
  progress_watch watch;
  auto x = syncing(100, 200);
  x.state = "asking";
  x.outstanding = 3;
  for (monotonic_ns now = 0; now < 60 * seconds; now += 10 * seconds)
    CHECK(watch.observe(x, now).empty());
  // But they have to be asked.
  x.outstanding = 0;
  CHECK(watch.observe(x, 60 * seconds).empty());
  CHECK(watch.observe(x, 75 * seconds).size() == 1);
}

// -- no-cycling -------------------------------------------------------------------

TEST_CASE("no-cycling: each connection that ended by a fault of ours is found once") {
  fault_watch watch;
  CHECK(watch.observe(0).empty());
  CHECK(watch.observe(2) == findings{"2 connections ended by a fault of ours"});
  CHECK(watch.observe(2).empty());
  // A registry that began anew counts from 0.
  CHECK(watch.observe(1) == findings{"1 connections ended by a fault of ours"});
}

// -- all of them ------------------------------------------------------------------

TEST_CASE("a difference of one moment is looked at again and forgotten") {
  health_checker checker;
  auto differing = agreement();
  differing.connections.pop_back();
  auto report = checker.check({differing, {}, {}}, 10 * seconds);
  CHECK(report.violations.empty());
  CHECK(report.check_again);
  report = checker.check({agreement(), {}, {}}, 11 * seconds);
  CHECK(report.violations.empty());
  CHECK_FALSE(report.check_again);
}

TEST_CASE("a difference that is still there is a violation of one-truth") {
  health_checker checker;
  auto differing = agreement();
  differing.connections.pop_back();
  checker.check({differing, {}, {}}, 10 * seconds);
  const auto report = checker.check({differing, {}, {}}, 11 * seconds);
  REQUIRE(report.violations.size() == 1);
  CHECK(report.violations[0].first == invariant::one_truth);
  CHECK_FALSE(report.check_again);
}

TEST_CASE("two different moments of difference are no violation") {
  health_checker checker;
  auto differing = agreement();
  differing.connections.pop_back();
  checker.check({differing, {}, {}}, 10 * seconds);
  differing = agreement();
  differing.sockets = 3;
  const auto report = checker.check({differing, {}, {}}, 11 * seconds);
  CHECK(report.violations.empty());
  CHECK_FALSE(report.check_again);
}

TEST_CASE("a registry that does not answer breaks the comparison off") {
  health_checker checker;
  auto differing = agreement();
  differing.connections.pop_back();
  checker.check({differing, {}, {}}, 10 * seconds);
  CHECK_FALSE(checker.check({}, 11 * seconds).check_again);
  const auto report = checker.check({differing, {}, {}}, 21 * seconds);
  CHECK(report.violations.empty());
  CHECK(report.check_again);
}

TEST_CASE("violations carry the invariant that they are of") {
  health_checker checker;
  auto sample = health_sample{agreement(), syncing(1, 2), 0};
  sample.truth->registry.push_back(link(3, "192.0.2.1"));
  sample.truth->connections.push_back(link(3, "192.0.2.1"));
  sample.truth->sockets = 3;
  sample.truth->gauges = count_links(sample.truth->registry);
  CHECK(checker.check(sample, 0).violations.empty());
  sample.faults = 1;
  const auto report = checker.check(sample, 16 * seconds);
  REQUIRE(report.violations.size() == 3);
  CHECK(report.violations[0].first == invariant::one_link);
  CHECK(report.violations[1].first == invariant::no_cycling);
  CHECK(report.violations[2].first == invariant::no_stuck);
}

TEST_CASE("one-link, no-stuck: what was so before the process stood still has not lasted since") {
  health_checker checker;
  const auto look = [] {
    health_sample result;
    auto& truth = result.truth.emplace();
    truth.registry = {{1, ip("192.0.2.1"), link_direction::inbound, link_phase::established},
                      {2, ip("192.0.2.1"), link_direction::outbound, link_phase::established}};
    truth.connections = truth.registry;
    result.sync = syncing(100, 200);
    return result;
  };
  CHECK(checker.check(look(), 10 * seconds).violations.empty());
  checker.forget_times();
  CHECK(checker.check(look(), 300 * seconds).violations.empty());
  // And it is found when it lasts from then on.
  CHECK(checker.check(look(), 340 * seconds).violations.size() == 2);
}
