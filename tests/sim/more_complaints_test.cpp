// What operators of masternodes complained about most (design pages, lessons, section 4), as far as it concerns the
// network: a scenario each, by its number there. The others: answers, masternodes, disks, memory, restarts.

#include "tests/sim/complaints.hpp"

using namespace sim;

TEST_CASE("complaint 8: every question gets its answer on a connection of either direction") {
  world w{{.seed = 150, .nodes = 8, .references = 4, .history = 400}};
  w.start();
  w.run_for(5 * minute);
  for (std::uint32_t i = 0; i < 8; i += 3) {  // so that there is something to sync
    w.crash(i, crash_kind::process);
    w.run_for(second);
    w.lose_disk(i);
    w.start_host(i);
    w.run_for(10 * minute);
  }
  for (const auto* what : {"Ping", "GetPeers", "GetBlockHeight", "GetBlocks", "GetMasternodes",
                           "GetUTXOStateHash", "GetPendingTransactions"}) {
    CAPTURE(what);
    const auto x = w.eyes().exchanges().at(what);
    // The deployed daemon asks the last two, on connections that it dialed.
    const auto ours_ask = std::string_view{what} != "GetUTXOStateHash" &&
                          std::string_view{what} != "GetPendingTransactions";
    CHECK(x.asked[0] > 0);
    CHECK((x.asked[1] > 0 || !ours_ask));
    for (const auto direction : {0u, 1u})
      CHECK(x.asked[direction] - x.answered[direction] <=
            12);  // under way when a process was killed
  }
  check_held(w);
}

TEST_CASE("complaint 9: a masternode that is gone is inactive everywhere, and hearsay does not "
          "bring it back") {
  world w{{.seed = 160, .nodes = 8, .masternodes = 4}};
  liar_peer liar{w.network(), *ip_address::parse("172.16.0.1"), 7, liar_peer::lie::masternodes,
                 everybody(w)};
  liar.start();
  w.start();
  w.run_for(5 * minute);
  for (std::uint32_t i = 0; i < w.nodes(); ++i)
    CHECK(active_masternodes(w, i) == 4);
  w.crash(0, crash_kind::power);  // a masternode
  w.run_for(5 * minute);
  for (int i = 0; i < 10; ++i) {
    w.run_for(6 * minute);
    CHECK(active_masternodes(w, 1 + static_cast<std::uint32_t>(i) % 7) == 3);
  }
  w.start_host(0);
  w.run_for(3 * minute);
  for (std::uint32_t i = 0; i < w.nodes(); ++i)
    CHECK(active_masternodes(w, i) == 4);
  check_held(w);
}

TEST_CASE("complaint 10: a process that stands still or waits for its disk holds up nobody else") {
  must_hold(
      {.nodes = 12, .hours = 1, .seed = 170, .faults = faults({fault::pause, fault::slow_disk})});
}

TEST_CASE("complaint 12: every ban has a reason, the bytes that it is for, and an end") {
  world w{{.seed = 180, .nodes = 4}};
  std::vector<std::unique_ptr<liar_peer>> liars;
  for (const auto about : {liar_peer::lie::blocks, liar_peer::lie::lines})
    liars.push_back(std::make_unique<liar_peer>(
        w.network(), *ip_address::parse("172.16.0." + std::to_string(liars.size() + 1)), 7, about,
        everybody(w)));
  w.start();
  for (auto& x : liars)
    x->start();
  w.run_for(20 * minute);
  std::size_t bans = 0;
  for (std::uint32_t i = 0; i < w.nodes(); ++i)
    for (const auto& x : look(w, i).registry.bans) {
      ++bans;
      CHECK((x.network == timenode::ip_network{liars[0]->ip()} ||
             x.network == timenode::ip_network{liars[1]->ip()}));
      CHECK_FALSE(x.reason.empty());
      CHECK_FALSE(x.evidence.empty());
      CHECK(x.until > node_clock{}.unix_seconds(w.now()));
      CHECK(x.until <= node_clock{}.unix_seconds(w.now()) + 86'400);
    }
  CHECK(bans > 0);
  check_held(w);
}

TEST_CASE("complaint 13: floods and churn leave nothing behind: no actor, no socket, no byte") {
  world w{{.seed = 190, .nodes = 6, .check_interval = std::chrono::minutes{1}}};
  nemesis trouble{w, faults({}), 5};
  w.start();
  w.run_for(10 * minute);
  const auto actors = w.system().alive();
  std::size_t most = 0;
  for (int i = 0; i < 20; ++i) {
    for (const auto what : {fault::flood, fault::silent, fault::resets, fault::crash})
      trouble.strike(what);
    w.run_for(3 * minute);
    most = std::max(most, w.system().alive());
  }
  CHECK(most > actors);  // there was something
  trouble.heal();
  w.run_for(10 * minute);
  check_mesh(w, 15);
  std::size_t dials =
      0;  // Under way to strangers that were there: they stay in the books for some time.
  for (std::uint32_t i = 0; i < w.nodes(); ++i) {
    CHECK(w.network().open_sockets(i) == 5);
    const auto links = look(w, i).registry.links;
    const auto connecting = static_cast<std::size_t>(std::ranges::count(
        links, timenode::link_phase::connecting, &timenode::link_snapshot::phase));
    CHECK(links.size() == 5 + connecting);
    dials += connecting;
  }
  CHECK(w.system().alive() == actors + dials);
  for (int i = 0; i < 100 && w.network().bytes_held() > 0; ++i)
    w.run_for(100 * millisecond);  // what is under way arrives
  CHECK(w.network().bytes_held() == 0);
  check_held(w);
}

TEST_CASE("complaint 14: after a restart of every node, one after the other, all is known again "
          "without a new block") {
  world w{{.seed = 200, .nodes = 6, .masternodes = 3, .makes_blocks = false}};
  w.start();
  w.run_for(5 * minute);
  for (std::uint32_t i = 0; i < w.nodes(); ++i) {
    w.stop(i);
    w.run_for(6 * second);
    w.start_host(i);
    w.run_for(30 * second);
  }
  w.run_for(3 * minute);
  check_mesh(w, 15);
  for (std::uint32_t i = 0; i < w.nodes(); ++i) {
    const auto x = look(w, i);
    CHECK(x.sync.claims.size() == 5);
    for (const auto& [ip, height] : x.sync.claims)
      CHECK(height == 50);
    CHECK(active_masternodes(w, i) == 3);
  }
  check_held(w);
}

TEST_CASE("two halves that were apart and made different blocks agree on one chain") {
  world w{{.seed = 210, .nodes = 9, .masternodes = 5, .makes_blocks = false}};
  w.start();
  w.run_for(2 * minute);
  for (std::uint32_t a = 0; a < 6; ++a)
    for (std::uint32_t b = 6; b < 9; ++b)
      block_both(w, a, b, true);
  for (int i = 0; i < 4; ++i) {
    w.make_block_at(0, "larger half");
    if (i < 2)
      w.make_block_at(7, "smaller half");
    w.run_for(10 * minute);
  }
  CHECK(w.height(1) == 54);
  CHECK(w.height(8) == 52);
  for (std::uint32_t a = 0; a < 6; ++a)
    for (std::uint32_t b = 6; b < 9; ++b)
      block_both(w, a, b, false);
  w.run_for(5 * minute);
  CHECK(w.converged());
  CHECK(w.height(8) == 54);
}
