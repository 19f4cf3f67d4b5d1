#include "tests/sim/sim_ticker.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_config.hpp>
#include <caf/make_actor.hpp>
#include <caf/monitorable_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_message_view.hpp>

#include <algorithm>
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
    auto message = what->payload;
    if (auto view =
            caf::make_typed_message_view<atom::wake, sleeper_actor, monotonic_ns, std::uint64_t>(
                message))
      queue_.add(get<2>(view), std::move(get<1>(view)), get<3>(view));
    return true;
  }

  void setup_metrics() {}

  const char* name() const override { return "sim.ticker"; }

 private:
  wake_queue& queue_;
};

}  // namespace

bool wake_queue::later(const entry& x, const entry& y) noexcept {
  return x.at != y.at ? x.at > y.at : x.order > y.order;
}

void wake_queue::add(monotonic_ns at, sleeper_actor sleeper, std::uint64_t token) {
  heap_.push_back({at, asked_++, token, caf::actor_cast<caf::weak_actor_ptr>(sleeper)});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

std::optional<monotonic_ns> wake_queue::next() const {
  return heap_.empty() ? std::nullopt : std::optional{heap_.front().at};
}

bool wake_queue::wake_first(monotonic_ns now) {
  if (heap_.empty() || heap_.front().at > now)
    return false;
  std::pop_heap(heap_.begin(), heap_.end(), later);
  const auto first = std::move(heap_.back());
  heap_.pop_back();
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
