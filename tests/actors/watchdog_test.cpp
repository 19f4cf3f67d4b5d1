#include "actors/watchdog.hpp"
#include "tests/actors/test_node.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <doctest/doctest.h>

#include <future>
#include <utility>
#include <vector>

using namespace timenode;
using namespace test;

namespace {

struct watchdog_fixture : test_node {
  void watch(std::vector<watched_actor> actors) {
    dog = system.spawn<watchdog>(context, std::move(actors), [this] { ++alive; });
    run();
  }
  ~watchdog_fixture() {
    caf::anon_send_exit(dog, caf::exit_reason::kill);
    run();
  }
  caf::actor spawn_idle() {
    return system.spawn(
        [](caf::event_based_actor*) -> caf::behavior { return {[](caf::ok_atom) {}}; });
  }

  sleeper_actor dog;
  int alive = 0;
};

}  // namespace

TEST_CASE_FIXTURE(watchdog_fixture,
                  "watchdog: it is told every quarter of a minute that all actors answer") {
  watch({{"one", spawn_idle()}, {"two", spawn_idle()}});
  CHECK(alive == 1);
  advance(15s);
  CHECK(alive == 2);
  advance(60s);
  CHECK(alive == 6);
}

TEST_CASE_FIXTURE(watchdog_fixture,
                  "watchdog: an actor that ended does not count as one that answers") {
  auto gone = spawn_idle();
  watch({{"one", spawn_idle()}, {"gone", gone}});
  CHECK(alive == 1);
  caf::anon_send_exit(gone, caf::exit_reason::kill);
  advance(60s);
  CHECK(alive == 1);
}

TEST_CASE_FIXTURE(
    watchdog_fixture,
    "watchdog: an actor that does not come to its mailbox stops it, until it does again") {
  // Under the test scheduler every actor comes to its mailbox; this one is no actor of that scheduler.
  std::promise<void> let_go;
  auto stuck = system.spawn<caf::detached>(
      [future = let_go.get_future().share()](caf::event_based_actor*) -> caf::behavior {
        return {[future](caf::ok_atom) { future.wait(); }};
      });
  caf::anon_send(stuck, caf::ok_atom_v);
  watch({{"one", spawn_idle()}, {"stuck", stuck}});
  CHECK(alive == 0);
  advance(15s);  // its patience, and then the interval
  CHECK(alive == 0);
  advance(60s);
  CHECK(alive == 0);
  let_go.set_value();
  caf::anon_send_exit(stuck, caf::exit_reason::user_shutdown);
}
