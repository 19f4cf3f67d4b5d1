#include "app/actor_census.hpp"
#include "app/flight_recorder.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/init_global_meta_objects.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>

using namespace timenode;
using namespace std::chrono_literals;

namespace {

struct child_state {
  static inline const char* name = "timenode.child";
};
struct parent_state {
  static inline const char* name = "timenode.parent";
  caf::actor child;
};

/// A parent with a child; the child answers numbers, refuses texts, and waits when it is told to.
struct census_fixture {
  census_fixture() {
    caf::core::init_global_meta_objects();
    memory->begin("test 1.0", 1);
    census = std::make_unique<actor_census>(*memory);
    config.profiler = census.get();
    config.set("caf.scheduler.max-threads", 2u);
    config.set("caf.logger.inline-output", true);
    system = std::make_unique<caf::actor_system>(config);
    parent = system->spawn([this](caf::stateful_actor<parent_state>* self) -> caf::behavior {
      self->state.child = self->spawn([this](caf::stateful_actor<child_state>*) -> caf::behavior {
        return {[](std::int32_t x) { return x + 1; },
                [](const std::string&) -> caf::result<std::int32_t> {
                  return caf::make_error(caf::sec::invalid_argument, "no texts");
                },
                [this](caf::ok_atom) {
                  at_work.set_value();
                  let_go.get_future().wait();
                }};
      });
      return {[self](caf::get_atom) { return self->state.child; }};
    });
    caf::scoped_actor self{*system};
    self->request(parent, caf::infinite, caf::get_atom_v)
        .receive([this](caf::actor& x) { child = x; }, [](const caf::error&) {});
  }
  ~census_fixture() {
    caf::anon_send_exit(child, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(parent, caf::exit_reason::user_shutdown);
    child = parent = nullptr;
    system.reset();
  }

  void ask(std::int32_t x) {
    caf::scoped_actor self{*system};
    self->request(child, caf::infinite, x).receive([](std::int32_t) {}, [](const caf::error&) {});
  }
  /// An answer is there before its handler is left, and the message is counted then: waits for that,
  /// at most ten seconds.
  template <class Predicate>
  actor_report report_once(Predicate done) {
    auto x = census->report();
    for (const auto end = std::chrono::steady_clock::now() + 10s;
         !done(x) && std::chrono::steady_clock::now() < end; x = census->report())
      std::this_thread::yield();
    return x;
  }

  static const actor_row* row(const actor_report& x, const std::string& name) {
    const auto found = std::find_if(x.actors.begin(), x.actors.end(),
                                    [&name](const auto& y) { return y.name == name; });
    return found == x.actors.end() ? nullptr : &*found;
  }
  static std::uint64_t count(const actor_report& x, const std::string& actor,
                             const std::string& message) {
    for (const auto& y : x.messages)
      if (y.actor == actor && y.message == message)
        return y.count;
    return 0;
  }

  std::unique_ptr<flight_memory> memory{new flight_memory{}};
  std::unique_ptr<actor_census> census;
  caf::actor_system_config config;
  std::unique_ptr<caf::actor_system> system;
  caf::actor parent;
  caf::actor child;
  std::promise<void> at_work;
  std::promise<void> let_go;
};

}  // namespace

TEST_CASE_FIXTURE(census_fixture,
                  "census: it knows who lives, whose child it is, and what it handled") {
  for (int i = 0; i < 7; ++i)
    ask(i);
  const auto x =
      report_once([](const auto& y) { return count(y, "timenode.child", "int32_t") == 7; });
  const auto* mother = row(x, "timenode.parent");
  const auto* one = row(x, "timenode.child");
  REQUIRE(mother);
  REQUIRE(one);
  CHECK(mother->parent == 0);
  CHECK(one->parent == mother->id);
  CHECK(one->id == child.id());
  CHECK(one->messages == 7);
  CHECK(one->busy > 0ns);
  CHECK(count(x, "timenode.child", "int32_t") == 7);
  CHECK(count(x, "timenode.parent", "get_atom") == 1);
  // What asks from outside is none of ours.
  CHECK(x.actors.size() == 2);
}

TEST_CASE_FIXTURE(census_fixture,
                  "census: an actor that is gone is not listed, what it did still counts") {
  ask(1);
  caf::anon_send_exit(child, caf::exit_reason::user_shutdown);
  child = nullptr;
  caf::anon_send_exit(parent, caf::exit_reason::user_shutdown);
  parent = nullptr;
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!census->report().actors.empty()) {
    REQUIRE(std::chrono::steady_clock::now() < end);
    std::this_thread::yield();
  }
  CHECK(count(census->report(), "timenode.child", "int32_t") == 1);
}

TEST_CASE_FIXTURE(census_fixture, "census: the last error that it answered with is remembered") {
  caf::scoped_actor self{*system};
  self->request(child, caf::infinite, std::string{"text"})
      .receive([](std::int32_t) { FAIL("answered"); }, [](const caf::error&) {});
  const auto x = census->report();
  CHECK(row(x, "timenode.child")->last_error.find("no texts") != std::string::npos);
  CHECK(row(x, "timenode.parent")->last_error.empty());
}

TEST_CASE_FIXTURE(census_fixture, "census: what an actor does not come to an end with is shown") {
  caf::anon_send(child, caf::ok_atom_v);
  at_work.get_future().wait();
  auto x = census->report();
  CHECK(row(x, "timenode.child")->at_work_on == "ok_atom");
  CHECK(row(x, "timenode.child")->at_work_for >= 0ns);
  CHECK(row(x, "timenode.parent")->at_work_on.empty());
  let_go.set_value();
  ask(1);
  x = report_once([](const auto& y) { return row(y, "timenode.child")->at_work_on.empty(); });
  CHECK(row(x, "timenode.child")->at_work_on.empty());
}

TEST_CASE_FIXTURE(census_fixture, "census: many threads count at once without losing any") {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([this] {
      for (int i = 0; i < 500; ++i)
        ask(i);
    });
  for (int i = 0; i < 50; ++i)
    census->report();
  for (auto& x : threads)
    x.join();
  const auto x =
      report_once([](const auto& y) { return row(y, "timenode.child")->messages >= 2000; });
  CHECK(row(x, "timenode.child")->messages == 2000);
}

TEST_CASE_FIXTURE(census_fixture,
                  "census: the flight memory has what happened, and folds what comes too fast") {
  for (int i = 0; i < 500; ++i)
    ask(i);
  const auto timeline = flight_timeline(*memory).value();
  CHECK(timeline.starts_with("test 1.0, started 1970-01-01T00:00:00.000000Z\n"));
  const auto line = "timenode.child #" + std::to_string(child.id()) + " int32_t took ";
  std::size_t lines = 0;
  for (auto at = timeline.find(line); at != std::string::npos; at = timeline.find(line, at + 1))
    ++lines;
  CHECK(lines >= 20);
  CHECK(lines < 200);
}

TEST_CASE("census: the names of messages lose their namespaces") {
  CHECK(short_message_name("[timenode::atom::peer_up, timenode::peer_info]") ==
        "peer_up, peer_info");
  CHECK(short_message_name("[std::vector<timenode::masternode_entry>, uint64_t]") ==
        "vector<masternode_entry>, uint64_t");
  CHECK(short_message_name("[]") == "(nothing)");
  CHECK(short_message_name("") == "(nothing)");
}
