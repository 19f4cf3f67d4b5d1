#include "chain/output_watches.hpp"

#include <algorithm>
#include <string_view>

namespace timenode::chain {

namespace {

std::size_t size_of(const wire::subscribe& x) {
  return x.addresses.size() + x.outpoints.size();
}

outcome<void> check_count(std::size_t watched) {
  if (watched <= max_watched_per_peer)
    return {};
  return fail("it would watch " + std::to_string(watched) + " addresses and outputs; " +
              std::to_string(max_watched_per_peer) + " are allowed");
}

template <class Map, class Key>
void count_up(Map& map, const Key& key, const ip_address& who) {
  ++map[key][who];
}

template <class Map, class Key>
void count_down(Map& map, const Key& key, const ip_address& who) {
  const auto entry = map.find(key);
  const auto i = entry->second.find(who);
  if (--i->second == 0)
    entry->second.erase(i);
  if (entry->second.empty())
    map.erase(entry);
}

}  // namespace

outcome<void> output_watches::check(const wire::subscribe& x) {
  if (x.id.size() > max_subscription_id_bytes)
    return fail("its id is longer than " + std::to_string(max_subscription_id_bytes) + " bytes");
  for (const auto& address : x.addresses)
    if (address.size() > max_watched_address_bytes)
      return fail("an address is longer than " + std::to_string(max_watched_address_bytes) +
                  " bytes");
  return check_count(size_of(x));
}

outcome<void> output_watches::subscribe(const ip_address& who, const wire::subscribe& x) {
  if (auto allowed = check(x); !allowed)
    return allowed;
  std::size_t watched = size_of(x);
  std::size_t count = 1;
  if (const auto known = peers_.find(who); known != peers_.end()) {
    const auto same = known->second.subscriptions.find(x.id);
    const auto replaced = same != known->second.subscriptions.end();
    watched += known->second.watched - (replaced ? size_of(same->second) : 0);
    count = known->second.subscriptions.size() + (replaced ? 0 : 1);
  }
  if (count > max_subscriptions_per_peer)
    return fail("it has " + std::to_string(max_subscriptions_per_peer) + " subscriptions already");
  if (auto allowed = check_count(watched); !allowed)
    return allowed;
  unsubscribe(who, x.id);
  auto& known = peers_[who];
  known.watched = watched;
  index(who, known.subscriptions[x.id] = x);
  return {};
}

void output_watches::unsubscribe(const ip_address& who, const std::string& id) {
  const auto known = peers_.find(who);
  if (known == peers_.end())
    return;
  const auto x = known->second.subscriptions.find(id);
  if (x == known->second.subscriptions.end())
    return;
  unindex(who, x->second);
  known->second.watched -= size_of(x->second);
  known->second.subscriptions.erase(x);
  if (known->second.subscriptions.empty())
    peers_.erase(known);
}

void output_watches::forget(const ip_address& who) {
  if (const auto known = peers_.extract(who))
    for (const auto& [id, x] : known.mapped().subscriptions)
      unindex(who, x);
}

std::size_t output_watches::subscriptions() const noexcept {
  std::size_t result = 0;
  for (const auto& [who, x] : peers_)
    result += x.subscriptions.size();
  return result;
}

std::vector<ip_address> output_watches::watchers_of(const outpoint& output,
                                                    const byte_string* script) const {
  std::set<ip_address> result;
  if (const auto i = by_output_.find(output); i != by_output_.end())
    for (const auto& [who, _] : i->second)
      result.insert(who);
  if (script) {
    const auto text =
        std::string_view{reinterpret_cast<const char*>(script->data()), script->size()};
    if (const auto i = by_address_.find(text); i != by_address_.end())
      for (const auto& [who, _] : i->second)
        result.insert(who);
  }
  return {result.begin(), result.end()};
}

void output_watches::index(const ip_address& who, const wire::subscribe& x) {
  for (const auto& output : x.outpoints)
    count_up(by_output_, output, who);
  for (const auto& address : x.addresses)
    count_up(by_address_, address, who);
}

void output_watches::unindex(const ip_address& who, const wire::subscribe& x) {
  for (const auto& output : x.outpoints)
    count_down(by_output_, output, who);
  for (const auto& address : x.addresses)
    count_down(by_address_, address, who);
}

}  // namespace timenode::chain
