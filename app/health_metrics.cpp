#include "app/health_metrics.hpp"

namespace timenode {

namespace {

constexpr caf::string_view metric_prefix = "timenode";

}  // namespace

health_metrics::health_metrics(caf::telemetry::metric_registry& registry,
                               const std::string& version, const std::string& commit,
                               std::int64_t started_at)
    : ready_{registry.gauge_singleton(metric_prefix, "ready",
                                      "1 when the node does its work, else 0.")},
      tip_timestamp_{registry.gauge_singleton(metric_prefix, "tip-timestamp",
                                              "When our topmost block was made, in Unix time.",
                                              "seconds")},
      silent_actors_{registry.gauge_singleton(metric_prefix, "silent-actors",
                                              "Actors that did not answer in time.")},
      store_failing_{
          registry.gauge_singleton(metric_prefix, "store-failing",
                                   "1 when the chain's store cannot be written or read, else 0.")} {
  registry
      .gauge_singleton(metric_prefix, "start-time", "When the node was started, in Unix time.",
                       "seconds")
      ->value(started_at);
  registry
      .gauge_family(metric_prefix, "build-info", {"version", "commit"},
                    "1, with what the node was built from.")
      ->get_or_add({{"version", version}, {"commit", commit}})
      ->value(1);
  auto* lines =
      registry.counter_family(metric_prefix, "log-lines", {"level"},
                              "Lines of the log, those that were folded included.", "1", true);
  constexpr std::array levels{"trace", "debug", "info", "warn", "error", "critical", "off"};
  for (std::size_t i = 0; i < log_lines_.size(); ++i)
    log_lines_[i] = lines->get_or_add({{"level", levels[i]}});
}

void health_metrics::set_log(const log_tail::counts& now) {
  const std::lock_guard lock{mutex_};
  for (std::size_t i = 0; i < now.size(); ++i)
    log_lines_[i]->inc(static_cast<std::int64_t>(now[i] - counted_[i]));
  counted_ = now;
}

void health_metrics::set(const node_health& health, const chain_tip& tip, std::size_t silent,
                         bool store_fails) {
  ready_->value(health.ready ? 1 : 0);
  tip_timestamp_->value(tip.timestamp);
  silent_actors_->value(static_cast<std::int64_t>(silent));
  store_failing_->value(store_fails ? 1 : 0);
}

}  // namespace timenode
