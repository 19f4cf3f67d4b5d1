#include "net/inbound_gate.hpp"

#include "net/address_scope.hpp"

#include <algorithm>
#include <utility>

namespace timenode::net {

namespace {

/// Groups whose rate is remembered. A group that has not connected for some seconds need not be; when all have, the
/// limit of all together holds.
constexpr std::size_t max_groups = 4096;

}  // namespace

inbound_limits inbound_limits::for_peers(std::size_t max_peers) noexcept {
  inbound_limits result;
  const auto peers = static_cast<double>(max_peers);
  result.handshakes = std::max(result.handshakes, max_peers);
  result.per_second = std::max(result.per_second, peers / 5);
  result.burst = std::max(result.burst, peers);
  return result;
}

inbound_gate::inbound_gate(inbound_limits limits) noexcept
    : limits_{limits}, rate_{limits.per_second, limits.burst} {}

inbound_gate::decision inbound_gate::arrived(const ip_address& ip, bool favoured,
                                             monotonic_ns now) {
  if (favoured)
    return {};
  auto& its = group_for(ip, now);
  if (!its.rate.has_token(now))
    return {inbound_refusal::group_rate, {}};
  if (!rate_.take(now))
    return {inbound_refusal::rate, {}};
  its.rate.take(now);
  const auto most_of_group =
      std::max<std::size_t>(1, static_cast<std::size_t>(static_cast<double>(limits_.handshakes) *
                                                        limits_.share_of_group));
  decision result;
  if (its.handshakes.size() >= most_of_group)
    result.drop = its.handshakes.front();
  else if (by_id_.size() - favoured_ >= limits_.handshakes)
    result.drop = oldest_of_largest_group();
  return result;
}

void inbound_gate::begun(link_id id, const ip_address& ip, bool favoured) {
  if (favoured) {
    by_id_.emplace(id, place{groups_.end(), {}, true});
    ++favoured_;
    return;
  }
  const auto i = groups_.find(group_of(ip));  // `arrived` made it
  auto& its = i->second.handshakes;
  by_id_.emplace(id, place{i, its.insert(its.end(), id), false});
}

void inbound_gate::finished(link_id id) {
  const auto i = by_id_.find(id);
  if (i == by_id_.end())
    return;
  if (i->second.favoured)
    --favoured_;
  else
    i->second.in->second.handshakes.erase(i->second.at);
  by_id_.erase(i);
}

inbound_gate::group& inbound_gate::group_for(const ip_address& ip, monotonic_ns now) {
  const auto key = group_of(ip);
  if (const auto i = groups_.find(key); i != groups_.end())
    return i->second;
  if (groups_.size() >= max_groups)
    forget_idle_groups(now);
  auto fresh = group{token_bucket{limits_.per_second * limits_.share_of_group,
                                  std::max(1.0, limits_.burst * limits_.share_of_group)},
                     {}};
  return groups_.emplace(key, std::move(fresh)).first->second;
}

void inbound_gate::forget_idle_groups(monotonic_ns now) {
  std::erase_if(groups_, [now](const auto& x) {
    return x.second.handshakes.empty() && x.second.rate.is_full(now);
  });
  // All of them are busy: those without a handshake begin anew, which the limit of all together makes good.
  if (groups_.size() >= max_groups)
    std::erase_if(groups_, [](const auto& x) { return x.second.handshakes.empty(); });
}

std::optional<link_id> inbound_gate::oldest_of_largest_group() const {
  const std::list<link_id>* largest = nullptr;
  for (const auto& [key, x] : groups_)
    if (!x.handshakes.empty() &&
        (!largest || x.handshakes.size() > largest->size() ||
         (x.handshakes.size() == largest->size() && x.handshakes.front() < largest->front())))
      largest = &x.handshakes;
  return largest ? std::optional{largest->front()} : std::nullopt;
}

}  // namespace timenode::net
