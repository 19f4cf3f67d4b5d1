#pragma once

// An actor system that runs the actors of many nodes on one thread, under a virtual clock. CAF's test scheduler
// holds the jobs; which goes next, and when time goes on, is decided here.

#include "actors/interfaces.hpp"
#include "net/random.hpp"
#include "tests/sim/event_queue.hpp"

#include <caf/actor_system.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace sim {

/// Whose an actor is: the number of a node, given when its first actor is spawned; those that this one spawns
/// are of the same.
using owner_index = std::uint32_t;
inline constexpr owner_index nobody = 0xffff'ffff;

/// What an actor is for, as far as the simulation looks at its messages.
enum class actor_role : std::uint8_t { other, registry, connection, keeper, server };

/// An actor as the scheduler sees it.
struct actor_facts {
  caf::actor_id id = 0;
  owner_index owner = nobody;
  actor_role role = actor_role::other;
  std::uint8_t kind = 0;  ///< Its name's place in a list of the system's.
};

/// Sees every message just before its actor handles it. Must not change anything.
class message_watch {
 public:
  virtual ~message_watch() = default;
  virtual void handles(const actor_facts& who, const caf::mailbox_element& message) = 0;
  /// An actor of a connection is spawned, and destroyed.
  virtual void connection_begins(const actor_facts& who) = 0;
  virtual void connection_ends(const actor_facts& who) = 0;
};

class virtual_system {
 public:
  explicit virtual_system(std::uint64_t seed);
  /// Kills what is left: with a timer that renews itself CAF would wait for ever.
  ~virtual_system();
  virtual_system(const virtual_system&) = delete;
  virtual_system& operator=(const virtual_system&) = delete;

  caf::actor_system& actors() noexcept;
  /// Null: nobody. Outlives the system.
  void watch(message_watch* x) noexcept;

  // -- time --

  monotonic_ns now() const;
  /// When the next thing happens by itself: a wake-up, a timeout of a request, the end of a wait for the disk.
  std::optional<monotonic_ns> next_event() const;
  /// Moves the clock, not beyond `next_event`. What is due then happens in `run`.
  void set_time(monotonic_ns at);
  /// Does the first thing that is due, if any is.
  bool run_due();
  /// Lets actors work until none has a message left. Time stands still.
  void run();

  /// The one source of wake-ups of all nodes.
  const timenode::ticker_actor& ticker() const noexcept;

  // -- owners --

  /// Actors that are spawned from outside belong to that owner from now on.
  void spawn_for(owner_index owner) noexcept;
  /// All actors of the owner end at their next turn, ahead of whatever else waits for them.
  void kill(owner_index owner);
  /// Actors of the owner that have not ended.
  std::size_t alive(owner_index owner) const;
  /// Actors of all owners that are still in memory.
  std::size_t alive() const;
  /// The owner's process stands still (SIGSTOP) until it is let go.
  void pause(owner_index owner, bool paused);
  /// Each message to those who wait for the owner's disk takes that long; 0: none.
  void set_disk_delay(owner_index owner, monotonic_ns delay);
  /// Calls `then` after so many more messages of any actors, in the middle of a run.
  void interrupt_after(std::uint64_t messages, std::function<void()> then);

  // -- who is at work --

  /// The actor that runs now; id 0: none.
  actor_facts current() const;
  actor_facts facts(caf::actor_id id) const;
  /// Where in memory the control block of the actor is that runs now; null: none runs.
  caf::actor_control_block* running() const noexcept;
  std::uint64_t messages() const noexcept;
  /// The same by name of the actor and type of the message's first part.
  std::map<std::string, std::uint64_t> work() const;
  /// Over every message in its turn, who got it and when: two runs with the same value did the same.
  std::uint64_t fingerprint() const noexcept;

  /// Asks and returns the answer; throws when there is an error or none. Never blocks.
  template <class Result, class Handle, class... Ts>
  Result ask(const Handle& receiver, Ts&&... xs) {
    auto response = self_->request(receiver, caf::infinite, std::forward<Ts>(xs)...);
    run();
    if (!self_->has_next_message())
      throw std::runtime_error{"no answer"};
    auto result = Result{};
    std::string failure;
    response.receive([&](Result& x) { result = std::move(x); },
                     [&](const caf::error& x) { failure = to_string(x); });
    if (!failure.empty())
      throw std::runtime_error{failure};
    return result;
  }

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
  caf::scoped_actor self_;
};

}  // namespace sim
