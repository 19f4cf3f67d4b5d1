#pragma once

// One ticker for all nodes of a simulation: a heap of deadlines beside the actors, so that asking for a wake-up
// costs no turn of the scheduler.

#include "actors/interfaces.hpp"
#include "tests/sim/event_queue.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/actor_system.hpp>

#include <cstdint>
#include <optional>

namespace sim {

class wake_queue {
 public:
  void add(monotonic_ns at, timenode::sleeper_actor sleeper, std::uint64_t token);
  std::optional<monotonic_ns> next() const { return heap_.next(); }
  /// Wakes the first sleeper if its time has come.
  bool wake_first(monotonic_ns now);
  void clear() { heap_.clear(); }

 private:
  struct entry {
    std::uint64_t token = 0;
    /// Weak: who was killed is gone, and its node can start again, whatever it meant to wake up for.
    caf::weak_actor_ptr sleeper;
  };

  due_heap<entry> heap_;
};

/// A ticker that puts what it is asked into `queue` at once. `queue` outlives it.
timenode::ticker_actor make_ticker(caf::actor_system& system, wake_queue& queue);

}  // namespace sim
