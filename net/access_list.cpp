#include "net/access_list.hpp"

#include "net/line_fields.hpp"

#include <algorithm>
#include <utility>

namespace timenode::net {

namespace {

/// An operator's words are kept up to this length.
constexpr std::size_t max_words_bytes = 200;

constexpr std::string_view word_of(access_kind x) noexcept {
  return x == access_kind::ban ? "ban" : "trust";
}

}  // namespace

access_list::answer access_list::add(access_rule rule, std::int64_t now) {
  std::erase_if(rule.reason,
                [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
  if (rule.reason.size() > max_words_bytes)
    rule.reason.resize(max_words_bytes);
  if (const auto i = rules_.find(rule.network); i != rules_.end()) {
    const auto& old = i->second;
    if (old.kind == rule.kind && old.until > now && old.until >= rule.until && rule.kept)
      return answer::same_already;
    erase(i);
  }
  if (rules_.size() >= max_rules)
    for (auto i = rules_.begin(); i != rules_.end();) {
      const auto over = i->second.until <= now;
      const auto at = i++;
      if (over)
        erase(at);
    }
  if (rules_.size() >= max_rules)
    return answer::full;
  const auto network = rule.network;
  ++(network.base().is_v4() ? v4_sizes_[network.bits()] : v6_sizes_[network.bits()]);
  rules_.emplace(network, std::move(rule));
  return answer::done;
}

void access_list::erase(std::map<ip_network, access_rule>::iterator i) {
  const auto& network = i->first;
  --(network.base().is_v4() ? v4_sizes_[network.bits()] : v6_sizes_[network.bits()]);
  rules_.erase(i);
}

bool access_list::remove(const ip_network& network, access_kind kind) {
  const auto i = rules_.find(network);
  if (i == rules_.end() || i->second.kind != kind)
    return false;
  erase(i);
  return true;
}

std::size_t access_list::clear(access_kind kind) {
  std::size_t result = 0;
  for (auto i = rules_.begin(); i != rules_.end();) {
    const auto at = i++;
    if (at->second.kind != kind)
      continue;
    erase(at);
    ++result;
  }
  return result;
}

void access_list::clear_not_kept() {
  for (auto i = rules_.begin(); i != rules_.end();) {
    const auto at = i++;
    if (!at->second.kept)
      erase(at);
  }
}

const access_rule* access_list::find(const ip_address& ip, std::int64_t now) const {
  if (rules_.empty())
    return nullptr;
  for (auto bits = ip.is_v4() ? 32u : 128u;; --bits) {
    if ((ip.is_v4() ? v4_sizes_[bits] : v6_sizes_[bits]) > 0)
      if (const auto i = rules_.find(ip_network{ip, bits});
          i != rules_.end() && i->second.until > now)
        return &i->second;
    if (bits == 0)
      return nullptr;
  }
}

std::vector<access_rule> access_list::rules(access_kind kind, std::int64_t now) const {
  std::vector<access_rule> result;
  for (const auto& [network, x] : rules_)
    if (x.kind == kind && x.until > now)
      result.push_back(x);
  return result;
}

// -- keeping it --------------------------------------------------------------------------

std::vector<std::string> access_list::to_lines(std::int64_t now) const {
  std::vector<std::string> result;
  for (const auto& [network, x] : rules_)
    if (x.until > now && x.kept)
      result.push_back(join_fields({std::string{word_of(x.kind)}, network.to_string(),
                                    std::to_string(x.since), std::to_string(x.until), x.reason}));
  return result;
}

bool access_list::from_line(std::string_view line, std::int64_t now) {
  const auto fields = split_fields(line);
  if (fields.size() != 5 ||
      (fields[0] != word_of(access_kind::ban) && fields[0] != word_of(access_kind::trust)))
    return false;
  const auto network = ip_network::parse(fields[1]);
  const auto since = number_field<std::int64_t>(fields[2]);
  const auto until = number_field<std::int64_t>(fields[3]);
  if (!network || !since || !until)
    return false;
  if (*until > now)
    add({*network, fields[0] == "ban" ? access_kind::ban : access_kind::trust, fields[4],
         std::min(*since, now), *until},
        now);
  return true;
}

}  // namespace timenode::net
