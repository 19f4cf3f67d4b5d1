// Which addresses the registry should connect: the part of the address book that plans.

#include "actors/address_book.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>
#include <utility>

namespace timenode {

address_book::plan address_book::make_plan(random_source& random) {
  plan result;
  result.unwant.swap(dropped_);
  for (const auto& ip : std::exchange(renewed_, {}))
    if (const auto i = entries_.find(ip); i != entries_.end() && i->second.wanted)
      result.want.emplace_back(i->second.at, i->second.purpose);
  plan_always(result);
  plan_unmet_masternodes(result);
  plan_discovered(result, random);
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
  if (idle_.size() == idle_unmet_)
    return; // as after most dials: the others are wanted already
  for (auto i = idle_.begin(); i != idle_.end();) {
    auto& x = *(i++)->second; // who is wanted leaves it
    if (!is_unmet_masternode(x))
      want(x, result);
  }
}

void address_book::plan_unmet_masternodes(plan& result) {
  if (unmet_masternodes_ == 0)
    return;
  std::vector<entry*> wanted;
  for (const auto& [ip, x] : engaged_)
    if (x->wanted && is_unmet_masternode(*x))
      wanted.push_back(x);
  const auto fewest_failures_first
    = [](const entry* a, const entry* b) { return rank_of(*a) > rank_of(*b); };
  std::sort(wanted.begin(), wanted.end(), fewest_failures_first);
  const auto most = is_at_ease() ? max_unmet_masternodes_at_ease : max_unmet_masternodes_wanted;
  for (; wanted.size() > most; wanted.pop_back())
    unwant(*wanted.back(), result);
  auto places = most - wanted.size();
  if (places == 0 && wanted.back()->failures < max_dial_failures)
    return; // all still have their chance
  std::vector<entry*> waiting;
  for (const auto& [ip, x] : idle_)
    if (is_unmet_masternode(*x))
      waiting.push_back(x);
  std::sort(waiting.begin(), waiting.end(), fewest_failures_first);
  for (auto* x : waiting) {
    if (places > 0) {
      --places;
    } else {
      // One that failed often gives its place to one that did not, and stays in the book for later.
      if (wanted.empty() || wanted.back()->failures < max_dial_failures
          || x->failures >= max_dial_failures)
        return;
      unwant(*wanted.back(), result);
      wanted.pop_back();
    }
    want(*x, result);
  }
}

std::size_t address_book::free_slots() const {
  return max_peers_ - std::min(max_peers_, connected_.size() - configured_connected_);
}

void address_book::plan_discovered(plan& result, random_source& random) {
  const auto most_tries = is_at_ease() ? max_strangers_at_ease : max_tries;
  const auto most_waits = is_at_ease() ? max_strangers_at_ease : max_waits;
  std::vector<entry*> pending; // Wanted and not connected.
  std::size_t tries = 0;
  std::size_t waits = 0;
  std::size_t strangers = 0;
  for (const auto& [ip, x] : engaged_)
    if (x->purpose == dial_purpose::discovered && x->wanted && !x->connected) {
      pending.push_back(x);
      strangers += is_stranger(*x);
      if (is_try(*x))
        ++(x->we_dial ? tries : waits);
    }
  std::sort(pending.begin(), pending.end(),
            [](const entry* a, const entry* b) { return rank_of(*a) > rank_of(*b); });
  const auto slots = free_slots();
  for (; pending.size() > slots; pending.pop_back()) {
    strangers -= is_stranger(*pending.back());
    unwant(*pending.back(), result);
  }
  // Those that failed most go first.
  for (auto i = pending.size(); i > 0 && strangers > most_tries + most_waits; --i)
    if (auto* x = pending[i - 1]; is_stranger(*x)) {
      --strangers;
      if (is_try(*x))
        --(x->we_dial ? tries : waits);
      unwant(*x, result);
      pending.erase(pending.begin() + static_cast<std::ptrdiff_t>(i - 1));
    }
  auto places = slots - pending.size();
  const auto room = [](std::size_t most, std::size_t running) { return most - std::min(most, running); };
  // The anchors are wanted at once, all of them: there are few, and each was a good peer.
  if (anchors_ == 0 && std::min(room(most_tries, tries), to_dial_) == 0
      && std::min(room(most_waits, waits), to_wait_for_) == 0)
    return;
  for (auto* x : candidates(room(most_tries, tries), room(most_waits, waits), random)) {
    auto& running = x->we_dial ? tries : waits;
    if (!x->anchor && running >= (x->we_dial ? most_tries : most_waits))
      continue;
    const auto stranger = is_stranger(*x);
    if (places > 0 && (!stranger || strangers < most_tries + most_waits)) {
      --places;
    } else {
      // One that failed often gives its place to one that did not.
      const auto worst = std::find_if(pending.rbegin(), pending.rend(), [&](const entry* y) {
        return places == 0 || is_stranger(*y);
      });
      if (worst == pending.rend() || (*worst)->failures < failures_of_a_try
          || (*worst)->failures <= x->failures)
        return;
      strangers -= is_stranger(**worst);
      unwant(**worst, result);
      pending.erase(std::next(worst).base());
    }
    strangers += stranger;
    want(*x, result);
    ++running;
  }
}

/// The best of those to dial, at most `tries` of them and all anchors, and the best of those to wait for, at most `waits`
/// and all anchors.
std::vector<address_book::entry*> address_book::candidates(std::size_t tries, std::size_t waits,
                                                           random_source& random) {
  std::set<ip_address> used_groups;
  for (const auto& [ip, x] : engaged_)
    if (x->group)
      used_groups.insert(*x->group);
  // Anchors first, then fewest failures, then groups that we have nobody of, then peers that we reached once. Who
  // comes first among equals is chance, so that nobody can place himself there.
  using score = std::tuple<bool, std::uint32_t, bool, bool, std::uint64_t>;
  using scored = std::vector<std::pair<score, entry*>>;
  scored to_dial;
  scored to_wait_for;
  for (auto& [ip, x] : entries_)
    if (is_candidate(x)
        && (x.anchor || (x.we_dial ? tries : waits) > 0))
      (x.we_dial ? to_dial : to_wait_for)
        .emplace_back(score{!x.anchor, x.failures, x.group && used_groups.contains(*x.group),
                            is_unproven(x), random()},
                      &x);
  const auto better = [](const auto& a, const auto& b) { return a.first < b.first; };
  // A full book has thousands, of whom a handful is wanted.
  const auto keep_best = [&](scored& all, std::size_t count) {
    const auto kept = static_cast<std::ptrdiff_t>(std::min(all.size(), count + anchors_));
    std::partial_sort(all.begin(), all.begin() + kept, all.end(), better);
    all.resize(static_cast<std::size_t>(kept));
  };
  keep_best(to_dial, tries);
  keep_best(to_wait_for, waits);
  scored both;
  std::merge(to_dial.begin(), to_dial.end(), to_wait_for.begin(), to_wait_for.end(),
             std::back_inserter(both), better);
  std::vector<entry*> result;
  for (const auto& [_, x] : both)
    result.push_back(x);
  return result;
}

} // namespace timenode
