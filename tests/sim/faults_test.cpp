// Each fault by itself.

#include "tests/sim/scenario.hpp"

using namespace sim;

TEST_CASE("eight nodes hold all invariants for an hour under each fault by itself") {
  std::vector<fault> all = fault_set::all().list();
  for (const auto what : all) {
    CAPTURE(to_text(what));
    const auto x = must_hold({.nodes = 8, .seed = 3, .faults = fault_set{}.add(what)});
    if (what != fault::nat)  // a matter of shape: it does not strike
      CHECK(x.strikes.at(std::string{to_text(what)}) >= 5);
  }
}

TEST_CASE("a question that a slow disk left unanswered is not owed when the disk is well again") {
  world w{{.seed = 1, .nodes = 4}};
  w.start();
  w.run_for(5 * minute);
  // Longer than an answer may take (peer_connection.hpp).
  w.ailing[0] = true;
  w.set_disk_delay(0, 20 * second);
  w.run_for(10 * minute);
  w.set_disk_delay(0, 0);
  w.run_for(minute);
  w.ailing[0] = false;
  // What is owed is judged only after some time without a question.
  for (auto i = 0; i < 240; ++i) {
    w.run_for(second);
    w.eyes().finish();
  }
  const auto heights = w.eyes().exchanges().at("GetBlockHeight");
  CHECK(heights.answered[0] + heights.answered[1] + 10 < heights.asked[0] + heights.asked[1]);
  check_held(w);
}
