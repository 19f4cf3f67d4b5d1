#pragma once

#include "actors/interfaces.hpp"

#include <caf/disposable.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <queue>
#include <unordered_map>
#include <vector>

namespace timenode {

/// Wakes sleepers at the moments that they asked for, with one timer of CAF's for all of them.
class ticker_state {
 public:
  static constexpr auto name = "timenode.ticker";

  explicit ticker_state(ticker_actor::pointer self);

  ticker_actor::behavior_type make_behavior();

 private:
  struct entry {
    monotonic_ns at;
    std::uint64_t order;  ///< First asked, first woken: keeps runs replayable.
    std::uint64_t token;
    sleeper_actor sleeper;
    bool replaceable;  ///< Counts only while `last_` has its token.

    bool operator>(const entry& other) const noexcept {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  void add(monotonic_ns at, std::uint64_t token, sleeper_actor sleeper, bool replaceable);
  bool counts(const entry& x);
  void arm();
  void fire();

  ticker_actor::pointer self_;
  std::priority_queue<entry, std::vector<entry>, std::greater<>> queue_;
  /// The last replaceable call of each sleeper that has one in the queue.
  std::unordered_map<caf::actor_id, std::uint64_t> last_;
  std::uint64_t asked_ = 0;
  monotonic_ns armed_for_ = 0;  ///< 0: no timer runs.
  caf::disposable timer_;
};

using ticker = ticker_actor::stateful_impl<ticker_state>;

}  // namespace timenode
