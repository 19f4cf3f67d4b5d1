#include "actors/address_book.hpp"

#include "actors/address_rules.hpp"
#include "net/address_scope.hpp"
#include "net/direction.hpp"

#include <algorithm>

namespace timenode {

// -- entries ----------------------------------------------------------------------

address_book::address_book(std::optional<ip_address> local_ip, std::uint16_t default_port,
                           std::size_t max_peers)
    : local_ip_{local_ip}, default_port_{default_port}, max_peers_{max_peers} {}

bool address_book::is_unproven(const entry& x) noexcept {
  return x.last_success == 0;
}

bool address_book::is_evictable(const entry& x) noexcept {
  return x.purpose == dial_purpose::discovered && is_unproven(x) && !x.connected && !x.wanted;
}

bool address_book::is_unmet_masternode(const entry& x) noexcept {
  return x.purpose == dial_purpose::masternode && is_unproven(x) && !x.met;
}

bool address_book::is_pending(const entry& x) noexcept {
  return x.purpose == dial_purpose::discovered && x.wanted && !x.connected;
}

bool address_book::is_try(const entry& x) noexcept {
  return is_pending(x) && x.failures < failures_of_a_try;
}

bool address_book::is_candidate(const entry& x) noexcept {
  return x.purpose == dial_purpose::discovered && !x.wanted && !x.connected && x.rests_until == 0;
}

bool address_book::is_stranger(const entry& x) noexcept {
  return x.purpose == dial_purpose::discovered && is_unproven(x) && !x.met && x.last_seen == 0;
}

bool address_book::is_reachable(const entry& x) noexcept {
  return !x.connected && !is_unproven(x) && x.failures == 0;
}

bool address_book::is_good_peer(const entry& x) noexcept {
  return x.connected && (x.purpose != dial_purpose::discovered || !is_unproven(x));
}

address_book::rank address_book::rank_of(const entry& x) noexcept {
  return {-std::int64_t{x.failures}, x.order};
}

void address_book::index(entry& x) {
  const auto discovered = x.purpose == dial_purpose::discovered;
  configured_ += x.purpose == dial_purpose::configured;
  good_peers_ += is_good_peer(x);
  configured_connected_ += x.purpose == dial_purpose::configured && x.connected;
  if (is_unmet_masternode(x))
    (x.wanted ? unmet_wanted_ : unmet_idle_).emplace(rank_of(x), &x);
  else if (!discovered && !x.wanted && x.rests_until == 0)
    due_.emplace(x.at.ip, &x);
  if (is_pending(x)) {
    pending_.emplace(rank_of(x), &x);
    if (is_stranger(x))
      strangers_.emplace(rank_of(x), &x);
    if (is_try(x))
      ++(x.we_dial ? tries_ : waits_);
  }
  if (x.rests_until != 0)
    resting_.emplace(x.rests_until, x.at.ip);
  if (is_reachable(x))
    reachable_.emplace(x.at.ip, &x);
  if (is_candidate(x) && x.anchor)
    anchors_.emplace(x.at.ip, &x);
  else if (is_candidate(x))
    (x.we_dial ? to_dial_ : to_wait_for_).add(x);
  if (x.group && (x.wanted || x.connected))
    ++engaged_by_group_[*x.group];
  if (discovered && is_unproven(x))
    ++unproven_by_source_[net::group_of(x.source)];
  if (discovered && x.group)
    ++by_group_[*x.group];
  if (is_evictable(x))
    evictable_[net::group_of(x.source)].emplace(rank_of(x), x.at.ip);
}

void address_book::unindex(const entry& x) {
  const auto decrement = [](auto& counts, const auto& key) {
    if (const auto i = counts.find(key); --i->second == 0)
      counts.erase(i);
  };
  const auto discovered = x.purpose == dial_purpose::discovered;
  configured_ -= x.purpose == dial_purpose::configured;
  good_peers_ -= is_good_peer(x);
  configured_connected_ -= x.purpose == dial_purpose::configured && x.connected;
  if (is_unmet_masternode(x))
    (x.wanted ? unmet_wanted_ : unmet_idle_).erase(rank_of(x));
  else if (!discovered && !x.wanted && x.rests_until == 0)
    due_.erase(x.at.ip);
  if (is_pending(x)) {
    pending_.erase(rank_of(x));
    if (is_stranger(x))
      strangers_.erase(rank_of(x));
    if (is_try(x))
      --(x.we_dial ? tries_ : waits_);
  }
  if (x.rests_until != 0)
    resting_.erase({x.rests_until, x.at.ip});
  if (is_reachable(x))
    reachable_.erase(x.at.ip);
  if (is_candidate(x) && x.anchor)
    anchors_.erase(x.at.ip);
  else if (is_candidate(x))
    (x.we_dial ? to_dial_ : to_wait_for_).remove(x);
  if (x.group && (x.wanted || x.connected))
    decrement(engaged_by_group_, *x.group);
  if (discovered && is_unproven(x))
    decrement(unproven_by_source_, net::group_of(x.source));
  if (discovered && x.group)
    decrement(by_group_, *x.group);
  if (is_evictable(x)) {
    const auto i = evictable_.find(net::group_of(x.source));
    i->second.erase(rank_of(x));
    if (i->second.empty())
      evictable_.erase(i);
  }
}

void address_book::erase(entry_map::iterator i) {
  unindex(i->second);
  entries_.erase(i);
  ++changes_;
}

bool address_book::make_room() {
  if (evictable_.empty())
    return false;
  // Whoever has most gives, so that no source can take the place of another by naming more.
  const auto richest = std::ranges::max_element(
      evictable_, {}, [](const auto& of_source) { return of_source.second.size(); });
  erase(entries_.find(richest->second.begin()->second));
  return true;
}

bool address_book::drop_failed_masternode() {
  entry* worst = nullptr;
  for (const auto* some : {&unmet_wanted_, &unmet_idle_})
    if (!some->empty() && (worst == nullptr || some->begin()->first < rank_of(*worst)))
      worst = some->begin()->second;
  if (worst == nullptr || worst->failures < max_dial_failures)
    return false;
  if (worst->wanted)
    dropped_.push_back(worst->at.ip);
  erase(entries_.find(worst->at.ip));
  return true;
}

bool address_book::has_room(const entry& x) {
  if (x.purpose == dial_purpose::configured)
    return true;
  if (is_unmet_masternode(x) && unmet_masternodes() >= max_unmet_masternodes &&
      !drop_failed_masternode())
    return false;
  if (x.purpose == dial_purpose::discovered) {
    const auto of_source = unproven_by_source_.find(net::group_of(x.source));
    if (is_unproven(x) && of_source != unproven_by_source_.end() &&
        of_source->second >= max_addresses_per_source)
      return false;
    if (x.group)
      if (const auto of_group = by_group_.find(*x.group);
          of_group != by_group_.end() && of_group->second >= max_addresses_per_group)
        return false;
  }
  return entries_.size() - configured_ < max_addresses || !evictable_.empty();
}

bool address_book::add(entry x) {
  x.connected = x.met = connected_.contains(x.at.ip);
  if (!is_local_address(x.at.ip))
    x.group = net::group_of(x.at.ip);
  if (!has_room(x))
    return false;
  if (x.purpose != dial_purpose::configured && entries_.size() - configured_ >= max_addresses)
    make_room();
  ++changes_;
  x.order = added_++;
  x.we_dial = !local_ip_ || net::local_dials(*local_ip_, x.at.ip);
  index(entries_.emplace(x.at.ip, std::move(x)).first->second);
  return true;
}

// -- where addresses come from ------------------------------------------------------

bool address_book::add_configured(const endpoint& x) {
  if (x.ip == local_ip_)
    return false;
  const auto i = entries_.find(x.ip);
  if (i == entries_.end())
    return add({.at = x, .purpose = dial_purpose::configured});
  if (i->second.purpose == dial_purpose::configured && i->second.at == x)
    return false;
  change(i->second, [&x](entry& known) {
    known.purpose = dial_purpose::configured;
    known.rests_until = 0;
    known.at = x;
  });
  renewed_.push_back(x.ip);
  return true;
}

bool address_book::remove_configured(const ip_address& ip) {
  const auto i = entries_.find(ip);
  if (i == entries_.end() || i->second.purpose != dial_purpose::configured)
    return false;
  dropped_.push_back(ip);
  auto x = i->second;
  erase(i);
  // What is known of it stays, if there is room; it is one of many then.
  if (x.connected || !is_unproven(x))
    add({.at = x.at, .source = x.source, .last_success = x.last_success, .last_seen = x.last_seen});
  return true;
}

void address_book::set_own_address(const ip_address& ip) {
  local_ip_ = ip;
  if (const auto i = entries_.find(ip); i != entries_.end()) {
    if (i->second.wanted)
      dropped_.push_back(ip);
    erase(i);
  }
  for (auto& [other, x] : entries_)
    change(x, [&](entry& y) { y.we_dial = net::local_dials(ip, other); });
}

bool address_book::add_masternode(const endpoint& x) {
  if (!is_possible_peer(x.ip, local_ip_))
    return false;
  const auto i = entries_.find(x.ip);
  if (i == entries_.end())
    return add({.at = x, .purpose = dial_purpose::masternode});
  if (i->second.purpose != dial_purpose::discovered)
    return true;
  if (is_unproven(i->second) && !i->second.met && unmet_masternodes() >= max_unmet_masternodes &&
      !drop_failed_masternode())
    return false;
  change(i->second, [](entry& known) {
    known.purpose = dial_purpose::masternode;
    known.rests_until = 0;
  });
  renewed_.push_back(x.ip);
  return true;
}

std::size_t address_book::learn(std::span<const std::string> texts, const ip_address& source) {
  std::size_t result = 0;
  for (const auto& text : texts.first(std::min(texts.size(), max_learned_at_once))) {
    const auto x = endpoint::parse(text, default_port_);
    if (!x || x->port == 0 || !is_possible_peer(x->ip, local_ip_) || entries_.contains(x->ip))
      continue;
    result += add({.at = *x, .source = source});
  }
  return result;
}

// -- what happens -------------------------------------------------------------------

void address_book::connected(const peer_info& peer, std::int64_t unix_now) {
  const auto outbound = peer.direction == link_direction::outbound;
  const auto listens = outbound ? peer.remote : endpoint{peer.ip, default_port_};
  connected_.insert_or_assign(peer.ip, listens.to_string());
  auto i = entries_.find(peer.ip);
  if (i == entries_.end()) {
    if (!is_possible_peer(peer.ip, local_ip_) || !add({.at = listens, .source = peer.ip}))
      return;
    i = entries_.find(peer.ip);
  }
  ++changes_;
  change(i->second, [&](entry& x) {
    x.connected = true;
    x.rests_until = 0;
    x.met = true;
    x.anchor = false;
    x.failures = 0;
    x.last_seen = unix_now;
    x.connected_at = unix_now;
    if (outbound) {
      x.at.port = listens.port;
      x.last_success = unix_now;
    }
  });
}

void address_book::disconnected(const ip_address& ip, std::int64_t unix_now) {
  connected_.erase(ip);
  const auto i = entries_.find(ip);
  if (i == entries_.end())
    return;
  ++changes_;
  change(i->second, [unix_now](entry& x) {
    x.connected = false;
    x.last_seen = unix_now;
  });
}

void address_book::connection_lasted(const ip_address& ip, monotonic_ns duration,
                                     monotonic_ns now) {
  const auto i = entries_.find(ip);
  if (i == entries_.end() || i->second.purpose == dial_purpose::configured)
    return;
  auto& known = i->second;
  known.turned_away = duration < turned_away_within ? known.turned_away + 1 : 0;
  if (known.purpose == dial_purpose::discovered)
    turned_away_in_row_ = known.turned_away > 0 ? turned_away_in_row_ + 1 : 0;
  const auto patience = known.purpose == dial_purpose::masternode ? patience_with_masternodes : 0;
  if (known.turned_away <= patience)
    return;
  if (known.wanted)
    dropped_.push_back(ip);
  change(known, [&](entry& x) {
    x.wanted = false;
    x.rests_until =
        now + std::min(longest_rest, first_rest << std::min(x.turned_away - patience - 1, 6u));
  });
}

bool address_book::dialed(const dial_report& report, std::int64_t unix_now) {
  const auto i = entries_.find(report.to.ip);
  if (i == entries_.end())
    return false;
  if (i->second.purpose == dial_purpose::configured && !report.reached && i->second.failures > 0) {
    // As most dials that lead nowhere, over and over: no index asks how often.
    i->second.failures = std::max(i->second.failures + 1, report.failures);
    return false;
  }
  ++changes_;
  if (is_stranger(i->second)) {
    if (report.reached)
      unreached_in_row_ = 0;
    else if (i->second.failures == 0)
      ++unreached_in_row_;
  }
  change(i->second, [&](entry& x) {
    if (report.reached) {
      x.last_success = unix_now;
      x.failures = 0;
    } else {
      // The registry counts from zero again when it was told to forget the peer in between.
      x.failures = std::max(x.failures + 1, report.failures);
      x.anchor = x.anchor && x.failures < failures_of_a_try;
    }
  });
  const auto& x = i->second;
  if (x.purpose != dial_purpose::discovered || x.connected || x.failures < max_dial_failures ||
      (x.last_seen != 0 && unix_now - x.last_seen < forgotten_after))
    return false;
  erase(i);
  return true;
}

// -- telling others -----------------------------------------------------------------

std::vector<std::string> address_book::sample(std::size_t count, random_source& random) const {
  std::vector<std::string> result;
  result.reserve(count);
  std::vector<const std::string*> peers;
  for (const auto& [ip, listens] : connected_)
    if (is_possible_peer(ip, local_ip_))
      peers.push_back(&listens);
  std::ranges::shuffle(peers, random);
  for (std::size_t i = 0; i < peers.size() && result.size() < count; ++i)
    result.push_back(*peers[i]);
  if (result.size() == count)
    return result;
  std::vector<const entry*> others;
  for (const auto& [ip, x] : reachable_)
    if (is_possible_peer(ip, local_ip_))
      others.push_back(x);
  std::ranges::shuffle(others, random);
  for (std::size_t i = 0; i < others.size() && result.size() < count; ++i)
    result.push_back(others[i]->at.to_string());
  return result;
}

}  // namespace timenode
