#include "tests/sim/pair_watch.hpp"

#include <algorithm>

namespace sim {

pair_watch::pair_watch(std::uint32_t hosts, monotonic_ns double_limit)
    : double_limit_{double_limit}, hosts_(hosts), pairs_(std::size_t{hosts} * hosts / 2) {}

/// The lower triangle of a matrix, row by row.
std::size_t pair_watch::index(std::uint32_t a, std::uint32_t b) const noexcept {
  const auto [low, high] = std::minmax(a, b);
  return std::size_t{high} * (high - 1) / 2 + low;
}

// -- what is in their way ---------------------------------------------------------------------------

void pair_watch::host_disturbed(std::uint32_t x, bool begins, monotonic_ns now) {
  auto& us = hosts_[x];
  if (!begins) {
    if (--us.disturbances == 0)
      us.clean_since = now;
    return;
  }
  if (us.disturbances == 0)
    for (std::uint32_t other = 0; other < hosts(); ++other)
      if (other != x)
        look(x, other, now);
  ++us.disturbances;
}

void pair_watch::pair_disturbed(std::uint32_t a, std::uint32_t b, bool begins, monotonic_ns now) {
  auto& x = at(a, b);
  if (!begins) {
    if (--x.disturbances == 0)
      x.clean_since = now;
    return;
  }
  look(a, b, now);
  ++x.disturbances;
}

void pair_watch::pair_hit(std::uint32_t a, std::uint32_t b, monotonic_ns now) {
  look(a, b, now);
  at(a, b).clean_since = std::max(at(a, b).clean_since, now);
}

std::optional<monotonic_ns> pair_watch::clean_since(std::uint32_t a, std::uint32_t b) const {
  const auto& x = at(a, b);
  if (x.disturbances > 0 || hosts_[a].disturbances > 0 || hosts_[b].disturbances > 0)
    return std::nullopt;
  return std::max({x.clean_since, hosts_[a].clean_since, hosts_[b].clean_since});
}

// -- their connections --------------------------------------------------------------------------------

void pair_watch::established(std::uint64_t id, int side, std::uint32_t dialer,
                             std::uint32_t acceptor, monotonic_ns now) {
  auto& x = wires_.try_emplace(id, wire_state{dialer, acceptor, {false, false}}).first->second;
  const auto links = x.live[0] && x.live[1];
  const auto claimed = x.live[0] || x.live[1];
  x.live[side] = true;
  count(x, now, links, claimed);
}

void pair_watch::gone(std::uint64_t id, int side, monotonic_ns now) {
  const auto i = wires_.find(id);
  if (i == wires_.end())
    return;
  auto& x = i->second;
  const auto links = x.live[0] && x.live[1];
  const auto claimed = x.live[0] || x.live[1];
  x.live[side] = false;
  count(x, now, links, claimed);
  if (!x.live[0] && !x.live[1])
    wires_.erase(i);
}

void pair_watch::count(wire_state& x, monotonic_ns now, bool links_before, bool claimed_before) {
  auto& both = at(x.a, x.b);
  const auto links = x.live[0] && x.live[1];
  const auto claimed = x.live[0] || x.live[1];
  if (links && !links_before) {
    if (both.links == 0)
      look(x.a, x.b, now);
    ++both.links;
  } else if (!links && links_before && --both.links == 0) {
    both.apart_since = now;
  }
  const auto key = std::minmax(x.a, x.b);
  if (claimed && !claimed_before) {
    if (++both.claimed == 2)
      doubles_.emplace(key, now);
  } else if (!claimed && claimed_before && --both.claimed == 1) {
    if (const auto node = doubles_.extract(key)) {
      const auto found = finding{key.first, key.second, node.mapped(), now - node.mapped()};
      // What stands in their way may also keep an end from learning that a connection has gone.
      const auto clean = clean_since(x.a, x.b);
      if (clean && *clean <= node.mapped()) {
        if (found.lasted > longest_double_.lasted)
          longest_double_ = found;
        if (found.lasted > double_limit_)
          double_.push_back(found);
      }
    }
  }
}

// -- what was found ------------------------------------------------------------------------------------

/// They are about to meet, or something is about to come in their way: how long could they have met?
void pair_watch::look(std::uint32_t a, std::uint32_t b, monotonic_ns now) {
  const auto& x = at(a, b);
  if (x.within == 0 || x.links > 0 || !reachable(a, b))
    return;
  const auto since = std::max(x.apart_since, *clean_since(a, b));
  const auto found = finding{std::min(a, b), std::max(a, b), since, now - since};
  if (found.lasted > longest_apart_.lasted)
    longest_apart_ = found;
  if (found.lasted > x.within)
    apart_.push_back(found);
}

void pair_watch::finish(monotonic_ns now) {
  for (std::uint32_t b = 1; b < hosts(); ++b)
    for (std::uint32_t a = 0; a < b; ++a)
      look(a, b, now);
  for (const auto& [key, since] : doubles_) {
    const auto clean = clean_since(key.first, key.second);
    if (clean && *clean <= since && now - since > double_limit_)
      double_.push_back({key.first, key.second, since, now - since});
  }
}

}  // namespace sim
