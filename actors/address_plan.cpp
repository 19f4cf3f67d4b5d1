// Which addresses the registry should connect: the part of the address book that plans.

#include "actors/address_book.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace timenode {

namespace {

/// Of candidates that failed equally often, so many are compared: enough that one in a group of its own, or that was reached
/// once, is among them, and few beside a full book.
constexpr std::size_t looked_at = 64;

}  // namespace

address_book::plan address_book::make_plan(random_source& random, monotonic_ns now) {
  plan result;
  end_rests(now);
  result.unwant.swap(dropped_);
  for (const auto& ip : std::exchange(renewed_, {}))
    if (const auto i = entries_.find(ip); i != entries_.end() && i->second.wanted)
      result.want.emplace_back(i->second.at, i->second.purpose);
  plan_always(result);
  plan_unmet_masternodes(result);
  plan_discovered(result, random, now);
  return result;
}

void address_book::want(entry& x, plan& result) {
  change(x, [](entry& y) { y.wanted = true; });
  result.want.emplace_back(x.at, x.purpose);
}

void address_book::unwant(entry& x, plan& result) {
  change(x, [](entry& y) { y.wanted = false; });
  result.unwant.push_back(x.at.ip);
}

void address_book::plan_always(plan& result) {
  while (!due_.empty())
    want(*due_.begin()->second, result);  // which takes it out
}

void address_book::plan_unmet_masternodes(plan& result) {
  const auto most = at_a_time(max_unmet_masternodes_wanted, max_unmet_masternodes_at_ease);
  while (unmet_wanted_.size() > most)
    unwant(*unmet_wanted_.begin()->second, result);
  while (unmet_wanted_.size() < most && !unmet_idle_.empty())
    want(*unmet_idle_.rbegin()->second, result);
  // One that failed often gives its place to one that did not, and stays in the book for later.
  while (!unmet_wanted_.empty() && !unmet_idle_.empty()) {
    auto& worst = *unmet_wanted_.begin()->second;
    auto& best = *unmet_idle_.rbegin()->second;
    if (worst.failures < max_dial_failures || best.failures >= max_dial_failures)
      return;
    unwant(worst, result);
    want(best, result);
  }
}

/// The more good peers there are, the less the hurry: who lacks one of eight does not knock as one who has none, or in a
/// small network, where there are no eight, a liar's names would be dialed by the dozen for ever.
std::size_t address_book::at_a_time(std::size_t alone, std::size_t at_ease) const noexcept {
  const auto missing = enough_peers - std::min(good_peers_, enough_peers);
  return std::max(at_ease, alone * missing / enough_peers);
}

std::size_t address_book::free_slots() const {
  return max_peers_ - std::min(max_peers_, connected_.size() - configured_connected_);
}

void address_book::end_rests(monotonic_ns now) {
  while (!resting_.empty() && resting_.begin()->first <= now)
    change(entries_.at(resting_.begin()->second), [](entry& x) { x.rests_until = 0; });
}

monotonic_ns address_book::pause_at_ease() const noexcept {
  const auto doublings =
      turned_away_in_row_ + std::min(unreached_in_row_, most_unreached_doublings);
  return wanted_at_ease_every << std::min(doublings, most_ease_doublings);
}

std::optional<monotonic_ns> address_book::waits_until() const {
  std::optional<monotonic_ns> result;
  if (!resting_.empty())
    result = resting_.begin()->first;
  if (const auto pace_ends = paced_ ? *wanted_at_ + pause_at_ease() : 0;
      paced_ && (!result || pace_ends < *result))
    result = pace_ends;
  return result;
}

void address_book::plan_discovered(plan& result, random_source& random, monotonic_ns now) {
  const auto most_tries = at_a_time(max_tries, max_strangers_at_ease);
  const auto most_waits = at_a_time(max_waits, max_strangers_at_ease);
  const auto most_strangers = most_tries + most_waits;
  const auto slots = free_slots();
  // Those that failed most go first.
  while (pending_.size() > slots)
    unwant(*pending_.begin()->second, result);
  while (strangers_.size() > most_strangers)
    unwant(*strangers_.begin()->second, result);
  const auto room = [](std::size_t most, std::size_t running) {
    return most - std::min(most, running);
  };
  auto tries = room(most_tries, tries_);
  auto waits = room(most_waits, waits_);
  paced_ = is_at_ease() && wanted_at_ && now - *wanted_at_ < pause_at_ease() &&
           ((tries > 0 && !to_dial_.empty()) || (waits > 0 && !to_wait_for_.empty()));
  if (paced_)
    tries = waits = 0;  // anchors only
  for (auto* x : candidates(tries, waits, random)) {
    auto& left = x->we_dial ? tries : waits;
    if (left == 0 && !x->anchor)
      continue;
    const auto crowded = is_stranger(*x) && strangers_.size() >= most_strangers;
    if (pending_.size() >= slots || crowded) {
      // One that failed often gives its place to one that did not.
      if (pending_.empty())
        return;
      auto& worst = *(pending_.size() < slots ? strangers_ : pending_).begin()->second;
      if (worst.failures < failures_of_a_try || worst.failures <= x->failures)
        return;
      unwant(worst, result);
    }
    want(*x, result);
    left -= left > 0;
    wanted_at_ = now;
    if (is_at_ease() && !x->anchor) {
      paced_ = true;
      return;
    }
  }
}

// -- candidates -------------------------------------------------------------------------------------

void address_book::candidate_pool::add(entry& x) {
  auto& like_it = by_failures_[x.failures];
  x.place = like_it.size();
  like_it.push_back(&x);
}

void address_book::candidate_pool::remove(const entry& x) {
  const auto i = by_failures_.find(x.failures);
  auto& like_it = i->second;
  like_it[x.place] = like_it.back();
  like_it[x.place]->place = x.place;
  like_it.pop_back();
  if (like_it.empty())
    by_failures_.erase(i);
}

std::vector<address_book::entry*> address_book::candidate_pool::draw(std::size_t count,
                                                                     random_source& random) const {
  std::vector<entry*> result;
  for (const auto& [_, like_it] : by_failures_) {
    if (result.size() >= count)
      break;
    const auto drawn = std::max(looked_at, count - result.size());
    if (like_it.size() <= 2 * drawn) {
      result.insert(result.end(), like_it.begin(), like_it.end());
      continue;
    }
    // Not neighbours: what one source named stands together.
    std::set<std::size_t> places;
    while (places.size() < drawn)
      places.insert(random.below(like_it.size()));
    for (const auto place : places)
      result.push_back(like_it[place]);
  }
  return result;
}

/// Anchors first, then fewest failures, then groups that we have nobody of, then peers that we reached once. Who comes
/// first among equals is chance, so that nobody can place himself there.
address_book::score address_book::score_of(const entry& x, random_source& random) const {
  return {!x.anchor, x.failures, x.group && engaged_by_group_.contains(*x.group), is_unproven(x),
          random()};
}

/// The best of those to dial, at most `tries` of them, the best of those to wait for, at most `waits`, and all anchors: there
/// are few, and each was a good peer.
std::vector<address_book::entry*> address_book::candidates(std::size_t tries, std::size_t waits,
                                                           random_source& random) const {
  scored best;
  for (const auto& [_, x] : anchors_)
    best.emplace_back(score_of(*x, random), x);
  for (const auto& [pool, count] : {std::pair{&to_dial_, tries}, std::pair{&to_wait_for_, waits}}) {
    if (count == 0 || pool->empty())
      continue;
    scored drawn;
    for (auto* x : pool->draw(count, random))
      drawn.emplace_back(score_of(*x, random), x);
    std::ranges::sort(drawn);
    best.insert(best.end(), drawn.begin(),
                drawn.begin() + static_cast<std::ptrdiff_t>(std::min(drawn.size(), count)));
  }
  std::ranges::sort(best);
  std::vector<entry*> result;
  for (const auto& [_, x] : best)
    result.push_back(x);
  return result;
}

}  // namespace timenode
