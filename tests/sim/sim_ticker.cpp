#include "tests/sim/sim_ticker.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_config.hpp>
#include <caf/make_actor.hpp>
#include <caf/monitorable_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_message_view.hpp>

#include <utility>

namespace sim {

using namespace timenode;

namespace {

/// Has no mailbox: what it is told is done before the sender goes on.
class ticker_port final : public caf::monitorable_actor {
 public:
  ticker_port(caf::actor_config& config, wake_queue& queue)
      : caf::monitorable_actor{config}, queue_{queue} {}

  bool enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) override {
    auto& message = what->payload;
    if (auto moved = caf::make_typed_message_view<atom::wake, sleeper_actor, wake_call>(message))
      queue_.add(get<2>(moved), get<1>(moved));
    else if (auto fixed = caf::make_typed_message_view<atom::wake, sleeper_actor, monotonic_ns,
                                                       std::uint64_t>(message))
      queue_.add(get<2>(fixed), get<1>(fixed), get<3>(fixed));
    return true;
  }

  void setup_metrics() {}

  const char* name() const override { return "sim.ticker"; }

 private:
  wake_queue& queue_;
};

}  // namespace

void wake_queue::add(monotonic_ns at, const sleeper_actor& sleeper, std::uint64_t token) {
  calls_.add(at, {token, false, caf::actor_cast<caf::weak_actor_ptr>(sleeper)});
}

void wake_queue::add(const wake_call& call, const sleeper_actor& sleeper) {
  last_.insert_or_assign(sleeper.id(), call.token);
  calls_.add(call.at, {call.token, true, caf::actor_cast<caf::weak_actor_ptr>(sleeper)});
}

bool wake_queue::wake_first(monotonic_ns now) {
  if (calls_.next().value_or(now + 1) > now)
    return false;
  const auto first = calls_.take_first();
  if (first.replaceable) {
    const auto last = last_.find(first.sleeper->id());
    if (last == last_.end() || last->second != first.token)
      return true;
    last_.erase(last);
  }
  if (const auto sleeper = caf::actor_cast<sleeper_actor>(first.sleeper))
    caf::anon_send(sleeper, atom::wake_v, first.token);
  return true;
}

ticker_actor make_ticker(caf::actor_system& system, wake_queue& queue) {
  caf::actor_config config;
  return caf::make_actor<ticker_port, ticker_actor>(system.next_actor_id(), system.node(), &system,
                                                    config, queue);
}

}  // namespace sim
