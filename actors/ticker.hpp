#pragma once

#include "actors/interfaces.hpp"

#include <caf/disposable.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <queue>
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
    wake_call call;
    std::uint64_t order;  ///< First asked, first woken: keeps runs replayable.
    sleeper_actor sleeper;

    bool operator>(const entry& other) const noexcept {
      return call.at != other.call.at ? call.at > other.call.at : order > other.order;
    }
  };

  void add(wake_call call, sleeper_actor sleeper);
  void arm();
  void fire();

  ticker_actor::pointer self_;
  std::priority_queue<entry, std::vector<entry>, std::greater<>> queue_;
  std::uint64_t asked_ = 0;
  monotonic_ns armed_for_ = 0;  ///< 0: no timer runs.
  caf::disposable timer_;
};

using ticker = ticker_actor::stateful_impl<ticker_state>;

}  // namespace timenode
