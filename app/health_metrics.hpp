#pragma once

// Metrics of the node as a whole, beside those that actors keep (actors/metrics.hpp): set now and
// then from what is known of its health.

#include "app/health.hpp"
#include "app/log_tail.hpp"

#include <caf/telemetry/counter.hpp>
#include <caf/telemetry/gauge.hpp>
#include <caf/telemetry/metric_registry.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <tuple>

namespace timenode {

class health_metrics {
 public:
  /// Creates them. `registry` outlives this. Times are Unix seconds.
  health_metrics(caf::telemetry::metric_registry& registry, const std::string& version,
                 const std::string& commit, std::int64_t started_at);

  /// `silent`: actors that did not answer. Thread-safe.
  void set(const node_health& health, const chain_tip& tip, std::size_t silent, bool store_fails);
  /// Lines of the log since the start, by level. Thread-safe.
  void set_log(const log_tail::counts& now);

 private:
  using gauge = caf::telemetry::int_gauge;

  gauge* ready_;
  gauge* tip_timestamp_;
  gauge* silent_actors_;
  gauge* store_failing_;
  std::mutex mutex_;
  log_tail::counts counted_{};  ///< At the last call.
  std::array<caf::telemetry::int_counter*, std::tuple_size_v<log_tail::counts>> log_lines_{};
};

}  // namespace timenode
