#include "net/ban_ladder.hpp"

#include "net/line_fields.hpp"

#include <algorithm>
#include <utility>

namespace timenode::net {

namespace {

constexpr std::string_view line_kind = "violations";

}  // namespace

std::optional<std::int64_t> ban_seconds_for(std::uint32_t violations) noexcept {
  if (violations >= 10)
    return 24 * 3600;
  if (violations == 5)
    return 3600;
  if (violations == 3)
    return 5 * 60;
  return std::nullopt;
}

bool ban_ladder::counts(const record& x, std::int64_t now) noexcept {
  return x.banned_until > now || now - x.last <= violation_memory_seconds;
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
  x.reason = reason.substr(0, max_reason_bytes);
  x.evidence = evidence.substr(0, max_evidence_bytes);
  const auto seconds = ban_seconds_for(x.count);
  if (!seconds)
    return std::nullopt;
  if (x.banned_until <= now)
    x.banned_since = now;
  x.banned_until = std::max(x.banned_until, now + *seconds);
  return banned(ip, now);
}

std::size_t ban_ladder::forgive(const ip_network& network, std::int64_t now) {
  std::size_t lifted = 0;
  std::erase_if(records_, [&](const auto& x) {
    if (!network.contains(x.first))
      return false;
    lifted += x.second.banned_until > now ? 1 : 0;
    return true;
  });
  return lifted;
}

std::optional<ban> ban_ladder::banned(const ip_address& ip, std::int64_t now) const {
  const auto i = records_.find(ip);
  if (i == records_.end() || i->second.banned_until <= now)
    return std::nullopt;
  const auto& x = i->second;
  return ban{ip, x.reason, x.evidence, x.banned_since, x.banned_until};
}

std::vector<ban> ban_ladder::bans(std::int64_t now) const {
  std::vector<ban> result;
  for (const auto& [ip, x] : records_)
    if (x.banned_until > now)
      result.push_back({ip, x.reason, x.evidence, x.banned_since, x.banned_until});
  std::ranges::sort(result, {}, &ban::ip);
  return result;
}

std::uint32_t ban_ladder::violations(const ip_address& ip, std::int64_t now) const {
  const auto i = records_.find(ip);
  return i == records_.end() || now - i->second.last > violation_memory_seconds ? 0
                                                                                : i->second.count;
}

const ban_ladder::record* ban_ladder::find(const ip_address& ip, std::int64_t now) const {
  const auto i = records_.find(ip);
  return i == records_.end() || !counts(i->second, now) ? nullptr : &i->second;
}

// -- keeping it --------------------------------------------------------------------------

std::vector<std::string> ban_ladder::to_lines(std::int64_t now) const {
  std::vector<std::pair<ip_address, const record*>> kept;
  for (const auto& [ip, x] : records_)
    if (counts(x, now))
      kept.emplace_back(ip, &x);
  std::ranges::sort(kept);
  std::vector<std::string> result;
  for (const auto& [ip, x] : kept)
    result.push_back(join_fields({std::string{line_kind}, ip.to_string(), std::to_string(x->count),
                                  std::to_string(x->last), std::to_string(x->banned_since),
                                  std::to_string(x->banned_until), x->reason, x->evidence}));
  return result;
}

bool ban_ladder::from_line(std::string_view line, std::int64_t now) {
  const auto fields = split_fields(line);
  if (fields.size() != 8 || fields[0] != line_kind)
    return false;
  const auto ip = ip_address::parse(fields[1]);
  const auto count = number_field<std::uint32_t>(fields[2]);
  const auto last = number_field<std::int64_t>(fields[3]);
  const auto since = number_field<std::int64_t>(fields[4]);
  const auto until = number_field<std::int64_t>(fields[5]);
  if (!ip || !count || !last || !since || !until)
    return false;
  // A clock that was set back must neither keep a ban for years nor violations for ever.
  constexpr std::int64_t longest = 24 * 3600;
  auto x = record{*count,
                  std::min(*last, now),
                  std::min(*since, now),
                  std::min(*until, now + longest),
                  fields[6].substr(0, max_reason_bytes),
                  fields[7].substr(0, max_evidence_bytes)};
  if (counts(x, now) && records_.size() < max_records)
    records_.insert_or_assign(*ip, std::move(x));
  return true;
}

void ban_ladder::make_room(std::int64_t now) {
  std::erase_if(records_, [now](const auto& x) { return !counts(x.second, now); });
  if (records_.size() < max_records)
    return;
  // Those not banned go before those that are; among equals the oldest.
  const auto victim = std::ranges::min_element(records_, [now](const auto& a, const auto& b) {
    const auto key = [now](const record& x) { return std::pair{x.banned_until > now, x.last}; };
    return key(a.second) < key(b.second);
  });
  records_.erase(victim);
}

}  // namespace timenode::net
