#include "net/slots.hpp"

#include "net/address_scope.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace timenode::net {

namespace {

/// A stranger is limited by its group; masternodes and what the operator said are not.
bool is_stranger(const slot_holder& x) noexcept {
  return !x.configured && !x.trusted && !x.masternode;
}

/// The oldest `count` of those that `which` is true for.
template <class Predicate>
void protect_oldest(std::span<const slot_holder> holders, std::size_t count, Predicate which,
                    std::unordered_set<const slot_holder*>& to) {
  std::vector<const slot_holder*> chosen;
  for (const auto& x : holders)
    if (which(x))
      chosen.push_back(&x);
  if (chosen.size() > count) {
    std::ranges::nth_element(chosen, chosen.begin() + static_cast<std::ptrdiff_t>(count), {},
                             [](const auto* x) {
                               return std::pair{x->since, x->ip};
                             });
    chosen.resize(count);
  }
  to.insert(chosen.begin(), chosen.end());
}

}  // namespace

std::size_t group_limit(std::size_t max_peers) noexcept {
  const auto share =
      static_cast<std::size_t>(std::ceil(static_cast<double>(max_peers) * group_share));
  return std::max(group_least, share);
}

slot_decision decide_slot(const slot_holder& candidate, std::span<const slot_holder> holders,
                          std::size_t max_peers) {
  if (candidate.configured)
    return {};
  std::size_t counted = 0;
  std::size_t masternodes = 0;
  std::unordered_map<ip_address, std::size_t> groups;  // strangers
  for (const auto& x : holders) {
    counted += x.configured ? 0 : 1;
    masternodes += !x.configured && x.masternode ? 1 : 0;
    if (is_stranger(x))
      ++groups[group_of(x.ip)];
  }
  const auto group = group_of(candidate.ip);
  const auto group_full = is_stranger(candidate) && groups[group] >= group_limit(max_peers);
  if (counted < max_peers && !group_full)
    return {};

  const auto share = static_cast<std::size_t>(static_cast<double>(max_peers) * masternode_share);
  std::unordered_set<const slot_holder*> safe;
  protect_oldest(
      holders, share, [](const auto& x) { return x.masternode && !x.configured; }, safe);
  protect_oldest(
      holders, protected_dials, [](const auto& x) { return x.dialed && is_stranger(x); }, safe);
  const auto privileged = candidate.trusted || (candidate.masternode && masternodes < share);
  // A lower key goes first.
  const auto key = [&groups](const slot_holder& x) {
    return std::tuple{x.masternode, x.useful, -static_cast<std::int64_t>(groups[group_of(x.ip)]),
                      -x.since};
  };
  const slot_holder* victim = nullptr;
  for (const auto& x : holders) {
    if (x.configured || x.trusted || safe.contains(&x) || (x.useful && !privileged))
      continue;
    // Whose group has its share can take the place of its own only.
    if (group_full && (!is_stranger(x) || group_of(x.ip) != group))
      continue;
    if (!victim || key(x) < key(*victim))
      victim = &x;
  }
  if (victim)
    return {true, victim->ip, privileged,
            group_full
                ? "its address group has " + std::to_string(group_limit(max_peers)) + " places"
                : "all " + std::to_string(max_peers) + " places are taken"};
  if (group_full)
    return {false, std::nullopt, false,
            "all places of its address group are taken by peers that proved useful"};
  return {false, std::nullopt, false,
          "all " + std::to_string(max_peers) + " places are taken by peers that are worth more"};
}

slot_decision slot_policy::decide(const slot_holder& candidate,
                                  std::span<const slot_holder> holders, monotonic_ns now) {
  auto result = decide_slot(candidate, holders, max_peers_);
  if (result.evict && !result.privileged && !swaps_.take(now))
    return {false, std::nullopt, false,
            result.reason + ", and strangers took the places of others just now"};
  return result;
}

bool slot_policy::would_admit(const slot_holder& candidate, std::span<const slot_holder> holders,
                              monotonic_ns now) const {
  const auto decision = decide_slot(candidate, holders, max_peers_);
  return decision.admitted && (!decision.evict || decision.privileged || swaps_.has_token(now));
}

}  // namespace timenode::net
