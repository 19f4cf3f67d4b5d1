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
  x.has_news = true;
  consider(x);
}

void tip_watch::consider(const watched& x) noexcept {
  if (x.height && (!soonest_ || x.next < *soonest_))
    soonest_ = x.next;
}

void tip_watch::start_over(monotonic_ns now) {
  for (auto& [ip, x] : peers_) {
    x.answered = false;
    x.differs = false;
    hurry(ip, now);
  }
}

/// Of those that were with us so far one turn is asked about a new tip at once, the others when it is theirs.
void tip_watch::take_turn_about(std::uint64_t tip, monotonic_ns now) {
  tip_ = tip;
  const auto turns = static_cast<std::uint64_t>(turns_of(peers_.size(), tips_in_turn));
  for (auto& [ip, x] : peers_)
    if (x.answered && !x.differs && random_.below(turns) == 0) {
      x.next = std::min(x.next, now + static_cast<monotonic_ns>(random_.below(
                                          static_cast<std::uint64_t>(tip_check_interval))));
      consider(x);
    }
}

std::vector<hash_question> tip_watch::due(std::uint64_t tip, monotonic_ns now) {
  std::vector<hash_question> result;
  if (tip != tip_)
    take_turn_about(tip, now);
  if (!soonest_ || now < *soonest_)
    return result;
  const auto is_due = [now](const watched& x) { return x.height && x.next <= now; };
  const auto someone_due =
      std::ranges::any_of(peers_, [&](const auto& x) { return is_due(x.second); });
  soonest_.reset();
  for (auto& [ip, x] : peers_) {
    const auto soon = someone_due && x.height && x.next <= now + asked_together &&
                      (!x.last || now - *x.last >= least_tip_check_interval);
    if (is_due(x) || soon) {
      // An answer that it is with us puts this off.
      x.next = now + random_.jitter(tip_check_interval, tip_check_jitter);
      x.has_news = false;
      x.last = now;
      x.asked = std::min(*x.height, tip);
      if (x.asked > 0)
        result.push_back({ip, x.asked});
    }
    consider(x);
  }
  return result;
}

void tip_watch::compared(const ip_address& ip, std::uint64_t height, bool same) {
  const auto i = peers_.find(ip);
  if (i == peers_.end())
    return;
  auto& x = i->second;
  // That some low block is the same, which a search for the common one finds, says nothing of the tip.
  if (same && height != x.asked)
    return;
  x.answered = true;
  x.differs = !same;
  if (!same || !x.last || x.has_news)
    return;
  const auto has_our_tip = x.asked == tip_ && x.height && *x.height >= tip_;
  const auto turns = turns_of(peers_.size(), tips_in_turn);
  const auto pause = tip_check_interval * turns * (has_our_tip ? same_tip_checked_every : 1);
  x.next =
      std::max(x.next, *x.last + random_.jitter(pause, turns > 1 ? turn_jitter : tip_check_jitter));
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
