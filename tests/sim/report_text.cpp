#include "tests/sim/report_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace sim {

namespace {

/// So many of a list are shown; the number of the others is told.
constexpr std::size_t shown = 20;

/// The most frequent first.
void add_counts(std::string& out, const std::string& title,
                const std::map<std::string, std::uint64_t>& counts) {
  if (counts.empty())
    return;
  out += title + "\n";
  std::vector<std::pair<std::string, std::uint64_t>> sorted(counts.begin(), counts.end());
  std::ranges::stable_sort(sorted, std::greater{}, &std::pair<std::string, std::uint64_t>::second);
  for (std::size_t i = 0; i < sorted.size() && i < shown; ++i)
    out += fmt::format("  {:>10}  {}\n", sorted[i].second, sorted[i].first);
  if (sorted.size() > shown)
    out += fmt::format("  and {} more kinds\n", sorted.size() - shown);
}

std::string span_text(const pair_watch::finding& x, const std::string& who) {
  return x.lasted == 0 ? "never"
                       : fmt::format("{:.1f} s ({})", static_cast<double>(x.lasted) * 1e-9, who);
}

}  // namespace

std::string text_of(const simulation_report& x) {
  std::string out;
  const auto references =
      static_cast<std::uint32_t>(x.options.reference_share * x.options.nodes + 0.5);
  out += fmt::format("{} nodes{}, {:.2f} virtual hours, seed {}, faults: {}{}\n", x.options.nodes,
                     references > 0 ? fmt::format(" ({} of the deployed kind)", references) : "",
                     x.virtual_hours, x.options.seed, x.options.faults.to_string(),
                     x.options.calm.value_or(0) > 0
                         ? fmt::format(", in storms of {} minutes an hour", 60 - *x.options.calm)
                         : "");
  const auto events = x.messages + x.packets;
  out += fmt::format("{} events ({} messages between actors, {} of the network) in {:.1f} s: "
                     "{:.0f} events/s, {:.0f} times "
                     "as fast as the clock\n",
                     events, x.messages, x.packets, x.real_seconds,
                     static_cast<double>(events) / std::max(x.real_seconds, 1e-9),
                     x.virtual_hours * 3600 / std::max(x.real_seconds, 1e-9));
  add_counts(out, "faults that struck", x.strikes);
  out += fmt::format("{} connections were made\n", x.connections);
  add_counts(out, "why they ended", x.ends);
  out += fmt::format("a timer of ours ended {} connections to live peers\n", x.timer_ends);
  if (x.calms > 0)
    out += fmt::format("in {} stretches without faults, {:.1f} hours in all, {} connections "
                       "between our nodes ended\n",
                       x.calms, x.calm_hours, x.calm_ends);
  out += "longest time that a pair was apart while both could reach each other: " +
         span_text(x.longest_apart, x.longest_apart_pair) + "\n";
  out += "longest time that a pair had two connections: " +
         span_text(x.longest_double, x.longest_double_pair) + "\n";
  out += "questions that our nodes were asked and answered, on connections that they accepted and "
         "that they dialed\n";
  for (const auto& [what, y] : x.exchanges)
    if (y.asked[0] + y.asked[1] > 0)
      out += fmt::format("  {:<22} {:>10} {:>10} | {:>10} {:>10}\n", what, y.asked[0],
                         y.answered[0], y.asked[1], y.answered[1]);
  out += fmt::format("{} bans, {} of honest peers\n", x.bans.size(), x.honest_bans);
  for (std::size_t i = 0; i < x.bans.size() && i < shown; ++i)
    out += fmt::format("  {} banned {}{}: {}; it sent: {}\n", x.bans[i].by, x.bans[i].ip,
                       x.bans[i].honest ? " (honest)" : "", x.bans[i].reason, x.bans[i].evidence);
  if (x.bans.size() > shown)
    out += fmt::format("  and {} more\n", x.bans.size() - shown);
  add_counts(out, "wrong bytes that were reported, by sender", x.offences);
  out +=
      fmt::format("height {}, {} blocks {}; {}{} after the faults ended all had the same tip\n",
                  x.height, x.blocks_made, x.options.block_time > 0 ? "with a certificate" : "made",
                  x.calms > 0 ? "at most " : "",
                  x.converged_after ? fmt::format("{:.0f} s", *x.converged_after)
                                    : std::string{"not even 300 s"});
  if (x.options.payment_every > 0)
    out +=
        fmt::format("{} payments, {} of them in blocks; {} times the same was spent twice, {} of "
                    "these once in a block; {} were final by votes before\n",
                    x.payments.made, x.payments.settled, x.payments.cheats,
                    x.payments.cheats_settled, x.payments.by_votes);
  out += fmt::format(
      "at the end {} of {} pairs that could reach each other had exactly one connection\n",
      x.pairs_linked, x.pairs);
  out += "invariants\n";
  for (const auto& [name, count] : x.violations)
    out += fmt::format("  {:<15} {}\n", name,
                       count == 0 ? "held" : fmt::format("violated {} times", count));
  for (std::size_t i = 0; i < x.first_violations.size() && i < shown; ++i)
    out += fmt::format("  {} {}: {}\n", text_of_time(x.first_violations[i].at),
                       timenode::to_text(x.first_violations[i].which), x.first_violations[i].what);
  out += fmt::format("trace {:016x} ({} lines), messages {:016x}\n", x.trace_digest, x.trace_lines,
                     x.fingerprint);
  out += "again: " + x.command + "\n";
  if (x.stopped_early)
    out += "STOPPED EARLY: what has to hold at the end was not looked at\n";
  else if (x.virtual_hours + 1e-6 < x.hours_wished)
    out += fmt::format("after {:.2f} of {} virtual hours it was told to end; ", x.virtual_hours,
                       x.hours_wished);
  if (!x.stopped_early)
    out +=
        fmt::format("{}: {} invariant violations\n", x.ok() ? "OK" : "FAILED", x.violation_count());
  return out;
}

}  // namespace sim
