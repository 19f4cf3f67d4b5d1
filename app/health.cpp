#include "app/health.hpp"

#include "app/query_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace timenode {

namespace {

using app::duration_text;

void judge_sync(const node_pulse& x, const chain_tip& tip, const health_facts& facts,
                std::int64_t now, node_health& to) {
  const auto age = std::max<std::int64_t>(now - tip.timestamp, 0);
  const auto stale = age > std::chrono::seconds{fresh_tip}.count();
  if (to.target > to.height) {
    const auto silent = facts.no_progress_since ? now - *facts.no_progress_since : 0;
    to.sync = silent > progress_within.count() ? sync_health::stuck : sync_health::syncing;
    if (to.sync == sync_health::stuck)
      to.problems.push_back("no block came for " + duration_text(silent) + ", though peers claim " +
                            std::to_string(to.target - to.height) +
                            " more; 'timenode status' tells what it waits for");
    return;
  }
  if (x.established == 0) {
    to.sync = sync_health::no_peers;
    const auto nobody = x.known_addresses == 0;
    const auto what =
        "no peer is connected, and the tip is " + duration_text(age) + " old" +
        (nobody ? "; no address of a peer is known: name one under bootstrap_peers" : "");
    if (stale)
      to.problems.push_back(what + (nobody ? "" : "; 'timenode peers' and the log tell why"));
    else
      to.warnings.push_back(what);
    return;
  }
  to.sync = sync_health::in_sync;
  if (stale)
    to.warnings.push_back("the tip is " + duration_text(age) +
                          " old, and no peer has a newer block: the network makes none");
}

}  // namespace

std::string_view to_text(sync_health x) noexcept {
  constexpr std::array<std::string_view, 4> names{"in sync", "syncing", "stuck", "no peers"};
  return names[static_cast<std::size_t>(x)];
}

node_health judge_health(const node_pulse& x, const chain_tip& tip, const health_facts& facts,
                         std::int64_t now) {
  node_health result;
  result.height = tip.height;
  result.target = std::max(tip.height, x.sync.target);
  if (!facts.listening)
    result.problems.emplace_back("it does not listen for peers");
  for (const auto& who : x.silent)
    result.problems.push_back(who + " did not answer in time");
  if (!x.keeper.storage_error.empty())
    result.problems.push_back("the store fails: " + x.keeper.storage_error);
  judge_sync(x, tip, facts, now, result);
  for (const auto& [name, count] : x.invariant_violations)
    if (count > 0)
      result.warnings.push_back("the invariant " + name + " was violated " + std::to_string(count) +
                                (count == 1 ? " time" : " times") + ": please report the log");
  result.ready = result.problems.empty();
  return result;
}

node_health no_health(const failure& why, const chain_tip& tip) {
  node_health result;
  result.height = result.target = tip.height;
  result.problems.push_back(why.reason);
  return result;
}

json health_json(const node_health& x) {
  json result;
  result["ready"] = x.ready;
  result["sync"] = std::string{to_text(x.sync)};
  result["height"] = x.height;
  result["target"] = x.target;
  result["problems"] = x.problems;
  result["warnings"] = x.warnings;
  return result;
}

void progress_memory::see(std::uint64_t height, std::uint64_t target, std::int64_t now) {
  const auto behind = target > height;
  if (!behind)
    since_.reset();
  else if (!since_ || height != height_)
    since_ = now;
  height_ = height;
}

}  // namespace timenode
