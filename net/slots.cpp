#include "net/slots.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace timenode::net {

slot_decision decide_slot(const slot_holder& candidate, std::span<const slot_holder> holders,
                          std::size_t max_peers) {
  if (candidate.configured)
    return {};
  std::size_t counted = 0;
  std::size_t others = 0;
  std::map<std::string, std::size_t> groups;
  for (const auto& x : holders) {
    ++groups[x.ip.group()];
    if (x.configured)
      continue;
    ++counted;
    others += x.masternode ? 0 : 1;
  }
  const auto reserved
    = static_cast<std::size_t>(static_cast<double>(max_peers) * masternode_share);
  const auto room = counted < max_peers && (candidate.masternode || others < max_peers - reserved);
  if (room)
    return {};
  // A lower key goes first.
  const auto key = [&groups](const slot_holder& x) {
    return std::tuple{x.masternode, x.useful, -static_cast<std::int64_t>(groups[x.ip.group()]),
                      -x.since};
  };
  const slot_holder* victim = nullptr;
  for (const auto& x : holders) {
    if (x.configured || (x.masternode && !candidate.masternode))
      continue;
    if (!victim || key(x) < key(*victim))
      victim = &x;
  }
  // A masternode that is connected is not given up for another one.
  if (!victim || victim->masternode)
    return {false, std::nullopt, "all " + std::to_string(max_peers) + " places are taken"};
  // A newcomer must be no worse than the one that goes, or two strangers would take turns for ever.
  if (victim->useful && !candidate.masternode)
    return {false, std::nullopt, "all places are taken by peers that proved useful"};
  return {true, victim->ip, {}};
}

} // namespace timenode::net
