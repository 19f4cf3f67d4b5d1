#include "net/access_control.hpp"

#include <utility>

namespace timenode::net {

namespace {

access_ban shown(const access_rule& x) {
  return {x.network, true, x.reason, {}, x.since, x.until};
}

access_ban shown(ban&& x) {
  return {ip_network{x.ip}, false, std::move(x.reason), std::move(x.evidence), x.since, x.until};
}

}  // namespace

std::optional<access_ban> access_control::banned(const ip_address& ip, std::int64_t now) const {
  if (const auto* rule = list_.find(ip, now))
    return rule->kind == access_kind::ban ? std::optional{shown(*rule)} : std::nullopt;
  if (auto x = ladder_.banned(ip, now))
    return shown(std::move(*x));
  return std::nullopt;
}

const access_rule* access_control::trusted(const ip_address& ip, std::int64_t now) const {
  const auto* rule = list_.find(ip, now);
  return rule != nullptr && rule->kind == access_kind::trust ? rule : nullptr;
}

std::vector<access_ban> access_control::bans(std::int64_t now) const {
  std::vector<access_ban> result;
  for (const auto& x : list_.rules(access_kind::ban, now))
    result.push_back(shown(x));
  for (auto& x : ladder_.bans(now))
    if (list_.find(x.ip, now) == nullptr)
      result.push_back(shown(std::move(x)));
  return result;
}

std::optional<access_ban> access_control::add_violation(const ip_address& ip,
                                                        const std::string& reason,
                                                        const std::string& evidence,
                                                        std::int64_t now) {
  auto ban = ladder_.add_violation(ip, reason, evidence, now);
  if (!ban || list_.find(ip, now) != nullptr)
    return std::nullopt;
  return shown(std::move(*ban));
}

void access_control::configure(const ip_network& network, access_kind kind,
                               const std::string& reason, std::int64_t now) {
  list_.add({network, kind, reason, now, for_good, false}, now);
}

access_list::answer access_control::ban(const ip_network& network, const std::string& reason,
                                        std::int64_t until, std::int64_t now) {
  return list_.add({network, access_kind::ban, reason, now, until}, now);
}

access_list::answer access_control::trust(const ip_network& network, const std::string& reason,
                                          std::int64_t now) {
  return list_.add({network, access_kind::trust, reason, now, for_good}, now);
}

std::size_t access_control::unban(const ip_network& network, std::int64_t now) {
  const auto by_operator = list_.remove(network, access_kind::ban);
  return ladder_.forgive(network, now) + (by_operator ? 1 : 0);
}

std::size_t access_control::unban_all(std::int64_t now) {
  const auto by_operator = list_.clear(access_kind::ban);
  return by_operator + ladder_.forgive(ip_network::parse("0.0.0.0/0").value(), now) +
         ladder_.forgive(ip_network::parse("::/0").value(), now);
}

std::vector<std::string> access_control::to_lines(std::int64_t now) const {
  auto result = list_.to_lines(now);
  for (auto& x : ladder_.to_lines(now))
    result.push_back(std::move(x));
  return result;
}

std::vector<std::string> access_control::from_lines(std::span<const std::string> lines,
                                                    std::int64_t now) {
  std::vector<std::string> unknown;
  for (const auto& line : lines)
    if (!list_.from_line(line, now) && !ladder_.from_line(line, now))
      unknown.push_back(line);
  return unknown;
}

}  // namespace timenode::net
