// What operators of masternodes complained about most (design pages, lessons, section 4), as far as it concerns the
// network: a scenario each, by its number there. The first seven: connections, bans, sync.

#include "tests/sim/complaints.hpp"

using namespace sim;

TEST_CASE(
    "complaint 1: slow, absent, behind or wrong about the time, an honest node is never banned") {
  const auto x = must_hold(
      {.nodes = 12,
       .hours = 1,
       .seed = 101,
       .faults = faults({fault::latency, fault::crash, fault::disk_loss, fault::clock, fault::pause,
                         fault::slow_reader, fault::slow_disk, fault::resets, fault::liar}),
       .reference_share = 0.25});
  CHECK(x.honest_bans == 0);
  CHECK_FALSE(x.bans.empty());  // those who sent wrong bytes are
}

TEST_CASE("complaint 2: our own address, told by others, is no peer, no offender and not banned") {
  world w{{.seed = 102, .nodes = 5, .nameless = 0.6}};
  liar_peer liar{w.network(), *ip_address::parse("172.16.0.1"), 7, liar_peer::lie::peers,
                 everybody(w)};
  w.start();
  liar.start();
  w.run_for(3 * hour);
  for (std::uint32_t i = 0; i < w.nodes(); ++i) {
    const auto x = look(w, i).registry;
    CHECK(std::ranges::none_of(x.links, [&](const auto& link) { return link.ip == w.ip(i); }));
    CHECK(x.bans.empty());
  }
  check_mesh(w, 10);
  check_held(w);
}

TEST_CASE("complaint 3: whoever cannot be dialed, the lowest or the highest, has a connection to "
          "everybody") {
  for (const std::vector<std::uint32_t>& hidden : {std::vector{0u}, {7u}, {0u, 7u}, {3u}}) {
    world w{{.seed = 103, .nodes = 8, .undialable_hosts = hidden}};
    w.start();
    w.run_for(70 * second);
    const auto reachable = hidden.size() == 2 ? 27u : 28u;  // two that cannot be dialed never meet
    check_mesh(w, reachable);
    const auto made = w.eyes().connections();
    w.run_for(3 * hour);
    CHECK(w.eyes().connections() == made);
    check_mesh(w, reachable);
    check_held(w);
  }
}

TEST_CASE("complaint 3: nodes that are wrong about their own address settle on one connection all "
          "the same") {
  const auto high = *ip_address::parse("250.0.0.1");
  const auto low = *ip_address::parse("1.0.0.1");
  SUBCASE("all hold themselves for the higher one") {
    world w{{.seed = 104, .nodes = 6, .adjust = [&](node_setup& x) { x.believes_its_ip = high; }}};
    w.start();
    w.run_for(2 * minute);
    check_mesh(w, 15);
    const auto made = w.eyes().connections();
    w.run_for(3 * hour);
    CHECK(w.eyes().connections() == made);
    check_held(w);
  }
  SUBCASE("all hold themselves for the lower one") {
    world w{{.seed = 105, .nodes = 6, .adjust = [&](node_setup& x) { x.believes_its_ip = low; }}};
    w.start();
    w.run_for(2 * minute);
    check_mesh(w, 15);
    const auto made = w.eyes().connections();
    w.run_for(3 * hour);
    CHECK(w.eyes().connections() == made);
    check_held(w);
  }
  SUBCASE("half of them the one, half the other") {
    world w{{.seed = 106, .nodes = 6, .adjust = [&](node_setup& x) {
               x.believes_its_ip = x.number % 2 == 0 ? high : low;
             }}};
    w.start();
    w.run_for(2 * minute);
    check_mesh(w, 15);
    check_held(w);
  }
}

TEST_CASE("complaint 4: when everybody dials everybody at once, each pair ends with one connection "
          "and keeps it") {
  for (std::uint64_t seed = 110; seed < 116; ++seed) {
    world w{{.seed = seed, .nodes = 12, .nameless = seed % 2 == 0 ? 1.0 : 0.5}};
    w.network().set_latency(400 * millisecond, 300 * millisecond);
    for (std::uint32_t i = 0; i < w.nodes(); ++i)
      w.start_host(i);
    w.run_for(minute);
    check_mesh(w, 66);
    // A pair that ties makes two connections, and seldom a third one.
    const auto made = w.eyes().connections();
    CHECK(made <= 3 * 66);
    w.run_for(2 * hour);
    CHECK(w.eyes().connections() == made);
    check_mesh(w, 66);
    check_held(w);
  }
}

TEST_CASE("complaint 5: after power cuts and forgotten connections all still say the same of what "
          "is there") {
  const auto x = must_hold({.nodes = 12,
                            .hours = 3,
                            .seed = 120,
                            .faults = faults({fault::crash, fault::half_open, fault::loss})});
  CHECK(x.ends.at("peer dead") > 0);  // what was forgotten was noticed
}

TEST_CASE("complaint 5: who hears a peer that does not hear him is not held by that connection "
          "when it can be made anew") {
  for (std::uint64_t seed = 121; seed < 127; ++seed) {
    // Only the first one can dial, so only what it notices helps.
    world w{{.seed = seed, .nodes = 2, .undialable_hosts = {0}}};
    w.start();
    w.run_for(70 * second);
    check_mesh(w, 1);
    block_way(w, 0, 1, true);
    w.run_for(80 * second);
    w.crash(1, crash_kind::power);
    w.run_for(17 * second);
    block_way(w, 0, 1, false);
    w.start_host(1);
    w.run_for(35 * second);
    check_mesh(w, 1);
    check_held(w);
  }
}

TEST_CASE("complaint 6: a host that is down is neither hammered nor given up") {
  world w{{.seed = 130, .nodes = 6}};
  for (std::uint32_t i = 1; i < w.nodes(); ++i)
    w.start_host(i);
  w.run_for(10 * minute);
  const auto before = w.network().dials_to(w.ip(0));
  w.run_for(12 * hour);
  const auto an_hour = static_cast<double>(w.network().dials_to(w.ip(0)) - before) / 12 / 5;
  CHECK(an_hour < 200);  // one in 20 s, by each of the five
  CHECK(an_hour > 12);
  w.start_host(0);
  w.run_for(minute);
  check_mesh(w, 15);
  check_held(w);
}

TEST_CASE("complaint 7: a node with an empty disk syncs, whatever its peers do not answer") {
  world w{{.seed = 140, .nodes = 6, .references = 2, .history = 1500}};
  std::vector<std::unique_ptr<silent_peer>> silent;
  for (int i = 1; i <= 4; ++i)
    silent.push_back(std::make_unique<silent_peer>(
        w.network(), *ip_address::parse("172.16.0." + std::to_string(i)), i,
        silent_peer::manner::claims, everybody(w)));
  for (auto& x : silent)
    x->start();
  w.start();
  w.run_for(5 * minute);
  w.crash(2, crash_kind::process);
  w.run_for(10 * second);
  w.lose_disk(2);
  w.start_host(2);
  // Those whom it asked first go, or stand still, in the middle of it.
  w.run_for(1500 * millisecond);
  w.system().pause(4, true);
  w.eyes().pairs().host_disturbed(4, true, w.now());
  w.crash(5, crash_kind::power);
  for (std::uint32_t i = 0; i < 2; ++i)
    block_both(w, 2, i, true);
  w.run_for(100 * second);
  CHECK(w.height(2) + 1 == w.chain().size());
  w.system().pause(4, false);
  w.eyes().pairs().host_disturbed(4, false, w.now());
  w.start_host(5);
  for (std::uint32_t i = 0; i < 2; ++i)
    block_both(w, 2, i, false);
  w.run_for(10 * minute);
  CHECK(w.converged());
  check_held(w);
}
