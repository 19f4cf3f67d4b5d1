#pragma once

// A CAF 0.18.7 actor system that runs all actors on the test's own thread under
// a virtual clock. Needs no header of CAF's own test framework.

#include <caf/actor_profiler.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace test {

/// Knows every live actor, so that a test can stop all of them at its end.
/// Actors spawned by other actors are found too.
class actor_census final : public caf::actor_profiler {
 public:
  void add_actor(const caf::local_actor& self, const caf::local_actor*) override {
    const std::lock_guard lock{mutex_};
    if (!self.getf(caf::abstract_actor::is_hidden_flag))
      alive_.emplace(self.id(), caf::actor_addr{self.ctrl(), true});
  }
  void remove_actor(const caf::local_actor& self) override {
    const std::lock_guard lock{mutex_};
    alive_.erase(self.id());
  }
  void before_processing(const caf::local_actor&, const caf::mailbox_element&) override {}
  void after_processing(const caf::local_actor&, caf::invoke_message_result) override {}
  void before_sending(const caf::local_actor&, caf::mailbox_element&) override {}
  void before_sending_scheduled(const caf::local_actor&, caf::actor_clock::time_point,
                                caf::mailbox_element&) override {}

  std::map<caf::actor_id, caf::actor_addr> alive() const {
    const std::lock_guard lock{mutex_};
    return alive_;
  }

 private:
  // CAF's own detached actors may hold the last reference to one of ours.
  mutable std::mutex mutex_;
  std::map<caf::actor_id, caf::actor_addr> alive_;
};

class deterministic_system {
 public:
  deterministic_system()
      : system{prepare()},
        scheduler{dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler())}, self{system,
                                                                                             true} {
    run();
  }

  /// Kills what is left. Otherwise `~actor_system` waits forever for actors
  /// that a timer keeps alive, or the scheduler's `stop` spins on a heartbeat.
  ~deterministic_system() {
    const auto leftovers = census_.alive();
    for (const auto& [_, address] : leftovers)
      if (auto hdl = caf::actor_cast<caf::actor>(address))
        caf::anon_send_exit(hdl, caf::exit_reason::kill);
    run();
  }

  /// Lets actors work until none has a message left. Time stands still.
  void run() { scheduler.run(); }

  /// Something besides the actors that happens at times of its own, a network for example.
  struct event_source {
    /// When the next thing happens, in nanoseconds of the clock; none if nothing is due.
    std::function<std::optional<std::int64_t>()> next;
    /// Does what is due now.
    std::function<void()> run_due;
  };

  /// Moves the clock by `duration`, stopping at each timeout and event on the way.
  void advance(caf::timespan duration) {
    using time_point = caf::actor_clock::time_point;
    auto& clock = scheduler.clock();
    const auto end = clock.now() + duration;
    for (;;) {
      run();
      auto next = clock.schedule.empty() ? time_point::max() : clock.schedule.begin()->first;
      if (const auto event = events.next ? events.next() : std::nullopt)
        next = std::min(next, time_point{caf::actor_clock::duration_type{*event}});
      next = std::max(next, clock.now());
      if (next > end)
        break;
      clock.advance_time(next - clock.now());
      if (events.run_due)
        events.run_due();
    }
    clock.advance_time(end - clock.now());
    run();
  }

  event_source events;

  /// Asks `receiver` and returns its answer, or throws if it gave an error or
  /// stayed silent. Never blocks.
  template <class Result, class Handle, class... Ts>
  Result ask(const Handle& receiver, Ts&&... xs) {
    auto response = self->request(receiver, caf::infinite, std::forward<Ts>(xs)...);
    run();
    if (!self->has_next_message())
      throw std::runtime_error("no answer");
    auto failure = caf::error{};
    auto fail = [&](caf::error& reason) { failure = std::move(reason); };
    if constexpr (std::is_void_v<Result>) {
      response.receive([] {}, fail);
      if (failure)
        throw std::runtime_error(to_string(failure));
    } else {
      auto result = Result{};
      response.receive([&](Result& x) { result = std::move(x); }, fail);
      if (failure)
        throw std::runtime_error(to_string(failure));
      return result;
    }
  }

  /// Number of actors alive, without CAF's own.
  std::size_t alive() const { return census_.alive().size(); }

 private:
  caf::actor_system_config& prepare() {
    config_.set("caf.scheduler.policy", "testing");
    config_.set("caf.logger.inline-output", true);
    config_.profiler = &census_;
    return config_;
  }

  actor_census census_;
  caf::actor_system_config config_;

 public:
  caf::actor_system system;
  caf::scheduler::test_coordinator& scheduler;
  caf::scoped_actor self;
};

}  // namespace test
