#include "app/peer_text.hpp"

#include "app/json_member.hpp"
#include "app/query_text.hpp"
#include "net/access_list.hpp"

#include <fmt/format.h>

#include <string_view>
#include <vector>

namespace timenode::app {

namespace {

/// "3 min ago" for a span in milliseconds; empty when there is none.
std::string ago_ms(std::int64_t ms) {
  return ms < 0 ? "" : duration_text(ms / 1000) + " ago";
}

std::string remaining_text(const json& ban) {
  return member(ban, "banned_until", std::int64_t{0}) >= net::for_good
             ? "for good"
             : duration_text(member(ban, "time_remaining", std::int64_t{0}));
}

/// Without the "/32" of a single address.
std::string address_text(const json& x) {
  auto result = member<std::string>(x, "address", "?");
  const auto slash = result.find('/');
  if (slash != result.npos) {
    const auto v6 = result.find(':') != result.npos;
    if (result.substr(slash) == (v6 ? "/128" : "/32"))
      result.resize(slash);
  }
  return result;
}

std::string connection_text(const json& x, std::int64_t now) {
  auto result = fmt::format("{} {} {}", member(x, "id", std::uint64_t{0}),
                            member(x, "inbound", false) ? "inbound" : "outbound",
                            member<std::string>(x, "state", "?"));
  if (const auto since = member(x, "conntime", std::int64_t{0}); since != 0)
    result += ", up " + duration_text(now - since);
  if (const auto ping = member(x, "pingtime", -1.0); ping >= 0)
    result += fmt::format(", ping {:.1f} ms", ping * 1e3);
  if (const auto height = member(x, "synced_blocks", std::int64_t{-1}); height >= 0)
    result += fmt::format(", height {}", height);
  result +=
      fmt::format(", sent {}, received {}", bytes_text(member(x, "bytessent", std::uint64_t{0})),
                  bytes_text(member(x, "bytesrecv", std::uint64_t{0})));
  const auto over_limit = object_member(x, "over_limit");
  for (const auto& [limit, count] : over_limit.items())
    result += fmt::format(", {} {} dropped", count.dump(), limit);
  return result;
}

std::string book_text(const json& x, std::int64_t now) {
  auto result = member<std::string>(x, "why", "?");
  if (!member(x, "known", false))
    return result;
  result += fmt::format("; at {}", member<std::string>(x, "at", "?"));
  if (const auto source = member<std::string>(x, "named_by", ""); !source.empty())
    result += ", named by " + source;
  result += ", dialed with success " + ago(member(x, "last_success", std::int64_t{0}), now) +
            ", last seen " + ago(member(x, "last_seen", std::int64_t{0}), now);
  return result;
}

}  // namespace

std::string bans_text(const json& bans, const json& trusted, std::int64_t now) {
  std::string result;
  if (!bans.is_array() || bans.empty()) {
    result = "Nobody is banned.\n";
  } else {
    std::vector<std::vector<std::string>> rows{{"BANNED", "LEFT", "BY", "WHY", "EVIDENCE"}};
    for (const auto& x : bans)
      rows.push_back({address_text(x), remaining_text(x), member<std::string>(x, "by", "?"),
                      member<std::string>(x, "reason", ""),
                      member<std::string>(x, "evidence", "")});
    result = table_text(rows, "lrlll") + "Lift one by: timenode unban IP[/BITS]\n";
  }
  if (!trusted.is_array() || trusted.empty())
    return result;
  std::vector<std::vector<std::string>> rows{{"TRUSTED", "SINCE", "WHY"}};
  for (const auto& x : trusted)
    rows.push_back({address_text(x), ago(member(x, "trusted_since", std::int64_t{0}), now),
                    member<std::string>(x, "reason", "")});
  return result + "\n" + table_text(rows, "lrl");
}

std::string ban_sentence(const json& ban) {
  const auto left = remaining_text(ban);
  return fmt::format("{} is banned {}; lift it by: {}\n", address_text(ban),
                     left == "for good" ? left : "for " + left,
                     member<std::string>(ban, "lift", "timenode unban"));
}

std::string explain_peer_text(const json& x, std::int64_t now) {
  std::string result;
  const auto line = [&result](std::string_view what, const std::string& text) {
    result += fmt::format("{:<14}{}\n", what, text);
  };
  line("Peer", member<std::string>(x, "address", "?"));
  const auto state_ms = member(x, "state_ms", std::int64_t{-1});
  line("State", member<std::string>(x, "state", "?") +
                    (state_ms < 0 ? "" : ", for " + duration_text(state_ms / 1000)));
  const auto purpose = member<std::string>(x, "purpose", "");
  line("Wanted", purpose.empty() ? "no" : "yes: " + purpose);
  line("Rule", member<std::string>(x, "rule", "?"));
  const auto next_ms = member(x, "next_step_ms", std::int64_t{-1});
  line("Next", (next_ms < 0 ? "" : "in " + duration_text((next_ms + 999) / 1000) + ": ") +
                   member<std::string>(x, "next_step", "?"));
  if (const auto error = member<std::string>(x, "last_error", ""); !error.empty())
    line("Last error",
         fmt::format("{}, {}; {}", error, ago_ms(member(x, "last_error_ms", std::int64_t{0})),
                     member<std::string>(x, "state", "") == "established"
                         ? "connected since"
                         : fmt::format("{} failed in a row", member(x, "failures", 0))));
  if (const auto count = member(x, "violations", 0); count > 0) {
    line("Violations",
         fmt::format("{}; the last: {}", count, member<std::string>(x, "last_violation", "?")));
    line("Evidence", member<std::string>(x, "evidence", ""));
  }
  if (const auto ban = object_member(x, "banned"); !ban.empty()) {
    const auto reason = member<std::string>(ban, "reason", "");
    line("Ban", fmt::format("of {}, by {}, {} left{}", address_text(ban),
                            member<std::string>(ban, "by", "?"), remaining_text(ban),
                            reason.empty() ? "" : ": " + reason));
    line("", "lift it by: " + member<std::string>(ban, "lift", "?"));
  }
  if (member(x, "trusted", false))
    line("Trusted", "yes, by the operator");
  if (member(x, "proven_masternode", false))
    line("Masternode", "yes: it has shown its key over its own connection");
  if (const auto useful = member(x, "useful_ms", std::int64_t{-1}); useful >= 0)
    line("Useful", "it was the first to give us something new " + ago_ms(useful));
  const auto connections = object_member(x, "connections");
  for (const auto& connection : connections)
    line("Connection", connection_text(connection, now));
  line("Address book", book_text(object_member(x, "address_book"), now));
  const auto silent = object_member(x, "did_not_answer");
  for (const auto& who : silent)
    line("Silent", (who.is_string() ? who.get<std::string>() : who.dump()) + " did not answer");
  return result;
}

}  // namespace timenode::app
