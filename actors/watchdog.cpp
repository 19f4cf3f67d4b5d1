#include "actors/watchdog.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace timenode {

watchdog_state::watchdog_state(sleeper_actor::pointer self, node_context context,
                               std::vector<watched_actor> actors, std::function<void()> alive)
    : self_{self}, context_{std::move(context)}, alive_{std::move(alive)} {
  for (auto& x : actors)
    actors_.push_back({std::move(x)});
}

sleeper_actor::behavior_type watchdog_state::make_behavior() {
  begin_round();
  return {
      [this](atom::wake, std::uint64_t token) {
        if (alarm_.accept(token))
          begin_round();
      },
  };
}

void watchdog_state::begin_round() {
  all_answered_ = true;
  outstanding_ = 1;  // Held until all are asked.
  const auto now = monotonic_now(*self_);
  for (std::size_t i = 0; i < actors_.size(); ++i) {
    ++outstanding_;
    self_
        ->request(actors_[i].actor.handle, watchdog_patience, caf::sys_atom_v, caf::get_atom_v,
                  std::string{"info"})
        .then([this, i](caf::ok_atom, const std::string&, const caf::strong_actor_ptr&,
                        const std::string&) { on_answer(i); },
              [this, i, now](const caf::error&) { on_silence(i, now); });
  }
  one_less();
}

void watchdog_state::on_answer(std::size_t which) {
  auto& x = actors_[which];
  if (x.silent_since != 0)
    spdlog::info("actor {} answers again", x.actor.name);
  x.silent_since = 0;
  one_less();
}

void watchdog_state::on_silence(std::size_t which, monotonic_ns asked_at) {
  auto& x = actors_[which];
  all_answered_ = false;
  if (x.silent_since == 0)
    x.silent_since = asked_at;
  const auto seconds = (monotonic_now(*self_) - x.silent_since) / to_ns(std::chrono::seconds{1});
  spdlog::error(
      "actor {} has not answered for {} s: it waits for something or does not come to an end; "
      "'timenode actors' shows what it is at",
      x.actor.name, seconds);
  one_less();
}

void watchdog_state::one_less() {
  if (--outstanding_ != 0)
    return;
  if (all_answered_)
    alive_();
  alarm_.set(self_, context_.ticker, monotonic_now(*self_) + to_ns(watchdog_interval));
}

}  // namespace timenode
