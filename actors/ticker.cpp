#include "actors/ticker.hpp"

#include "actors/node_context.hpp"
#include "actors/weak_timer.hpp"

namespace timenode {

ticker_state::ticker_state(ticker_actor::pointer self) : self_{self} {}

ticker_actor::behavior_type ticker_state::make_behavior() {
  return {
      [this](atom::wake, sleeper_actor& sleeper, monotonic_ns at, std::uint64_t token) {
        add(at, token, std::move(sleeper), false);
        arm();
      },
      [this](atom::wake, sleeper_actor& sleeper, const wake_call& call) {
        last_.insert_or_assign(sleeper.id(), call.token);
        add(call.at, call.token, std::move(sleeper), true);
        arm();
      },
  };
}

void ticker_state::add(monotonic_ns at, std::uint64_t token, sleeper_actor sleeper,
                       bool replaceable) {
  queue_.push({at, asked_++, token, std::move(sleeper), replaceable});
}

/// False: another call took its place.
bool ticker_state::counts(const entry& x) {
  if (!x.replaceable)
    return true;
  const auto last = last_.find(x.sleeper.id());
  if (last == last_.end() || last->second != x.token)
    return false;
  last_.erase(last);
  return true;
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
    if (counts(top))
      self_->send(top.sleeper, atom::wake_v, top.token);
    queue_.pop();
  }
  arm();
}

}  // namespace timenode
