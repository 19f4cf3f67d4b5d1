#include "app/rpc_actor_backend.hpp"

#include <caf/event_based_actor.hpp>

#include <chrono>
#include <utility>

namespace timenode {

namespace {

/// The telemetry actor promises an answer within a second; the rest is for a busy machine.
constexpr std::chrono::milliseconds patience{2000};

/// An actor that asks one question, hands the answer over and is gone. It says so itself (`quit`),
/// for CAF keeps one that was answered until its timeout has passed.
void ask(caf::event_based_actor* self, const telemetry_actor& telemetry,
         const std::function<void(outcome<node_snapshot>)>& then) {
  self->request(telemetry, patience, atom::snapshot_v)
      .then(
          [self, then](node_snapshot& x) {
            then(std::move(x));
            self->quit();
          },
          [self, then](const caf::error& x) {
            then(fail("the node's telemetry gave no snapshot: " + to_string(x)));
            self->quit();
          });
}

}  // namespace

actor_rpc_backend::actor_rpc_backend(caf::actor_system& system, telemetry_actor telemetry,
                                     std::shared_ptr<const chain::chain_reader> chain,
                                     rpc_facts facts, wall_clock unix_now,
                                     std::function<void()> on_stop)
    : system_{system}, telemetry_{std::move(telemetry)}, chain_{std::move(chain)},
      facts_{std::move(facts)}, unix_now_{std::move(unix_now)}, on_stop_{std::move(on_stop)} {}

void actor_rpc_backend::snapshot(std::function<void(outcome<node_snapshot>)> then) {
  system_.spawn([telemetry = telemetry_, then = std::move(then)](caf::event_based_actor* self) {
    ask(self, telemetry, then);
  });
}

}  // namespace timenode
