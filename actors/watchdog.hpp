#pragma once

// Sees that every actor of the tree still works off its mailbox.

#include "actors/alarm.hpp"
#include "actors/interfaces.hpp"
#include "actors/node_context.hpp"

#include <caf/actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace timenode {

/// Between two rounds: a quarter of the 60 s after which deploy/timenode.service lets systemd act, so
/// that one round may fail for want of CPU without harm.
inline constexpr std::chrono::seconds watchdog_interval{15};
/// How long an actor may take to answer: longer than a flush of the disk takes, and one round's time.
inline constexpr std::chrono::seconds watchdog_patience{15};

struct watched_actor {
  std::string name;
  caf::actor handle;
};

/// Asks every actor, again and again, CAF's own question that each answers between two of its messages.
/// Calls `alive` after each round in which all answered; else it logs who did not, and since when. So a
/// deadlock, an endless loop or a disk that hangs stops `alive`, while a peer or an RPC client cannot.
class watchdog_state {
 public:
  static constexpr auto name = "timenode.watchdog";

  /// `alive`: must not block.
  watchdog_state(sleeper_actor::pointer self, node_context context,
                 std::vector<watched_actor> actors, std::function<void()> alive);

  sleeper_actor::behavior_type make_behavior();

 private:
  struct entry {
    watched_actor actor;
    monotonic_ns silent_since = 0;  ///< 0: its last answer came.
  };

  void begin_round();
  void on_answer(std::size_t which);
  void on_silence(std::size_t which, monotonic_ns asked_at);
  void one_less();

  sleeper_actor::pointer self_;
  node_context context_;
  std::vector<entry> actors_;
  std::function<void()> alive_;
  alarm_clock alarm_;
  std::size_t outstanding_ = 0;
  bool all_answered_ = true;  ///< In the round that is under way.
};

using watchdog = sleeper_actor::stateful_impl<watchdog_state>;

}  // namespace timenode
