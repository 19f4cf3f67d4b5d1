#include "app/query_text.hpp"

#include "app/json_member.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace timenode::app {

namespace {

std::string sync_text(const json& chain) {
  const auto sync = object_member(chain, "sync");
  const auto state = member<std::string>(sync, "state", "unknown");
  if (state != "syncing")
    return state == "idle" ? "in sync" : state;
  auto result =
      fmt::format("syncing to {}, {:.0f} blocks/s", member(sync, "target", std::uint64_t{0}),
                  member(sync, "blocks_per_second", 0.0));
  const auto eta = member(sync, "eta_seconds", std::int64_t{-1});
  return eta < 0 ? result : result + ", " + duration_text(eta) + " left";
}

std::string milliseconds(const json& peer, const char* name) {
  const auto seconds = member(peer, name, -1.0);
  return seconds < 0 ? "-" : fmt::format("{:.1f} ms", seconds * 1e3);
}

using row = std::vector<std::string>;

row peer_row(const json& x, std::int64_t now) {
  const auto since = member(x, "conntime", std::int64_t{0});
  const auto height = member(x, "synced_blocks", std::int64_t{-1});
  return {member<std::string>(x, "addr", "?"),
          member(x, "inbound", false) ? "in" : "out",
          member<std::string>(x, "state", "?"),
          since == 0 ? "-" : duration_text(now - since),
          milliseconds(x, "pingtime"),
          milliseconds(x, "minping"),
          height < 0 ? "-" : std::to_string(height),
          bytes_text(member(x, "bytessent", std::uint64_t{0})),
          bytes_text(member(x, "bytesrecv", std::uint64_t{0})),
          member<std::string>(x, "subver", "")};
}

std::string scalar_text(const json& x) {
  return x.is_string() ? x.get<std::string>() : x.dump();
}

void append_plain(const json& x, std::size_t indent, std::string& to) {
  std::size_t width = 0;
  for (const auto& [name, value] : x.items())
    width = std::max(width, name.size());
  for (const auto& [name, value] : x.items()) {
    to += std::string(indent, ' ');
    if (value.is_structured() && !value.empty()) {
      to += (x.is_array() ? "-" : name + ":") + "\n";
      append_plain(value, indent + 2, to);
    } else if (x.is_array()) {
      to += "- " + scalar_text(value) + "\n";
    } else {
      const auto text = value.is_structured() ? "none" : scalar_text(value);
      to += fmt::format("{:<{}}  {}\n", name, width, text.empty() ? "-" : text);
    }
  }
}

}  // namespace

std::string status_text(const status_answers& x, std::int64_t now) {
  const auto& [chain, network, uptime, masternode, health] = x;
  std::string result;
  const auto line = [&result](std::string_view what, const std::string& text) {
    result += fmt::format("{:<12}{}\n", what, text);
  };
  const auto seconds = uptime.is_number() ? uptime.get<std::int64_t>() : 0;
  line("Node", fmt::format("{} on {}, up {}", member<std::string>(network, "subversion", "?"),
                           member(chain, "network", member<std::string>(chain, "chain", "?")),
                           duration_text(seconds)));
  line("Chain",
       fmt::format("height {}, {}", member(chain, "blocks", std::uint64_t{0}), sync_text(chain)));
  const auto tip_time = member(chain, "time", std::int64_t{0});
  line("Tip", member<std::string>(chain, "bestblockhash", "?") +
                  (tip_time == 0 ? "" : ", " + duration_text(now - tip_time) + " old"));
  line("Peers",
       fmt::format("{} connected: {} inbound, {} outbound; {} addresses known",
                   member(network, "connections", 0), member(network, "connections_in", 0),
                   member(network, "connections_out", 0), member(network, "known_addresses", 0)));
  const auto status = member<std::string>(masternode, "status", "");
  const auto why = member<std::string>(masternode, "status_reason", "");
  if (!status.empty())
    line("Masternode", status + (why.empty() ? "" : ": " + why));
  const auto problems = object_member(health, "problems");
  const auto worries = object_member(health, "warnings");
  const auto warnings = object_member(chain, "warnings");
  if (problems.empty() && worries.empty() && warnings.empty())
    line("Warnings", "none");
  for (const auto& problem : problems)
    line("Not ready", scalar_text(problem));
  for (const auto* list : {&worries, &warnings})
    for (const auto& warning : *list)
      line("Warning", scalar_text(warning));
  return result;
}

std::string peers_text(const json& peers, std::int64_t now) {
  if (!peers.is_array() || peers.empty())
    return "No connections.\n";
  auto sorted = peers.get<std::vector<json>>();
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return member(a, "id", std::uint64_t{0}) < member(b, "id", std::uint64_t{0});
  });
  std::vector<row> rows{
      {"ADDRESS", "DIR", "STATE", "UP", "PING", "BEST", "HEIGHT", "SENT", "RECEIVED", "VERSION"}};
  std::size_t inbound = 0;
  for (const auto& x : sorted) {
    rows.push_back(peer_row(x, now));
    inbound += member(x, "inbound", false) ? 1 : 0;
  }
  return table_text(rows, "lllrrrrrrl") + fmt::format("{} connection{}: {} inbound, {} outbound\n",
                                                      sorted.size(), sorted.size() == 1 ? "" : "s",
                                                      inbound, sorted.size() - inbound);
}

std::string plain_text(const json& x) {
  if (!x.is_structured())
    return scalar_text(x) + "\n";
  std::string result;
  append_plain(x, 0, result);
  return result;
}

std::string table_text(const std::vector<std::vector<std::string>>& rows,
                       std::string_view alignment) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& cells : rows)
    for (std::size_t i = 0; i < cells.size(); ++i)
      widths[i] = std::max(widths[i], cells[i].size());
  std::string result;
  for (const auto& cells : rows) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i > 0)
        line += "  ";
      line += alignment[i] == 'l' ? fmt::format("{:<{}}", cells[i], widths[i])
                                  : fmt::format("{:>{}}", cells[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    result += line + "\n";
  }
  return result;
}

std::string duration_text(std::int64_t seconds) {
  struct unit {
    std::int64_t seconds;
    std::string_view name;
  };
  constexpr std::array units{unit{86'400, "d"}, unit{3600, "h"}, unit{60, "min"}, unit{1, "s"}};
  seconds = std::max<std::int64_t>(seconds, 0);
  for (std::size_t i = 0; i + 1 < units.size(); ++i) {
    if (seconds < units[i].seconds)
      continue;
    auto result = fmt::format("{} {}", seconds / units[i].seconds, units[i].name);
    // Two units are exact enough, and for minutes one.
    const auto rest = seconds % units[i].seconds / units[i + 1].seconds;
    if (rest > 0 && i < 2)
      result += fmt::format(" {} {}", rest, units[i + 1].name);
    return result;
  }
  return fmt::format("{} s", seconds);
}

std::string ago(std::int64_t then, std::int64_t now) {
  return then == 0 ? "never" : duration_text(now - then) + " ago";
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> units{"B", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  std::size_t i = 0;
  for (; value >= 1000 && i + 1 < units.size(); ++i)
    value /= 1000;
  return i == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, units[i]);
}

namespace {

/// "  - TEXT" for each text in a member.
std::string bullets(const json& x, const char* name) {
  std::string result;
  if (const auto found = x.find(name); found != x.end() && found->is_array())
    for (const auto& text : *found)
      result += "  - " + scalar_text(text) + "\n";
  return result;
}

}  // namespace

std::string health_text(const json& x) {
  const auto height = member(x, "height", std::uint64_t{0});
  const auto target = member(x, "target", std::uint64_t{0});
  auto result =
      fmt::format("{}: {} at height {}{}\n", member(x, "ready", false) ? "ready" : "NOT READY",
                  member<std::string>(x, "sync", "?"), height,
                  target > height ? fmt::format(" of {}", target) : "");
  if (const auto problems = bullets(x, "problems"); !problems.empty())
    result += "problems:\n" + problems;
  if (const auto warnings = bullets(x, "warnings"); !warnings.empty())
    result += "warnings:\n" + warnings;
  return result;
}

std::string reload_text(const json& x) {
  const auto applied = bullets(x, "applied");
  const auto waits = bullets(x, "needs_restart");
  std::string result;
  if (!applied.empty())
    result += "applied:\n" + applied;
  if (!waits.empty())
    result += "needs a restart of the node:\n" + waits;
  if (const auto notices = bullets(x, "notices"); !notices.empty())
    result += "notices:\n" + notices;
  return applied.empty() && waits.empty() ? "nothing has changed\n" + result : result;
}

std::string backup_text(const json& x) {
  std::string files;
  for (const auto& file : x.value("files", json::array()))
    if (file.is_string())
      files += (files.empty() ? "" : ", ") + file.get<std::string>();
  return fmt::format("height {} is in {}: {}, with {}\n", member(x, "height", std::uint64_t{0}),
                     member<std::string>(x, "directory", "?"),
                     bytes_text(member(x, "bytes", std::uint64_t{0})),
                     files.empty() ? "no other files" : files);
}

std::string actors_text(const json& x, std::int64_t now) {
  std::vector<row> rows{{"ID", "ACTOR", "PARENT", "UP", "MESSAGES", "BUSY ms", "AT WORK ON"}};
  for (const auto& actor : x.value("actors", json::array())) {
    const auto at_work = member<std::string>(actor, "at_work_on", "");
    rows.push_back({std::to_string(member(actor, "id", std::uint64_t{0})),
                    member<std::string>(actor, "name", "?"),
                    actor.contains("parent") ? "#" + actor["parent"].dump() : "-",
                    duration_text(std::max<std::int64_t>(now - member(actor, "since", now), 0)),
                    std::to_string(member(actor, "messages", std::uint64_t{0})),
                    fmt::format("{:.1f}", member(actor, "busy_ms", 0.0)),
                    at_work.empty() ? "-"
                                    : fmt::format("{} for {:.0f} ms", at_work,
                                                  member(actor, "at_work_ms", 0.0))});
  }
  auto result = table_text(rows, "rllrrrl");
  if (const auto more = member(x, "actors_not_listed", std::uint64_t{0}); more > 0)
    result += fmt::format("... and {} more\n", more);
  rows = {{"MAILBOX", "ACTORS", "WAITING"}};
  for (const auto& kind : x.value("kinds", json::array()))
    rows.push_back({member<std::string>(kind, "name", "?"),
                    std::to_string(member(kind, "actors", std::uint64_t{0})),
                    std::to_string(member(kind, "mailbox", std::int64_t{0}))});
  result += "\n" + table_text(rows, "lrr");
  rows = {{"ACTOR", "MESSAGE", "COUNT", "BUSY ms", "LONGEST ms"}};
  for (const auto& message : x.value("messages", json::array()))
    if (member<std::string>(message, "actor", "").starts_with("timenode."))
      rows.push_back({member<std::string>(message, "actor", "?"),
                      member<std::string>(message, "message", "?"),
                      std::to_string(member(message, "count", std::uint64_t{0})),
                      fmt::format("{:.1f}", member(message, "busy_ms", 0.0)),
                      fmt::format("{:.1f}", member(message, "longest_ms", 0.0))});
  result += "\n" + table_text(rows, "llrrr");
  for (const auto& actor : x.value("actors", json::array()))
    if (actor.contains("last_error"))
      result += fmt::format("\nlast error of #{} {}: {}", actor["id"].dump(),
                            member<std::string>(actor, "name", "?"),
                            member<std::string>(actor, "last_error", ""));
  return result.ends_with('\n') ? result : result + "\n";
}

}  // namespace timenode::app
