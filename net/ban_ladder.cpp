#include "net/ban_ladder.hpp"

#include <algorithm>

namespace timenode::net {

std::optional<std::int64_t> ban_seconds_for(std::uint32_t violations) noexcept {
  if (violations >= 10)
    return 24 * 3600;
  if (violations == 5)
    return 3600;
  if (violations == 3)
    return 5 * 60;
  return std::nullopt;
}

std::optional<ban> ban_ladder::add_violation(const ip_address& ip, const std::string& reason,
                                             const std::string& evidence, std::int64_t now) {
  if (records_.size() >= max_records && !records_.contains(ip))
    make_room(now);
  auto& x = records_[ip];
  if (now - x.last > violation_memory_seconds)
    x.count = 0;
  ++x.count;
  x.last = now;
  const auto seconds = ban_seconds_for(x.count);
  if (!seconds)
    return std::nullopt;
  x.banned_until = std::max(x.banned_until, now + *seconds);
  x.reason = reason;
  x.evidence = evidence;
  return ban{ip, reason, evidence, x.banned_until};
}

std::optional<ban> ban_ladder::banned(const ip_address& ip, std::int64_t now) const {
  const auto i = records_.find(ip);
  if (i == records_.end() || i->second.banned_until <= now)
    return std::nullopt;
  return ban{ip, i->second.reason, i->second.evidence, i->second.banned_until};
}

std::vector<ban> ban_ladder::bans(std::int64_t now) const {
  std::vector<ban> result;
  for (const auto& [ip, x] : records_)
    if (x.banned_until > now)
      result.push_back({ip, x.reason, x.evidence, x.banned_until});
  std::ranges::sort(result, {}, &ban::ip);
  return result;
}

std::uint32_t ban_ladder::violations(const ip_address& ip, std::int64_t now) const {
  const auto i = records_.find(ip);
  return i == records_.end() || now - i->second.last > violation_memory_seconds ? 0
                                                                                : i->second.count;
}

void ban_ladder::make_room(std::int64_t now) {
  std::erase_if(records_, [now](const auto& x) {
    return x.second.banned_until <= now && now - x.second.last > violation_memory_seconds;
  });
  if (records_.size() < max_records)
    return;
  // Those not banned go before those that are; among equals the oldest.
  const auto victim = std::ranges::min_element(records_, [now](const auto& a, const auto& b) {
    const auto key = [now](const record& x) { return std::pair{x.banned_until > now, x.last}; };
    return key(a.second) < key(b.second);
  });
  records_.erase(victim);
}

} // namespace timenode::net
