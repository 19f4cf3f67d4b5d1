// The sync engine when our own side fails: full disks, keepers and checkers that do not answer, and
// tips that move without its doing.

#include "tests/actors/scripted_peer.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace test;

namespace {

/// A chain keeper that can be told to keep its answers to itself.
struct stubborn_keeper {
  bool silent = false;
  int asked = 0;
  std::vector<caf::typed_response_promise<apply_reply>> kept;
};

chain_keeper_actor spawn_stubborn(caf::actor_system& system, chain_keeper_actor real,
                                  std::shared_ptr<stubborn_keeper> how) {
  return system.spawn([real,
                       how](chain_keeper_actor::pointer self) -> chain_keeper_actor::behavior_type {
    return {
        [=](atom::apply, const checked_batch& x) -> caf::result<apply_reply> {
          ++how->asked;
          if (how->silent) {
            how->kept.push_back(self->make_response_promise<apply_reply>());
            return how->kept.back();
          }
          // Answers that come after all belong to a state that has passed.
          for (auto& late : std::exchange(how->kept, {}))
            late.deliver(apply_reply{});
          return self->delegate(real, atom::apply_v, x);
        },
        [=](atom::commit, const checked_batch& x, const wire::message& y) {
          return self->delegate(real, atom::commit_v, x, y);
        },
        [=](atom::roll_back, std::uint64_t x) {
          return self->delegate(real, atom::roll_back_v, x);
        },
        [=](atom::apply, const chain_branch& x) { return self->delegate(real, atom::apply_v, x); },
        [=](atom::tip) { return self->delegate(real, atom::tip_v); },
        [=](atom::subscribe, const tip_listener_actor& x) {
          return self->delegate(real, atom::subscribe_v, x);
        },
        [=](atom::snapshot) { return self->delegate(real, atom::snapshot_v); },
    };
  });
}

}  // namespace

TEST_CASE("a full disk stops a node without blame, and it goes on when there is room") {
  sync_world w;
  w.store->full = true;
  const auto a = w.add("10.0.0.1", {.chain = real_chain(), .delay = 10ms});
  w.advance(3min);
  CHECK(w.height() == 0);
  CHECK(w.violations->empty());
  CHECK(w.look().state == "storage-failed");
  CHECK(!w.ask<keeper_snapshot>(w.keeper, atom::snapshot_v).storage_error.empty());
  // Nothing is downloaded that cannot be stored, beyond what was under way.
  CHECK(a.log->requests.size() < 40);
  w.store->full = false;
  CHECK(w.reaches(2000, 70s));
  CHECK(w.ask<keeper_snapshot>(w.keeper, atom::snapshot_v).storage_error.empty());
}

TEST_CASE("a keeper that does not answer is asked for the tip, and the node goes on from there") {
  sync_world w;
  const auto how = std::make_shared<stubborn_keeper>();
  w.keeper = spawn_stubborn(w.system, w.keeper, how);
  w.start();
  how->silent = true;
  w.add("10.0.0.1", {.chain = real_chain(), .delay = 10ms});
  w.advance(1s);
  CHECK(how->asked == 1);
  how->silent = false;
  CHECK(w.reaches(2000, 25s));
  CHECK(w.violations->empty());
  CHECK(how->kept.empty());
  CHECK(w.look().height == 2000);
}

TEST_CASE("a chain that somebody else extends is followed") {
  sync_world w;
  const auto a = w.add("10.0.0.1", {.chain = real_blocks(20)});
  REQUIRE(w.reaches(20, 1s));
  w.store_blocks({real_chain()[21], real_chain()[22]});
  CHECK(w.look().height == 22);
  a.script->chain = real_blocks(50);
  CHECK(w.reaches(50, 67s));
  CHECK(w.violations->empty());
}

TEST_CASE("a chain that is rolled back while blocks come is followed") {
  sync_world w;
  w.add("10.0.0.1", {.chain = real_chain(), .delay = 200ms});
  REQUIRE(w.reaches(300, 5s));
  const auto reply = w.ask<apply_reply>(w.keeper, atom::roll_back_v, std::uint64_t{150});
  CHECK(reply.rejected.empty());
  CHECK(w.reaches(2000, 30s));
  CHECK(w.violations->empty());
}

TEST_CASE("a checker that dies costs a second, not the node") {
  sync_world w;
  std::vector<block_checker_actor> checkers{w.system.spawn<block_checker>(),
                                            w.system.spawn<block_checker>()};
  *w.engine = w.system.spawn<sync_engine>(w.context, w.keeper, checkers, w.store, w.registry);
  w.run();
  w.add("10.0.0.1", {.chain = real_chain(), .delay = 100ms});
  REQUIRE(w.reaches(300, 5s));
  caf::anon_send_exit(checkers.front(), caf::exit_reason::kill);
  CHECK(w.reaches(2000, 60s));
}

TEST_CASE("an announced block whose storing fails is ignored, and not forgotten") {
  sync_world w;
  const auto a = w.add("10.0.0.1", {.chain = real_blocks(20)});
  REQUIRE(w.reaches(20, 1s));
  w.store->full = true;
  w.self->send(*w.engine, atom::judge_v, a.ip,
               wire::message{wire::block_announcement{real_chain()[21]}});
  w.advance(10s);
  CHECK(w.height() == 20);
  w.store->full = false;
  CHECK(w.reaches(21, 70s));
}
