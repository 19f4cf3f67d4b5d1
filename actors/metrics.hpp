#pragma once

// Every metric of the node: names, labels and help in one place. Created once, before the actors
// (`node_metrics metrics{system.metrics()}`), and handed to them as `node_context::metrics`; the
// constructor does all look-ups, so that counting is one addition.
//
// The endpoint is CAF's own (module `caf::io::middleman` loaded), set up by these keys:
//
//   caf.middleman.prometheus-http.port     where to listen; 0 picks a port, absent: no endpoint
//   caf.middleman.prometheus-http.address  "127.0.0.1": CAF's own default is 0.0.0.0
//   caf.metrics-filters.actors.includes    ["timenode.*"]: mailbox size, mailbox time and
//                                          processing time by actor name, of our actors only
//   caf.metrics.timenode.ping-round-trip.buckets
//                                          other bounds than the default ones, in seconds
//
// In Prometheus' text the family "messages" is `timenode_messages_total`, and so on.
// The metrics belong to the actor system: two nodes in one system would count together, so at most
// one of them may have metrics.

#include "actors/invariants.hpp"
#include "actors/message_routes.hpp"
#include "messages/node_messages.hpp"

#include <caf/telemetry/counter.hpp>
#include <caf/telemetry/gauge.hpp>
#include <caf/telemetry/histogram.hpp>
#include <caf/telemetry/metric_registry.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace timenode {

/// Counts what happens. May be used by many threads at once (CAF's counters are atomic). A gauge is
/// set by the actor that owns the number, and by no other.
struct node_metrics {
  /// Looks all metrics up, creating them at 0. `registry` outlives this.
  explicit node_metrics(caf::telemetry::metric_registry& registry);

  // -- messages of peers ----------------------------------------------------------

  /// Kinds are indexes of `wire::message`, and these behind them.
  static constexpr std::size_t unknown_kind = wire::message_kinds;
  static constexpr std::size_t malformed_kind = wire::message_kinds + 1;
  /// Only for bytes: a read that brought lines of several kinds, of which only the sum is known.
  static constexpr std::size_t mixed_kind = wire::message_kinds + 2;
  static constexpr std::size_t kinds = wire::message_kinds + 3;

  /// A message of that kind came; `bytes` with its newline, 0 when they are counted elsewhere.
  void message_in(std::size_t kind, std::uint64_t bytes) noexcept { count(in_, kind, bytes); }
  /// A message of that kind was sent.
  void message_out(std::size_t kind, std::uint64_t bytes) noexcept { count(out_, kind, bytes); }

  /// All lines of a read and its bytes: instead of `message_in` for each.
  void received(const wire::received_batch& batch) noexcept;
  /// Encoded lines that were sent, each with its newline: instead of `message_out` for each.
  void sent(std::string_view lines) noexcept;

  // -- connections ------------------------------------------------------------------

  /// A connection went from one phase to another; none at its beginning and at its end.
  void link_state(link_direction direction, std::optional<link_phase> from,
                  std::optional<link_phase> to) noexcept {
    if (from)
      connections_[at(direction)][at(*from)]->dec();
    if (to)
      connections_[at(direction)][at(*to)]->inc();
  }

  /// A connection ended for this cause. Call once for each connection.
  void link_ended(link_end cause) noexcept { ended_[at(cause)]->inc(); }

  /// What the gauges say: connections in that phase. For the invariant `one-truth`.
  std::int64_t connections(link_direction direction, link_phase phase) const noexcept {
    return connections_[at(direction)][at(phase)]->value();
  }

  /// A ping was answered after that many microseconds.
  void round_trip(std::int64_t microseconds) noexcept {
    round_trip_->observe(static_cast<double>(microseconds) * 1e-6);
  }

  /// A connection that somebody opened was not let in, or had to make room.
  void refused(inbound_refusal why) noexcept { refused_[at(why)]->inc(); }

  /// A message was dropped, for its peer sends too many of its kind.
  void over_limit(message_limit which) noexcept { over_limit_[at(which)]->inc(); }

  /// An IP was banned.
  void banned() noexcept { bans_->inc(); }

  // -- chain --------------------------------------------------------------------------

  /// Blocks were stored.
  void blocks_applied(std::uint64_t count) noexcept {
    blocks_applied_->inc(static_cast<std::int64_t>(count));
  }
  /// Our height is now this.
  void height(std::uint64_t x) noexcept { height_->value(static_cast<std::int64_t>(x)); }
  /// The sync engine wants to reach this height.
  void sync_target(std::uint64_t x) noexcept { sync_target_->value(static_cast<std::int64_t>(x)); }

  // -- masternodes ----------------------------------------------------------------------

  /// Masternodes in the table, and of these the active ones.
  void masternodes(std::uint64_t known, std::uint64_t active) noexcept {
    masternodes_known_->value(static_cast<std::int64_t>(known));
    masternodes_active_->value(static_cast<std::int64_t>(active));
  }

  // -- transactions -----------------------------------------------------------------------

  /// Transactions that wait, of these the final ones, and their bytes of bincode.
  void mempool(std::uint64_t all, std::uint64_t final, std::uint64_t bytes) noexcept {
    transactions_all_->value(static_cast<std::int64_t>(all));
    transactions_final_->value(static_cast<std::int64_t>(final));
    transactions_bytes_->value(static_cast<std::int64_t>(bytes));
  }

  // -- invariants -------------------------------------------------------------------------

  /// Something that must always hold did not.
  void invariant_violated(invariant x) noexcept { violations_[at(x)]->inc(); }
  /// How often that was, since start.
  std::uint64_t violations(invariant x) const noexcept {
    return static_cast<std::uint64_t>(violations_[at(x)]->value());
  }

 private:
  using counter = caf::telemetry::int_counter;
  using gauge = caf::telemetry::int_gauge;
  static constexpr std::size_t phases = static_cast<std::size_t>(link_phase::closing) + 1;
  static constexpr std::size_t causes = static_cast<std::size_t>(last_link_end) + 1;
  static constexpr std::size_t refusals = static_cast<std::size_t>(last_refusal) + 1;

  /// Messages and bytes of one direction, by kind.
  struct traffic {
    std::array<counter*, kinds> messages{};
    std::array<counter*, kinds> bytes{};
  };

  template <class Enum>
  static constexpr std::size_t at(Enum x) noexcept {
    return static_cast<std::size_t>(x);
  }

  static void count(traffic& to, std::size_t kind, std::uint64_t bytes) noexcept {
    const auto i = kind < kinds ? kind : unknown_kind;
    to.messages[i]->inc();
    to.bytes[i]->inc(static_cast<std::int64_t>(bytes));
  }

  void create_traffic(caf::telemetry::metric_registry& registry);
  void create_connections(caf::telemetry::metric_registry& registry);
  void create_chain(caf::telemetry::metric_registry& registry);
  void create_invariants(caf::telemetry::metric_registry& registry);
  std::size_t kind_of_line(std::string_view line) const noexcept;

  traffic in_;
  traffic out_;
  std::array<std::array<gauge*, phases>, 2> connections_{};
  std::array<counter*, causes> ended_{};
  std::array<counter*, refusals> refused_{};
  std::array<counter*, message_limits> over_limit_{};  ///< The first, of no limit, is not there.
  caf::telemetry::dbl_histogram* round_trip_ = nullptr;
  counter* bans_ = nullptr;
  counter* blocks_applied_ = nullptr;
  gauge* height_ = nullptr;
  gauge* sync_target_ = nullptr;
  gauge* masternodes_known_ = nullptr;
  gauge* masternodes_active_ = nullptr;
  gauge* transactions_all_ = nullptr;
  gauge* transactions_final_ = nullptr;
  gauge* transactions_bytes_ = nullptr;
  std::array<counter*, invariant_count> violations_{};
  std::vector<std::pair<std::string_view, std::size_t>> kinds_by_name_;  ///< Sorted.
};

}  // namespace timenode
