#pragma once

// One ticker for all nodes of a simulation: a heap of deadlines beside the actors, so that asking for a wake-up
// costs no turn of the scheduler.

#include "actors/interfaces.hpp"
#include "tests/sim/event_queue.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/actor_system.hpp>

#include <cstdint>
#include <optional>
#include <unordered_map>

namespace sim {

/// What of an actor is fetched before its turn, from its control block on: all of one of a connection.
inline constexpr std::size_t fetched_of_actor = 1856;

class wake_queue {
 public:
  void add(monotonic_ns at, const timenode::sleeper_actor& sleeper, std::uint64_t token);
  /// The same in place of the sleeper's last call of this kind.
  void add(const timenode::wake_call& call, const timenode::sleeper_actor& sleeper);
  std::optional<monotonic_ns> next() const { return heap_.next(); }
  /// Wakes the first sleeper if its time has come and no other call took its place. False: nobody's has come.
  bool wake_first(monotonic_ns now);
  void clear() {
    heap_.clear();
    last_.clear();
  }

 private:
  struct entry {
    std::uint64_t token = 0;
    bool replaceable = false;
    /// Weak: who was killed is gone, and its node can start again, whatever it meant to wake up for.
    caf::weak_actor_ptr sleeper;

    void approach(nearness how) const noexcept {
      if (how == nearness::near)
        fetch(sleeper.get(), fetched_of_actor);
    }
  };

  due_heap<entry> heap_;
  /// The token of the last replaceable call of each sleeper that has one here. For look-ups only.
  std::unordered_map<caf::actor_id, std::uint64_t> last_;
};

/// A ticker that puts what it is asked into `queue` at once. `queue` outlives it.
timenode::ticker_actor make_ticker(caf::actor_system& system, wake_queue& queue);

}  // namespace sim
