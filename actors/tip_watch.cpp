#include "actors/tip_watch.hpp"

#include <algorithm>

namespace timenode::sync {

void tip_watch::up(const ip_address& ip, monotonic_ns now) {
  auto& x = peers_[ip];
  x = {};
  x.next = now;
}

void tip_watch::height_is(const ip_address& ip, std::uint64_t height, monotonic_ns now) {
  const auto i = peers_.find(ip);
  if (i == peers_.end())
    return;
  const auto first = !i->second.height;
  i->second.height = height;
  if (first)
    hurry(ip, now);
}

void tip_watch::hurry(const ip_address& ip, monotonic_ns now) {
  const auto i = peers_.find(ip);
  if (i == peers_.end())
    return;
  auto& x = i->second;
  const auto soonest = x.last ? std::max(now, *x.last + least_tip_check_interval) : now;
  x.next = std::min(x.next, soonest);
}

void tip_watch::start_over(monotonic_ns now) {
  for (auto& [ip, x] : peers_) {
    x.answered = false;
    x.differs = false;
    hurry(ip, now);
  }
}

std::vector<hash_question> tip_watch::due(std::uint64_t tip, monotonic_ns now) {
  std::vector<hash_question> result;
  for (auto& [ip, x] : peers_) {
    if (x.next > now || !x.height)
      continue;
    x.last = now;
    x.next = now + random_.jitter(tip_check_interval, tip_check_jitter);
    x.asked = std::min(*x.height, tip);
    if (x.asked > 0)
      result.push_back({ip, x.asked});
  }
  return result;
}

std::optional<monotonic_ns> tip_watch::next() const {
  std::optional<monotonic_ns> result;
  for (const auto& [_, x] : peers_)
    if (x.height && (!result || x.next < *result))
      result = x.next;
  return result;
}

void tip_watch::compared(const ip_address& ip, std::uint64_t height, bool same) noexcept {
  const auto i = peers_.find(ip);
  if (i == peers_.end())
    return;
  auto& x = i->second;
  // That some low block is the same, which a search for the common one finds, says nothing of the tip.
  if (same && height != x.asked)
    return;
  x.answered = true;
  x.differs = !same;
}

tip_relation tip_watch::relation_of(const watched& x, std::uint64_t tip) noexcept {
  if (!x.answered)
    return tip_relation::unknown;
  if (x.differs)
    return tip_relation::differs;
  return x.height && *x.height < tip ? tip_relation::behind : tip_relation::same;
}

tip_relation tip_watch::relation(const ip_address& ip, std::uint64_t tip) const noexcept {
  const auto i = peers_.find(ip);
  return i == peers_.end() ? tip_relation::unknown : relation_of(i->second, tip);
}

tip_census tip_watch::census(std::uint64_t tip) const noexcept {
  tip_census result;
  for (const auto& [_, x] : peers_)
    switch (relation_of(x, tip)) {
    case tip_relation::unknown:
      ++result.unknown;
      break;
    case tip_relation::same:
      ++result.same;
      break;
    case tip_relation::behind:
      ++result.behind;
      break;
    case tip_relation::differs:
      ++result.differ;
      break;
    }
  return result;
}

}  // namespace timenode::sync
