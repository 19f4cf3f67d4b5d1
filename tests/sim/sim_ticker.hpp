#pragma once

// One ticker for all nodes of a simulation: a calendar of deadlines beside the actors, so that asking for a wake-up
// costs no turn of the scheduler.

#include "actors/interfaces.hpp"
#include "tests/sim/actor_memory.hpp"
#include "tests/sim/calendar_queue.hpp"

#include <boost/unordered/unordered_flat_map.hpp>
#include <caf/actor_system.hpp>

#include <cstdint>
#include <optional>

namespace sim {

using timenode::monotonic_ns;

class wake_queue {
 public:
  void add(monotonic_ns at, const timenode::sleeper_actor& sleeper, std::uint64_t token);
  /// The same in place of the sleeper's last call of this kind.
  void add(const timenode::wake_call& call, const timenode::sleeper_actor& sleeper);
  std::optional<monotonic_ns> next() const { return calls_.next(); }
  /// Wakes the first sleeper if its time has come and no other call took its place. False: nobody's has come.
  bool wake_first(monotonic_ns now);
  void clear() {
    calls_.clear();
    last_.clear();
  }

 private:
  struct entry {
    std::uint64_t token = 0;
    bool replaceable = false;
    /// Weak: who was killed is gone, and its node can start again, whatever it meant to wake up for.
    caf::weak_actor_ptr sleeper;

    void approach(nearness how) const noexcept {
      auto* who = sleeper.get();
      if (how == nearness::far)
        fetch(who, fetched_of_actor);
      else if (const auto* x = how == nearness::near ? nullptr : behavior_of(who))
        how == nearness::nearer ? fetch(x, 1)
                                : fetch(x->as_behavior_impl().get(), fetched_of_behavior);
    }
  };

  /// Pings and pauses between dials are due within a minute.
  static constexpr std::size_t pages = 4096;

  calendar_queue<entry, pages> calls_;
  /// The token of the last replaceable call of each sleeper that has one here. For look-ups only.
  boost::unordered_flat_map<caf::actor_id, std::uint64_t> last_;
};

/// A ticker that puts what it is asked into `queue` at once. `queue` outlives it.
timenode::ticker_actor make_ticker(caf::actor_system& system, wake_queue& queue);

}  // namespace sim
