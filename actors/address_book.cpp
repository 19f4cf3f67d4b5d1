#include "actors/address_book.hpp"

#include "actors/address_rules.hpp"
#include "net/direction.hpp"

#include <algorithm>
#include <charconv>

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

bool address_book::is_try(const entry& x) noexcept {
  return x.purpose == dial_purpose::discovered && x.wanted && !x.connected
         && x.failures < failures_of_a_try;
}

address_book::rank address_book::rank_of(const entry& x) noexcept {
  return {-std::int64_t{x.failures}, x.order};
}

void address_book::index(const entry& x) {
  configured_ += x.purpose == dial_purpose::configured;
  unmet_masternodes_ += is_unmet_masternode(x);
  if (x.purpose == dial_purpose::discovered && is_unproven(x))
    ++unproven_by_source_[x.source];
  if (x.purpose == dial_purpose::discovered && !x.group.empty())
    ++by_group_[x.group];
  if (is_evictable(x))
    evictable_.emplace(rank_of(x), x.at.ip);
}

void address_book::unindex(const entry& x) {
  const auto decrement = [](auto& counts, const auto& key) {
    if (const auto i = counts.find(key); --i->second == 0)
      counts.erase(i);
  };
  configured_ -= x.purpose == dial_purpose::configured;
  unmet_masternodes_ -= is_unmet_masternode(x);
  if (x.purpose == dial_purpose::discovered && is_unproven(x))
    decrement(unproven_by_source_, x.source);
  if (x.purpose == dial_purpose::discovered && !x.group.empty())
    decrement(by_group_, x.group);
  if (is_evictable(x))
    evictable_.erase(rank_of(x));
}

void address_book::erase(entry_map::iterator i) {
  unindex(i->second);
  entries_.erase(i);
}

bool address_book::drop_failed_masternode() {
  auto worst = entries_.end();
  for (auto i = entries_.begin(); i != entries_.end(); ++i)
    if (is_unmet_masternode(i->second) && i->second.failures >= max_dial_failures
        && (worst == entries_.end() || i->second.failures > worst->second.failures))
      worst = i;
  if (worst == entries_.end())
    return false;
  if (worst->second.wanted)
    dropped_.push_back(worst->first);
  erase(worst);
  return true;
}

bool address_book::has_room(const entry& x) {
  if (x.purpose == dial_purpose::configured)
    return true;
  if (is_unmet_masternode(x) && unmet_masternodes_ >= max_unmet_masternodes
      && !drop_failed_masternode())
    return false;
  if (x.purpose == dial_purpose::discovered) {
    const auto of_source = unproven_by_source_.find(x.source);
    if (is_unproven(x) && of_source != unproven_by_source_.end()
        && of_source->second >= max_addresses_per_source)
      return false;
    const auto of_group = by_group_.find(x.group);
    if (of_group != by_group_.end() && of_group->second >= max_addresses_per_group)
      return false;
  }
  return entries_.size() - configured_ < max_addresses || !evictable_.empty();
}

bool address_book::add(entry x) {
  x.connected = x.met = connected_.contains(x.at.ip);
  if (!is_local_address(x.at.ip))
    x.group = x.at.ip.group();
  if (!has_room(x))
    return false;
  if (x.purpose != dial_purpose::configured && entries_.size() - configured_ >= max_addresses)
    erase(entries_.find(evictable_.begin()->second));
  x.order = added_++;
  x.we_dial = !local_ip_ || net::local_dials(*local_ip_, x.at.ip);
  index(entries_.emplace(x.at.ip, std::move(x)).first->second);
  return true;
}

// -- where addresses come from ------------------------------------------------------

void address_book::add_configured(const endpoint& x) {
  if (x.ip == local_ip_)
    return;
  const auto i = entries_.find(x.ip);
  if (i == entries_.end()) {
    add({.at = x, .purpose = dial_purpose::configured});
    return;
  }
  if (i->second.purpose == dial_purpose::configured && i->second.at == x)
    return;
  change(i->second, [&x](entry& known) {
    known.purpose = dial_purpose::configured;
    known.at = x;
  });
  renewed_.push_back(x.ip);
}

bool address_book::add_masternode(const endpoint& x) {
  if (!is_possible_peer(x.ip, local_ip_))
    return false;
  const auto i = entries_.find(x.ip);
  if (i == entries_.end())
    return add({.at = x, .purpose = dial_purpose::masternode});
  if (i->second.purpose != dial_purpose::discovered)
    return true;
  if (is_unproven(i->second) && !i->second.met && unmet_masternodes_ >= max_unmet_masternodes
      && !drop_failed_masternode())
    return false;
  change(i->second, [](entry& known) { known.purpose = dial_purpose::masternode; });
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
  connected_.insert_or_assign(peer.ip, listens);
  auto i = entries_.find(peer.ip);
  if (i == entries_.end()) {
    if (!is_possible_peer(peer.ip, local_ip_)
        || !add({.at = listens, .source = peer.ip}))
      return;
    i = entries_.find(peer.ip);
  }
  change(i->second, [&](entry& x) {
    x.connected = true;
    x.met = true;
    x.failures = 0;
    if (outbound) {
      x.at.port = listens.port;
      x.last_success = unix_now;
    }
  });
}

void address_book::disconnected(const ip_address& ip) {
  connected_.erase(ip);
  if (const auto i = entries_.find(ip); i != entries_.end())
    change(i->second, [](entry& x) { x.connected = false; });
}

bool address_book::dialed(const dial_report& report, std::int64_t unix_now) {
  const auto i = entries_.find(report.to.ip);
  if (i == entries_.end())
    return false;
  change(i->second, [&](entry& x) {
    if (report.reached) {
      x.last_success = unix_now;
      x.failures = 0;
    } else {
      // The registry counts from zero again when it was told to forget the peer in between.
      x.failures = std::max(x.failures + 1, report.failures);
    }
  });
  const auto& x = i->second;
  if (x.purpose != dial_purpose::discovered || x.connected || x.failures < max_dial_failures)
    return false;
  erase(i);
  return true;
}

// -- telling others -----------------------------------------------------------------

std::vector<std::string> address_book::sample(std::size_t count, random_source& random) const {
  std::vector<endpoint> linked;
  std::vector<endpoint> reached;
  for (const auto& [ip, listens] : connected_)
    if (is_possible_peer(ip, local_ip_))
      linked.push_back(listens);
  for (const auto& [ip, x] : entries_)
    if (!x.connected && !is_unproven(x) && x.failures == 0 && is_possible_peer(ip, local_ip_))
      reached.push_back(x.at);
  std::shuffle(linked.begin(), linked.end(), random);
  std::shuffle(reached.begin(), reached.end(), random);
  linked.insert(linked.end(), reached.begin(), reached.end());
  std::vector<std::string> result;
  for (std::size_t i = 0; i < std::min(count, linked.size()); ++i)
    result.push_back(linked[i].to_string());
  return result;
}

directory_snapshot address_book::snapshot() const {
  auto result = directory_snapshot{.known = entries_.size(), .configured = configured_,
                                   .connected = connected_.size()};
  for (const auto& [ip, x] : entries_)
    result.wanted += x.wanted && !x.connected;
  return result;
}

// -- keeping it ---------------------------------------------------------------------

std::vector<std::string> address_book::to_lines() const {
  std::vector<std::string> result;
  for (const auto& [ip, x] : entries_)
    if (x.purpose != dial_purpose::configured)
      result.push_back(x.at.to_string() + ' ' + std::string{to_text(x.purpose)} + ' '
                       + std::to_string(x.last_success) + ' ' + std::to_string(x.failures) + ' '
                       + x.source.to_string());
  return result;
}

std::size_t address_book::from_lines(std::span<const std::string> lines) {
  std::size_t result = 0;
  for (const auto& line : lines)
    if (auto x = parse_line(line); x && !entries_.contains(x->at.ip))
      result += add(std::move(*x));
  return result;
}

std::optional<address_book::entry> address_book::parse_line(std::string_view line) const {
  const auto next_word = [&line] {
    const auto end = std::min(line.find(' '), line.size());
    const auto word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
  };
  const auto read = [](std::string_view word, auto& number) {
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    return error == std::errc{} && end == word.data() + word.size() && number >= 0;
  };
  entry result;
  const auto at = endpoint::parse(next_word(), 0);
  const auto purpose = next_word();
  if (!at || at->port == 0 || !is_possible_peer(at->ip, local_ip_)
      || !read(next_word(), result.last_success) || !read(next_word(), result.failures))
    return std::nullopt;
  const auto source = ip_address::parse(next_word());
  if (!source || !line.empty())
    return std::nullopt;
  if (purpose == to_text(dial_purpose::masternode))
    result.purpose = dial_purpose::masternode;
  else if (purpose != to_text(dial_purpose::discovered))
    return std::nullopt;
  result.at = *at;
  result.source = *source;
  return result;
}

} // namespace timenode
