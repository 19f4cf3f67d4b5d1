#include "actors/ticker.hpp"

#include "actors/node_context.hpp"
#include "actors/weak_timer.hpp"

namespace timenode {

ticker_state::ticker_state(ticker_actor::pointer self) : self_{self} {}

ticker_actor::behavior_type ticker_state::make_behavior() {
  return {
      [this](atom::wake, sleeper_actor& sleeper, monotonic_ns at, std::uint64_t token) {
        add({at, token, nullptr}, std::move(sleeper));
        arm();
      },
      [this](atom::wake, sleeper_actor& sleeper, wake_call& call) {
        add(std::move(call), std::move(sleeper));
        arm();
      },
  };
}

void ticker_state::add(wake_call call, sleeper_actor sleeper) {
  queue_.push({std::move(call), asked_++, std::move(sleeper)});
}

void ticker_state::arm() {
  if (queue_.empty())
    return;
  const auto next = queue_.top().call.at;
  if (armed_for_ != 0 && armed_for_ <= next)
    return;
  timer_.dispose();
  armed_for_ = next;
  timer_ = run_weak(self_, caf::actor_clock::time_point{caf::actor_clock::duration_type{next}},
                    [this] { fire(); });
}

void ticker_state::fire() {
  armed_for_ = 0;
  const auto now = monotonic_now(*self_);
  while (!queue_.empty() && queue_.top().call.at <= now) {
    auto first = queue_.top();
    queue_.pop();
    const auto due = first.call.due();
    if (due && *due > now) {
      first.call.at = *due;
      add(std::move(first.call), std::move(first.sleeper));
    } else if (due) {
      self_->send(first.sleeper, atom::wake_v, first.call.token);
    }
  }
  arm();
}

}  // namespace timenode
