#include "actors/invariants.hpp"

#include <algorithm>
#include <iterator>

namespace timenode {

namespace {

std::size_t at(link_direction x) noexcept {
  return static_cast<std::size_t>(x);
}

std::size_t at(link_stage x) noexcept {
  return static_cast<std::size_t>(x);
}

std::string describe(const link_snapshot& x) {
  auto result = "link " + std::to_string(x.link) + " (" + x.ip.to_string() + ", ";
  result += to_text(x.direction);
  return result + ')';
}

/// "3 more" or "1 fewer".
std::string by_how_much(std::int64_t x) {
  return x > 0 ? std::to_string(x) + " more" : std::to_string(-x) + " fewer";
}

using by_id = std::map<link_id, const link_snapshot*>;

by_id index(const std::vector<link_snapshot>& links) {
  by_id result;
  for (const auto& x : links)
    result.emplace(x.link, &x);
  return result;
}

void compare_connection(const link_snapshot& registry, const link_snapshot& own, findings& out) {
  if (registry.ip != own.ip)
    out.push_back(describe(registry) + ": the connection is one with " + own.ip.to_string());
  if (registry.direction != own.direction)
    out.push_back(describe(registry) + ": the connection says " +
                  std::string{to_text(own.direction)});
  const auto theirs = stage_of(registry.phase);
  const auto ours = stage_of(own.phase);
  if (theirs != ours)
    out.push_back(describe(registry) + ": the registry says " + std::string{to_text(theirs)} +
                  ", the connection " + std::string{to_text(ours)});
}

void compare_connections(const truth_sample& x, findings& out) {
  const auto registry = index(x.registry);
  const auto connections = index(x.connections);
  for (const auto& [id, link] : registry) {
    if (const auto found = connections.find(id); found != connections.end())
      compare_connection(*link, *found->second, out);
    else
      out.push_back(describe(*link) + ": in the registry, but no connection answers for it");
  }
  for (const auto& [id, link] : connections)
    if (!registry.contains(id))
      out.push_back(describe(*link) + ": a connection that the registry does not have");
}

void compare_sockets(const truth_sample& x, findings& out) {
  if (!x.sockets)
    return;
  // A dial has no socket yet and a closing connection may have none any more; every other one has.
  const auto sockets = static_cast<std::int64_t>(*x.sockets);
  const auto most = static_cast<std::int64_t>(x.registry.size());
  const auto least =
      std::count_if(x.connections.begin(), x.connections.end(), [](const auto& link) {
        return link.phase == link_phase::handshaking || link.phase == link_phase::established;
      });
  if (sockets > most)
    out.push_back("sockets: " + by_how_much(sockets - most) + " than links of the registry");
  if (sockets < least)
    out.push_back("sockets: " + by_how_much(sockets - least) + " than connections that are up");
}

void compare_gauges(const truth_sample& x, findings& out) {
  if (!x.gauges)
    return;
  const auto counts = count_links(x.registry);
  for (auto direction : {link_direction::inbound, link_direction::outbound}) {
    for (auto stage : {link_stage::opening, link_stage::established, link_stage::closing}) {
      const auto difference =
          (*x.gauges)[at(direction)][at(stage)] - counts[at(direction)][at(stage)];
      if (difference != 0)
        out.push_back("metrics: " + by_how_much(difference) + ' ' +
                      std::string{to_text(direction)} + ' ' + std::string{to_text(stage)} +
                      " than in the registry");
    }
  }
}

}  // namespace

// -- one-truth --------------------------------------------------------------------

link_counts count_links(const std::vector<link_snapshot>& links) noexcept {
  link_counts result{};
  for (const auto& x : links)
    ++result[at(x.direction)][at(stage_of(x.phase))];
  return result;
}

findings differences(const truth_sample& x) {
  findings result;
  compare_connections(x, result);
  compare_sockets(x, result);
  compare_gauges(x, result);
  std::sort(result.begin(), result.end());
  return result;
}

findings persisting(const findings& before, const findings& now) {
  findings result;
  std::set_intersection(before.begin(), before.end(), now.begin(), now.end(),
                        std::back_inserter(result));
  return result;
}

// -- one-link ---------------------------------------------------------------------

findings duplicate_watch::observe(const std::vector<link_snapshot>& links, monotonic_ns now) {
  std::map<ip_address, std::map<link_id, monotonic_ns>> several;
  for (const auto& x : links)
    if (x.phase == link_phase::established)
      several[x.ip].emplace(x.link, now);
  std::erase_if(several, [](const auto& x) { return x.second.size() < 2; });
  findings result;
  for (auto& [ip, ids] : several) {
    if (const auto known = since_.find(ip); known != since_.end())
      for (auto& [id, since] : ids)
        if (const auto i = known->second.find(id); i != known->second.end())
          since = i->second;
    const auto is_late = [now](const auto& x) { return now - x.second > duplicate_patience; };
    if (std::count_if(ids.begin(), ids.end(), is_late) < 2)
      continue;
    auto text =
        ip.to_string() + ": " + std::to_string(ids.size()) + " established connections, links";
    for (auto& [id, since] : ids) {
      text += ' ' + std::to_string(id);
      since = now;
    }
    result.push_back(std::move(text));
  }
  since_ = std::move(several);
  return result;
}

// -- no-stuck ---------------------------------------------------------------------

findings progress_watch::observe(const sync_progress& sync, monotonic_ns now) {
  // Who has not delivered anything yet may claim what he likes. He is asked, which takes up to 15 s for each of them.
  const auto asks_strangers = sync.state == sync_state_asking && sync.outstanding > 0;
  if (asks_strangers || sync.target <= sync.height || sync.ahead == 0) {
    waiting_.reset();
    return {};
  }
  if (!waiting_ || waiting_->height != sync.height || sync.buffered_blocks > waiting_->buffered) {
    waiting_ = waiting{sync.height, sync.buffered_blocks, now};
    return {};
  }
  if (now - waiting_->since < stuck_patience)
    return {};
  waiting_ = waiting{sync.height, sync.buffered_blocks, now};
  return {"at height " + std::to_string(sync.height) + " of " + std::to_string(sync.target) +
          " without progress for " + std::to_string(stuck_patience / 1'000'000'000) +
          " s, state '" + sync.state + "', " + std::to_string(sync.outstanding) +
          " requests under way, " + std::to_string(sync.ahead) + " peers ahead"};
}

// -- no-cycling -------------------------------------------------------------------

findings fault_watch::observe(std::uint64_t faults) {
  // Less than before: the registry is a new one and counts from 0.
  const auto fresh = faults >= faults_ ? faults - faults_ : faults;
  faults_ = faults;
  if (fresh == 0)
    return {};
  return {std::to_string(fresh) + " connections ended by a fault of ours"};
}

// -- all of them --------------------------------------------------------------------

health_report health_checker::check(const health_sample& x, monotonic_ns now) {
  health_report result;
  const auto add = [&](invariant which, findings&& found) {
    for (auto& sentence : found)
      result.violations.emplace_back(which, std::move(sentence));
  };
  if (x.truth) {
    add(invariant::one_link, duplicates_.observe(x.truth->registry, now));
    auto found = differences(*x.truth);
    add(invariant::one_truth, persisting(suspected_, found));
    result.check_again = suspected_.empty() && !found.empty();
    suspected_ = result.check_again ? std::move(found) : findings{};
  } else {
    suspected_.clear();
  }
  if (x.faults)
    add(invariant::no_cycling, faults_.observe(*x.faults));
  if (x.sync)
    add(invariant::no_stuck, progress_.observe(*x.sync, now));
  return result;
}

}  // namespace timenode
