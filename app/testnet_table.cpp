#include "app/testnet_table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace timenode::app {

namespace {

/// "0.2" or "0.2 .. 0.5": from the best to the worst.
std::string round_trips(const node_view& x) {
  std::optional<double> least;
  std::optional<double> most;
  for (const auto& link : x.links) {
    if (!link.ping_ms)
      continue;
    least = std::min(least.value_or(*link.ping_ms), *link.ping_ms);
    most = std::max(most.value_or(*link.ping_ms), *link.ping_ms);
  }
  if (!least)
    return "-";
  const auto low = fmt::format("{:.1f}", *least);
  const auto high = fmt::format("{:.1f}", *most);
  return low == high ? low : low + " .. " + high;
}

std::string state_of(const node_view& x) {
  if (!x.trouble.empty())
    return x.trouble;
  if (x.sync_state == "syncing")
    return fmt::format("syncing to {}, {:.0f} blocks/s", x.target, x.blocks_per_second);
  return x.sync_state == "idle" ? "in sync" : x.sync_state;
}

std::string heights(const testnet_verdict& x) {
  return x.lowest == x.highest ? fmt::format("height {}", x.highest)
                               : fmt::format("heights {} to {}", x.lowest, x.highest);
}

}  // namespace

std::vector<std::string> table_rows(std::span<const node_view> nodes) {
  constexpr auto form = "{:<15}  {:>9}  {:>4}  {:>4}  {:>14}  {}";
  std::vector<std::string> result{
      fmt::format(form, "NODE", "HEIGHT", "IN", "OUT", "ROUND TRIP ms", "STATE")};
  for (const auto& x : nodes) {
    if (!x.trouble.empty()) {
      result.push_back(fmt::format(form, x.ip.to_string(), "-", "-", "-", "-", state_of(x)));
      continue;
    }
    const auto inbound = std::count_if(x.links.begin(), x.links.end(),
                                       [](const auto& link) { return link.inbound; });
    result.push_back(fmt::format(form, x.ip.to_string(), x.height, inbound,
                                 static_cast<std::ptrdiff_t>(x.links.size()) - inbound,
                                 round_trips(x), state_of(x)));
  }
  return result;
}

std::vector<std::string> table_page(const std::string& head, std::span<const node_view> nodes,
                                    const testnet_verdict& verdict,
                                    std::span<const std::string> events) {
  std::vector<std::string> result{head, progress_line(verdict)};
  result.insert(result.end(), events.begin(), events.end());
  result.emplace_back();
  for (auto& row : table_rows(nodes))
    result.push_back(std::move(row));
  return result;
}

std::string progress_line(const testnet_verdict& x) {
  return fmt::format("in sync {}/{} ({}), connected pairs {}/{}, pinged from both ends {}/{}",
                     x.in_sync, x.nodes, heights(x), x.linked, x.pairs, x.pinged, x.pairs);
}

std::vector<std::string> closing_lines(const testnet_verdict& x,
                                       std::optional<double> seconds_to_ok) {
  std::vector<std::string> result;
  const auto seen = fmt::format(
      "{} nodes, {} in sync, {}; {} of {} pairs with one connection, {} pinged "
      "from both ends ({} pings answered); {} invariant violations",
      x.nodes, x.in_sync, heights(x), x.linked, x.pairs, x.pinged, x.pongs, x.violations);
  const auto when =
      seconds_to_ok ? fmt::format("; all was well after {:.1f} s", *seconds_to_ok) : "";
  result.push_back((x.ok() ? "OK: " : "NOT OK: ") + seen + when);
  for (std::size_t i = 0; i < std::min(x.missing.size(), max_missing_lines); ++i)
    result.push_back("  " + x.missing[i]);
  if (x.missing.size() > max_missing_lines)
    result.push_back(fmt::format("  and {} more", x.missing.size() - max_missing_lines));
  return result;
}

}  // namespace timenode::app
