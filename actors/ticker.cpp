#include "actors/ticker.hpp"

#include "actors/node_context.hpp"
#include "actors/weak_timer.hpp"

namespace timenode {

ticker_state::ticker_state(ticker_actor::pointer self) : self_{self} {}

ticker_actor::behavior_type ticker_state::make_behavior() {
  return {
      [this](atom::wake, sleeper_actor& sleeper, monotonic_ns at, std::uint64_t token) {
        queue_.push({at, asked_++, token, std::move(sleeper)});
        arm();
      },
  };
}

void ticker_state::arm() {
  if (queue_.empty())
    return;
  const auto next = queue_.top().at;
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
  while (!queue_.empty() && queue_.top().at <= now) {
    const auto& top = queue_.top();
    self_->send(top.sleeper, atom::wake_v, top.token);
    queue_.pop();
  }
  arm();
}

}  // namespace timenode
