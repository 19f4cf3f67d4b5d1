#include "actors/metrics.hpp"

#include <caf/span.hpp>
#include <caf/string_view.hpp>

#include <algorithm>

namespace timenode {

namespace {

constexpr caf::string_view prefix = "timenode";

caf::string_view view(std::string_view x) noexcept {
  return {x.data(), x.size()};
}

std::string_view kind_label(std::size_t kind) noexcept {
  switch (kind) {
  case node_metrics::unknown_kind:
    return "unknown";
  case node_metrics::malformed_kind:
    return "malformed";
  case node_metrics::mixed_kind:
    return "mixed";
  default:
    return wire::kind_name(kind);
  }
}

std::size_t kind_of(const wire::decoded& x) noexcept {
  if (const auto* message = std::get_if<wire::message>(&x))
    return message->index();
  return std::holds_alternative<wire::unknown_message>(x) ? node_metrics::unknown_kind
                                                          : node_metrics::malformed_kind;
}

}  // namespace

node_metrics::node_metrics(caf::telemetry::metric_registry& registry) {
  create_traffic(registry);
  create_connections(registry);
  create_chain(registry);
  create_invariants(registry);
  for (std::size_t kind = 0; kind < wire::message_kinds; ++kind)
    kinds_by_name_.emplace_back(wire::kind_name(kind), kind);
  std::sort(kinds_by_name_.begin(), kinds_by_name_.end());
}

void node_metrics::create_traffic(caf::telemetry::metric_registry& registry) {
  auto* messages = registry.counter_family(prefix, "messages", {"direction", "kind"},
                                           "Messages of peers, by kind.", "1", true);
  auto* bytes = registry.counter_family(
      prefix, "message", {"direction", "kind"},
      "Bytes of messages of peers; 'mixed': of reads that brought several kinds.", "bytes", true);
  auto* over = registry.counter_family(
      prefix, "messages-over-limit", {"limit"},
      "Messages that were dropped, for their peer sent too many of their kind.", "1", true);
  for (std::size_t which = 1; which < message_limits; ++which)
    over_limit_[which] =
        over->get_or_add({{"limit", view(to_text(static_cast<message_limit>(which)))}});
  for (auto [direction, to] : {std::pair{"in", &in_}, std::pair{"out", &out_}}) {
    for (std::size_t kind = 0; kind < kinds; ++kind) {
      const auto label = view(kind_label(kind));
      to->messages[kind] = messages->get_or_add({{"direction", direction}, {"kind", label}});
      to->bytes[kind] = bytes->get_or_add({{"direction", direction}, {"kind", label}});
    }
  }
}

void node_metrics::create_connections(caf::telemetry::metric_registry& registry) {
  auto* connections = registry.gauge_family(prefix, "connections", {"direction", "state"},
                                            "Connections that have a socket, by state.");
  for (auto direction : {link_direction::inbound, link_direction::outbound})
    for (std::size_t phase = 0; phase < phases; ++phase)
      connections_[at(direction)][phase] =
          connections->get_or_add({{"direction", view(to_text(direction))},
                                   {"state", view(to_text(static_cast<link_phase>(phase)))}});
  auto* ended = registry.counter_family(prefix, "connections-ended", {"cause"},
                                        "Connections that ended, by cause.", "1", true);
  for (std::size_t cause = 0; cause < causes; ++cause)
    ended_[cause] = ended->get_or_add({{"cause", view(to_text(static_cast<link_end>(cause)))}});
  auto* refused =
      registry.counter_family(prefix, "connections-refused", {"reason"},
                              "Connections of others that were not let in, by reason.", "1", true);
  for (std::size_t why = 0; why < refusals; ++why)
    refused_[why] =
        refused->get_or_add({{"reason", view(to_text(static_cast<inbound_refusal>(why)))}});
  // From one machine to the other side of the world and back, and what is slower than that.
  constexpr std::array bounds{.0005, .001, .005, .01, .025, .05, .1, .25, .5, 1., 5.};
  round_trip_ = registry.histogram_singleton<double>(prefix, "ping-round-trip", bounds,
                                                     "Time from a ping to its pong.", "seconds");
  bans_ = registry.counter_singleton(prefix, "bans", "IP addresses that were banned.", "1", true);
}

void node_metrics::create_chain(caf::telemetry::metric_registry& registry) {
  height_ = registry.gauge_singleton(prefix, "height", "Height of our chain.");
  sync_target_ = registry.gauge_singleton(prefix, "sync-target", "Height that we want to reach.");
  blocks_applied_ = registry.counter_singleton(prefix, "blocks-applied",
                                               "Blocks that were stored since start.", "1", true);
  auto* masternodes = registry.gauge_family(prefix, "masternodes", {"state"},
                                            "Masternodes in the table, and of these the active.");
  masternodes_known_ = masternodes->get_or_add({{"state", "known"}});
  masternodes_active_ = masternodes->get_or_add({{"state", "active"}});
  auto* transactions = registry.gauge_family(
      prefix, "mempool", {"state"}, "Transactions that wait for a block, and of these the final.");
  transactions_all_ = transactions->get_or_add({{"state", "waiting"}});
  transactions_final_ = transactions->get_or_add({{"state", "final"}});
  transactions_bytes_ = registry.gauge_singleton(
      prefix, "mempool-size", "Bytes of the transactions that wait for a block.", "bytes");
}

void node_metrics::create_invariants(caf::telemetry::metric_registry& registry) {
  auto* violations = registry.counter_family(
      prefix, "invariant-violations", {"name"},
      "How often something that must always hold did not; 0 in a healthy node.", "1", true);
  for (std::size_t i = 0; i < invariant_count; ++i)
    violations_[i] = violations->get_or_add({{"name", view(to_text(static_cast<invariant>(i)))}});
}

void node_metrics::received(const wire::received_batch& batch) noexcept {
  if (batch.lines.empty() && batch.bytes == 0)
    return;
  auto common = batch.lines.empty() ? mixed_kind : kind_of(batch.lines.front());
  for (const auto& line : batch.lines) {
    const auto kind = kind_of(line);
    in_.messages[kind]->inc();
    if (kind != common)
      common = mixed_kind;
  }
  in_.bytes[common]->inc(static_cast<std::int64_t>(batch.bytes));
}

void node_metrics::sent(std::string_view lines) noexcept {
  while (!lines.empty()) {
    const auto newline = lines.find('\n');
    const auto size = newline == std::string_view::npos ? lines.size() : newline + 1;
    message_out(kind_of_line(lines.substr(0, size)), size);
    lines.remove_prefix(size);
  }
}

std::size_t node_metrics::kind_of_line(std::string_view line) const noexcept {
  // Our own encoder writes {"Name": or "Name": the first quoted text is the kind.
  const auto open = line.find('"');
  const auto close = open < 2 ? line.find('"', open + 1) : std::string_view::npos;
  if (close == std::string_view::npos)
    return unknown_kind;
  const auto name = line.substr(open + 1, close - open - 1);
  const auto found = std::lower_bound(kinds_by_name_.begin(), kinds_by_name_.end(),
                                      std::pair{name, std::size_t{0}});
  return found != kinds_by_name_.end() && found->first == name ? found->second : unknown_kind;
}

}  // namespace timenode
