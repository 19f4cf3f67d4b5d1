#include "app/masternode_text.hpp"

#include "app/json_member.hpp"
#include "app/query_text.hpp"

#include <fmt/format.h>

#include <string_view>
#include <vector>

namespace timenode::app {

namespace {

std::string_view standing(const json& x) {
  if (member(x, "is_hearsay", false))
    return "hearsay";
  return member(x, "is_active", false) ? "active" : "inactive";
}

}  // namespace

std::string masternodes_text(const json& x, std::int64_t now) {
  const auto list = x.is_object() && x.contains("masternodes") ? x["masternodes"] : x;
  if (!list.is_array() || list.empty())
    return "No masternode is known.\n";
  std::vector<std::vector<std::string>> rows{
      {"ADDRESS", "TIER", "STATE", "LINK", "LAST SEEN", "UP", "BEAT", "SEEN BY", "WHY"}};
  std::size_t active = 0;
  for (const auto& y : list) {
    active += member(y, "is_active", false) ? 1 : 0;
    rows.push_back({member<std::string>(y, "address", "?"), member<std::string>(y, "tier", "?"),
                    std::string{standing(y)}, member(y, "is_connected", false) ? "yes" : "-",
                    ago(member(y, "last_seen", std::int64_t{0}), now),
                    duration_text(member(y, "total_uptime", std::int64_t{0})),
                    std::to_string(member(y, "heartbeat_sequence", std::uint64_t{0})),
                    std::to_string(member(y, "attestations", std::uint64_t{0})),
                    member<std::string>(y, "status_reason", "")});
  }
  return table_text(rows, "llllrrrrl") +
         fmt::format("{} masternodes, {} active\n", list.size(), active);
}

std::string explain_masternode_text(const json& x, std::int64_t now) {
  auto result = fmt::format("{} is {}: {}\n", member<std::string>(x, "address", "?"), standing(x),
                            member<std::string>(x, "status_reason", "?"));
  const auto line = [&result](std::string_view name, const std::string& text) {
    result += fmt::format("  {:<11} {}\n", name, text);
  };
  line("known", member<std::string>(x, "belief", "?"));
  line("tier", member<std::string>(x, "tier", "?"));
  line("paid at", member<std::string>(x, "reward_address", "?"));
  line("key", member<std::string>(x, "public_key", "?"));
  line("seen", fmt::format("first {}, last {}, active for {} in all",
                           ago(member(x, "first_seen", std::int64_t{0}), now),
                           ago(member(x, "last_seen", std::int64_t{0}), now),
                           duration_text(member(x, "total_uptime", std::int64_t{0}))));
  line("blocks", member(x, "decides_on_blocks", false)
                     ? "it decides on the next block"
                     : "it does not decide on the next block: " +
                           member<std::string>(x, "decides_not_because", "?"));
  if (auto next = member<std::string>(x, "next", ""); !next.empty()) {
    if (const auto in = member(x, "next_in", std::int64_t{-1}); in >= 0)
      next += " in " + duration_text(in) + ", if nothing is heard of it";
    line("next", next);
  }
  for (const auto& y : x.value("changes", json::array()))
    line("change", fmt::format("{}: {}, {}", ago(member(y, "time", std::int64_t{0}), now),
                               member(y, "is_active", false) ? "active" : "inactive",
                               member<std::string>(y, "reason", "?")));
  for (const auto& y : x.value("recent_heartbeats", json::array()))
    line("heartbeat", fmt::format("{} {}, seen by {}{}", member(y, "sequence", std::uint64_t{0}),
                                  ago(member(y, "timestamp", std::int64_t{0}), now),
                                  member(y, "witness_count", std::uint64_t{0}),
                                  member(y, "verified", false) ? "" : ": too few"));
  const auto peer = object_member(x, "peer");
  if (!peer.empty())
    line("peer", fmt::format("{}: {}", member<std::string>(peer, "state", "?"),
                             member<std::string>(peer, "rule", "?")));
  return result;
}

}  // namespace timenode::app
