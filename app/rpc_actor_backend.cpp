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
                                     rpc_facts facts, wall_clock unix_now, rpc_controls controls)
    : system_{system}, telemetry_{std::move(telemetry)}, chain_{std::move(chain)},
      facts_{std::move(facts)}, unix_now_{std::move(unix_now)}, controls_{std::move(controls)} {}

void actor_rpc_backend::snapshot(std::function<void(outcome<node_snapshot>)> then) {
  const auto watch = [observed = observed_, now = unix_now_,
                      then = std::move(then)](outcome<node_snapshot> x) {
    if (x) {
      const std::lock_guard lock{observed->mutex};
      observed->progress.see(x->keeper.tip.height, x->sync.target, now());
    }
    then(std::move(x));
  };
  system_.spawn([telemetry = telemetry_, watch](caf::event_based_actor* self) {
    ask(self, telemetry, watch);
  });
}

health_facts actor_rpc_backend::health() const {
  const std::lock_guard lock{observed_->mutex};
  return {true, observed_->progress.no_progress_since()};
}

std::uint64_t actor_rpc_backend::disk_bytes() const {
  return controls_.disk_bytes ? controls_.disk_bytes() : 0;
}

outcome<reload_report> actor_rpc_backend::reload() {
  return controls_.reload ? controls_.reload() : rpc_backend::reload();
}

outcome<backup_report> actor_rpc_backend::backup(const std::filesystem::path& to) {
  return controls_.backup ? controls_.backup(to) : rpc_backend::backup(to);
}

}  // namespace timenode
