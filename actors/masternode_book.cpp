#include "actors/masternode_book.hpp"

#include "actors/address_rules.hpp"

#include <algorithm>
#include <utility>

namespace timenode {

namespace {

/// Texts of peers are kept only when they can be shown and have a sensible length. Whether it is a
/// valid address of this network is for those who pay to it.
bool is_sane_reward_address(std::string_view x) noexcept {
  return !x.empty() && x.size() <= max_reward_address &&
         std::all_of(x.begin(), x.end(), [](char c) { return c > ' ' && c <= '~'; });
}

bool same_details(const masternode_entry& a, const wire::masternode_announcement& b) {
  return a.reward_address == b.reward_address && a.tier == b.tier && a.key == b.public_key;
}

void set_details(masternode_entry& to, const wire::masternode_announcement& from) {
  to.reward_address = from.reward_address;
  to.tier = from.tier;
  to.key = from.public_key;
}

}  // namespace

std::optional<ip_address> masternode_ip(std::string_view text) {
  constexpr std::uint16_t any_port = 1;
  const auto parsed = endpoint::parse(text, any_port);
  if (!parsed || !parsed->ip.is_unicast())
    return std::nullopt;
  return parsed->ip;
}

masternode_book::masternode_book(std::optional<ip_address> local_ip) : local_ip_{local_ip} {}

void masternode_book::set_own_address(const ip_address& ip) {
  const auto forget = [this](const ip_address& y) {
    if (const auto i = records_.find(y); i != records_.end())
      remove(i);
  };
  // What others said of the new one was said of us; the old one is not ours any more.
  forget(ip);
  if (self_)
    forget(*self_);
  self_.reset();
  local_ip_ = ip;
}

void masternode_book::add_self(const masternode_self& self, moment now) {
  self_ = self.ip;
  local_ip_ = self.ip;
  ++revision_;
  auto& x = records_[self.ip];
  x.belief = standing::first_hand;
  believed_.insert(self.ip);
  x.shown = {.ip = self.ip,
             .reward_address = self.reward_address,
             .tier = self.tier,
             .key = self.key,
             .active = true,
             .ours = true,
             .active_since = now.unix_s,
             .first_seen = now.unix_s,
             .last_seen = now.unix_s,
             .why = "this node"};
}

// -- first hand -------------------------------------------------------------------

void masternode_book::connected(const ip_address& ip, moment now) {
  connected_.insert(ip);
  tombstones_.erase(ip);
  const auto i = records_.find(ip);
  if (i == records_.end() || ip == self_)
    return;
  auto& x = i->second;
  x.shown.connected = true;
  if (x.belief == standing::first_hand)
    heard(x, now);
  update(x, now, "connected");
}

void masternode_book::disconnected(const ip_address& ip, moment now) {
  connected_.erase(ip);
  const auto i = records_.find(ip);
  if (i == records_.end() || !i->second.shown.connected)
    return;
  auto& x = i->second;
  x.shown.connected = false;
  if (x.belief == standing::first_hand)
    heard(x, now);
}

void masternode_book::heard(record& x, moment now) {
  x.heard_at = now.mono;
  x.shown.last_seen = now.unix_s;
}

// -- announcements and lists --------------------------------------------------------

std::vector<ip_address> masternode_book::announced(const ip_address& from,
                                                   const wire::masternode_announcement& x,
                                                   moment now) {
  const auto ip = masternode_ip(x.address);
  if (!ip || ip == local_ip_ || !is_sane_reward_address(x.reward_address))
    return {};
  const auto is_new = ip == from ? declare(*ip, x, now) : hint(from, *ip, &x, now);
  return is_new ? std::vector{*ip} : std::vector<ip_address>{};
}

std::vector<ip_address> masternode_book::listed(const ip_address& from,
                                                const wire::masternodes_response& x, moment now) {
  std::vector<ip_address> result;
  const auto count = std::min(x.masternodes.size(), max_listed);
  for (std::size_t i = 0; i < count; ++i) {
    const auto to_dial = announced(from, x.masternodes[i], now);
    result.insert(result.end(), to_dial.begin(), to_dial.end());
  }
  return result;
}

bool masternode_book::declare(const ip_address& ip, const wire::masternode_announcement& x,
                              moment now) {
  tombstones_.erase(ip);
  auto i = records_.find(ip);
  if (i == records_.end()) {
    if (!make_room())
      return false;
    i = records_.try_emplace(ip).first;
    i->second.shown.ip = ip;
    i->second.shown.first_seen = now.unix_s;
  }
  auto& known = i->second;
  const auto had_key = known.belief == standing::first_hand && known.key_heard_at != 0;
  if (had_key && known.shown.key != x.public_key) {
    if (now.mono - known.key_heard_at < key_silence) {
      if (const auto* why = "announces another key, and the old one was not silent for an hour";
          known.shown.why != why)
        note(known, now, why);
      return false;
    }
    note(known, now, "announces another key; the old one was silent for an hour");
    // What its old key signed says nothing of the new one.
    if (known.beat_at != 0)
      beats_.erase(known.beat_hash);
    known.beat_key_proven = false;
    known.beat_at = 0;
  }
  const auto is_new = known.belief != standing::first_hand;
  believe(i, standing::first_hand);
  if (!same_details(known.shown, x))
    ++revision_;
  set_details(known.shown, x);
  known.shown.connected = connected_.contains(ip);
  known.key_heard_at = now.mono;
  heard(known, now);
  update(known, now, "announced itself");
  return is_new;
}

// -- hints ----------------------------------------------------------------------------

bool masternode_book::hint(const ip_address& from, const ip_address& ip,
                           const wire::masternode_announcement* x, moment now) {
  if (const auto i = records_.find(ip); i != records_.end()) {
    // Hearsay completes what is hearsay anyway, once. It changes and refreshes nothing.
    auto& known = i->second;
    if (x != nullptr && known.shown.reward_address.empty()) {
      set_details(known.shown, *x);
      update(known, now, "its reward address became known");
    }
    return false;
  }
  if (!is_possible_peer(ip, local_ip_) || tombstones_.contains(ip, now.mono) ||
      !make_room_for_hint(from))
    return false;
  auto& made = records_[ip];
  made.shown.ip = ip;
  made.shown.first_seen = now.unix_s;
  made.shown.connected = connected_.contains(ip);
  made.shown.why = "named by " + from.to_string() + ", not heard of first hand";
  if (x != nullptr)
    set_details(made.shown, *x);
  made.heard_at = now.mono;
  made.hint_source = from;
  made.hint_order = hints_made_++;
  hints_[from].emplace(made.hint_order, ip);
  ++hint_count_;
  return true;
}

std::size_t masternode_book::hints_of(const ip_address& source) const {
  const auto i = hints_.find(source);
  return i != hints_.end() ? i->second.size() : 0;
}

bool masternode_book::make_room_for_hint(const ip_address& from) {
  const auto its = hints_of(from);
  if (its >= max_hints_per_source)
    return false;
  if (hint_count_ < max_hints && records_.size() < max_masternodes)
    return true;
  // Only from one that would still have as many as this one: shares become even, and stay.
  return evict_hint(its + 1);
}

bool masternode_book::make_room() {
  if (records_.size() < max_masternodes || evict_hint(0))
    return true;
  auto oldest = records_.end();
  for (auto i = records_.begin(); i != records_.end(); ++i)
    if (!i->second.shown.active &&
        (oldest == records_.end() || i->second.heard_at < oldest->second.heard_at))
      oldest = i;
  if (oldest == records_.end())
    return false;
  remove(oldest);
  return true;
}

bool masternode_book::evict_hint(std::size_t if_more_than) {
  const auto most = std::max_element(hints_.begin(), hints_.end(), [](auto& a, auto& b) {
    return a.second.size() < b.second.size();
  });
  if (most == hints_.end() || most->second.size() <= if_more_than)
    return false;
  remove(records_.find(most->second.begin()->second));
  return true;
}

// -- state ------------------------------------------------------------------------------

void masternode_book::believe(record_map::iterator i, standing belief) {
  auto& x = i->second;
  if (x.belief == standing::hint && belief != standing::hint) {
    const auto source = hints_.find(x.hint_source);
    // A record that was made first hand is in no source's hints.
    if (source != hints_.end() && source->second.erase(x.hint_order) != 0) {
      --hint_count_;
      if (source->second.empty())
        hints_.erase(source);
    }
  }
  x.belief = std::max(x.belief, belief);
  if (x.belief != standing::hint)
    believed_.insert(i->first);
}

void masternode_book::update(record& x, moment now, std::string why) {
  if (x.shown.ours)
    return;
  const auto linked = x.belief == standing::first_hand && x.shown.connected;
  const auto recent = x.belief != standing::hint && now.mono - x.heard_at < masternode_active_for;
  // Without a reward address nobody could be told of it.
  const auto active = (linked || recent) && !x.shown.reward_address.empty();
  if (active == x.shown.active)
    return;
  if (x.shown.active)
    x.active_before += std::max<std::int64_t>(now.unix_s - x.shown.active_since, 0);
  x.shown.active = active;
  x.shown.active_since = active ? now.unix_s : 0;
  note(x, now, std::move(why));
  ++revision_;
  active_ += active ? 1 : std::size_t{0} - 1;
}

/// Keeps a reason, the last ones of which an operator can look at.
void masternode_book::note(record& x, moment now, std::string why) {
  x.shown.why = why;
  x.changes.push_back({now.unix_s, x.shown.active, std::move(why)});
  if (x.changes.size() > max_changes)
    x.changes.erase(x.changes.begin());
}

masternode_book::record_map::iterator masternode_book::remove(record_map::iterator i) {
  believe(i, standing::first_hand);  // Out of the hints' index.
  if (i->second.shown.active && !i->second.shown.ours)
    --active_;
  if (i->second.shown.active)
    ++revision_;
  if (i->second.beat_at != 0)
    beats_.erase(i->second.beat_hash);
  believed_.erase(i->first);
  return records_.erase(i);
}

std::optional<monotonic_ns> masternode_book::expire(moment now) {
  std::optional<monotonic_ns> next;
  for (auto i = records_.begin(); i != records_.end();) {
    auto& x = i->second;
    if (x.shown.ours || (x.belief == standing::first_hand && x.shown.connected)) {
      ++i;
      continue;
    }
    update(x, now, "no sign of life for 180 s");
    const auto end = x.heard_at + masternode_kept_for;
    if (end <= now.mono) {
      tombstones_.insert(i->first, now.mono, now.mono + tombstone_for);
      i = remove(i);
      continue;
    }
    const auto due = x.shown.active ? x.heard_at + masternode_active_for : end;
    next = std::min(next.value_or(due), due);
    ++i;
  }
  return next;
}

// -- reading ----------------------------------------------------------------------------

masternode_entry masternode_book::shown(const record& x, moment now) const {
  auto result = x.shown;
  result.hearsay = x.belief == standing::hint;
  // What others say its key is may be anything; what it signs its heartbeats with was attested to.
  if (x.belief == standing::attested)
    result.key = x.beat_key;
  if (x.shown.ours || (x.belief == standing::first_hand && x.shown.connected))
    result.last_seen = now.unix_s;
  result.uptime = x.active_before;
  if (x.shown.active)
    result.uptime += std::max<std::int64_t>(now.unix_s - x.shown.active_since, 0);
  return result;
}

std::vector<masternode_entry> masternode_book::list(moment now) const {
  std::vector<masternode_entry> result;
  result.reserve(records_.size());
  for (const auto& [ip, x] : records_)
    result.push_back(shown(x, now));
  return result;
}

std::vector<masternode_entry> masternode_book::believed(moment now) const {
  std::vector<masternode_entry> result;
  result.reserve(believed_.size());
  for (const auto& ip : believed_)
    result.push_back(shown(records_.at(ip), now));
  return result;
}

masternode_detail masternode_book::explain(const ip_address& ip, moment now) const {
  constexpr monotonic_ns second = 1'000'000'000;
  masternode_detail result;
  result.entry.ip = ip;
  const auto i = records_.find(ip);
  if (i == records_.end()) {
    result.belief =
        tombstones_.contains(ip, now.mono)
            ? "it was silent for an hour; what others say does not bring it back for two"
            : "nobody named it";
    return result;
  }
  const auto& x = i->second;
  result.known = true;
  result.entry = shown(x, now);
  result.verified_heartbeats = x.verified_beats;
  result.changes.assign(x.changes.rbegin(), x.changes.rend());
  result.heartbeats.assign(x.beats.rbegin(), x.beats.rend());
  if (!result.heartbeats.empty())
    result.heartbeats.front().witnesses = x.witnesses;
  const auto until = [&](monotonic_ns at) {
    return std::max<std::int64_t>((at - now.mono) / second, 0);
  };
  const auto gone_at = x.heard_at + masternode_kept_for;
  if (x.shown.ours) {
    result.belief = "it is this node";
  } else if (x.belief == standing::hint) {
    result.belief = "hearsay: " + x.hint_source.to_string() +
                    " named it; that is worth a dial and nothing else";
    result.next = "it is forgotten";
    result.next_in = until(gone_at);
  } else {
    result.belief = x.belief == standing::first_hand
                        ? "first hand: it announced itself over a connection of its own"
                        : "attested: enough other masternodes saw its heartbeat";
    if (x.belief == standing::first_hand && x.shown.connected) {
      result.next = "nothing, while it is connected";
    } else if (x.shown.active) {
      result.next = "it counts as inactive";
      result.next_in = until(x.heard_at + masternode_active_for);
    } else {
      result.next = "it is forgotten";
      result.next_in = until(gone_at);
    }
  }
  return result;
}

attestation_stats masternode_book::stats() const {
  attestation_stats result;
  for (const auto& [ip, x] : records_) {
    result.kept += x.beats.size();
    result.masternodes += x.beats.empty() ? 0 : 1;
    result.verified += static_cast<std::uint64_t>(
        std::count_if(x.beats.begin(), x.beats.end(), [](auto& beat) { return beat.verified; }));
  }
  result.verified_in_all = verified_beats_;
  return result;
}

}  // namespace timenode
