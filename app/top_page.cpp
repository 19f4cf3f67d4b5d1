#include "app/top_page.hpp"

#include "app/query_text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

namespace timenode::app {

namespace {

enum answer_of : std::size_t { health, chain, network, peers, masternodes, actors, log, uptime };
constexpr std::array<std::string_view, 8> methods{
    "gethealth",      "getblockchaininfo", "getnetworkinfo", "getpeerinfo",
    "masternodelist", "getactors",         "getlog",         "uptime"};

/// Of what is wrong or may be; `timenode health` tells all.
constexpr std::size_t most_attention_lines = 3;
constexpr std::size_t least_log_lines = 3;

template <class T>
T member(const json& x, const char* name, T otherwise) {
  return x.is_object() ? x.value(name, otherwise) : otherwise;
}

/// What a peer or an actor has counted, to see what has come since.
using counts = std::map<std::string, double>;

double rate(double now, const counts& before, const std::string& key, double seconds) {
  const auto found = before.find(key);
  return found == before.end() || seconds <= 0 ? -1 : std::max(now - found->second, 0.0) / seconds;
}

std::string per_second(double x) {
  return x < 0 ? "-" : fmt::format("{:.{}f}", x, x > 0 && x < 10 ? 1 : 0);
}

std::string bytes_per_second(double x) {
  return x < 0 ? "-" : bytes_text(static_cast<std::uint64_t>(x)) + "/s";
}

counts peer_counts(const top_look* x) {
  counts result;
  if (x)
    for (const auto& peer : x->answers[peers]) {
      const auto id = std::to_string(member(peer, "id", std::uint64_t{0}));
      result[id + "<"] = member(peer, "bytesrecv", 0.0);
      result[id + ">"] = member(peer, "bytessent", 0.0);
    }
  return result;
}

/// Messages and milliseconds by kind of actor.
counts actor_counts(const top_look* x) {
  counts result;
  if (x)
    for (const auto& row : member(x->answers[actors], "messages", json::array())) {
      const auto name = member<std::string>(row, "actor", "");
      result[name] += member(row, "count", 0.0);
      result[name + "|busy"] += member(row, "busy_ms", 0.0);
    }
  return result;
}

std::string bar(double share, std::size_t width) {
  const auto full =
      static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(width));
  return "[" + std::string(full, '#') + std::string(width - full, '.') + "]";
}

void add_header(const top_look& now, std::vector<std::string>& to) {
  const auto& x = now.answers;
  const auto ready = member(x[health], "ready", false);
  const auto height = member(x[health], "height", std::uint64_t{0});
  const auto target = member(x[health], "target", std::uint64_t{0});
  const auto& sync = member(x[chain], "sync", json::object());
  to.push_back(
      fmt::format("{} on {}, up {}: {}, {}", member<std::string>(x[network], "subversion", "?"),
                  member<std::string>(x[chain], "network", "?"),
                  duration_text(x[uptime].is_number() ? x[uptime].get<std::int64_t>() : 0),
                  ready ? "ready" : "NOT READY", member<std::string>(x[health], "sync", "?")));
  const auto share = target == 0 ? 1.0 : static_cast<double>(height) / static_cast<double>(target);
  to.push_back(fmt::format("chain   {} height {} of {}, {:.0f} blocks/s, {} peers asked",
                           bar(share, 20), height, target, member(sync, "blocks_per_second", 0.0),
                           member(sync, "peers", 0)));
  const auto list = member(x[masternodes], "masternodes", json::array());
  const auto active = std::count_if(list.begin(), list.end(),
                                    [](const json& y) { return member(y, "is_active", false); });
  to.push_back(fmt::format(
      "peers   {} connected: {} inbound, {} outbound; {} addresses known",
      member(x[network], "connections", 0), member(x[network], "connections_in", 0),
      member(x[network], "connections_out", 0), member(x[network], "known_addresses", 0)));
  to.push_back(fmt::format("masternodes  {} known, {} active", list.size(), active));
  std::vector<std::string> trouble;
  for (const auto* kind : {"problems", "warnings"})
    for (const auto& text : member(x[health], kind, json::array()))
      trouble.push_back(text.get<std::string>());
  // A line each: they are sentences, and a terminal is not wide.
  for (std::size_t i = 0;
       i < std::max<std::size_t>(1, std::min(trouble.size(), most_attention_lines)); ++i)
    to.push_back((i == 0 ? "attention  " : "           ") +
                 (trouble.empty() ? "none" : trouble[i]));
  if (trouble.size() > most_attention_lines)
    to.back() +=
        fmt::format(" (and {} more: timenode health)", trouble.size() - most_attention_lines);
}

void add_peers(const top_look& now, const top_look* before, double seconds, std::size_t most,
               std::vector<std::string>& to) {
  constexpr auto format = "{:<28} {:<4} {:<12} {:>9} {:>9} {:>11} {:>11} {:>10}";
  to.push_back(fmt::format(format, "PEER", "DIR", "STATE", "PING", "HEIGHT", "IN", "OUT", "UP"));
  const auto earlier = peer_counts(before);
  std::size_t shown = 0;
  const auto& all = now.answers[peers];
  for (const auto& x : all) {
    if (++shown > most) {
      to.push_back(fmt::format("... and {} more", all.size() - most));
      return;
    }
    const auto id = std::to_string(member(x, "id", std::uint64_t{0}));
    const auto ping = member(x, "pingtime", -1.0);
    const auto height = member(x, "synced_blocks", std::int64_t{-1});
    const auto since = member(x, "conntime", std::int64_t{0});
    to.push_back(fmt::format(
        format, member<std::string>(x, "addr", "?"), member(x, "inbound", false) ? "in" : "out",
        member<std::string>(x, "state", "?"), ping < 0 ? "-" : fmt::format("{:.1f} ms", ping * 1e3),
        height < 0 ? "-" : std::to_string(height),
        bytes_per_second(rate(member(x, "bytesrecv", 0.0), earlier, id + "<", seconds)),
        bytes_per_second(rate(member(x, "bytessent", 0.0), earlier, id + ">", seconds)),
        since == 0 ? "-" : duration_text(now.unix_now - since)));
  }
}

void add_actors(const top_look& now, const top_look* before, double seconds,
                std::vector<std::string>& to) {
  constexpr auto format = "{:<32} {:>7} {:>8} {:>11} {:>7}";
  to.push_back(fmt::format(format, "ACTORS", "COUNT", "MAILBOX", "MESSAGES/s", "BUSY"));
  const auto earlier = actor_counts(before);
  const auto current = actor_counts(&now);
  for (const auto& x : member(now.answers[actors], "kinds", json::array())) {
    const auto name = member<std::string>(x, "name", "?");
    const auto value = [&current](const std::string& key) {
      const auto found = current.find(key);
      return found == current.end() ? 0 : found->second;
    };
    const auto busy = rate(value(name + "|busy"), earlier, name + "|busy", seconds);
    to.push_back(fmt::format(format, name, member(x, "actors", 0), member(x, "mailbox", 0),
                             per_second(rate(value(name), earlier, name, seconds)),
                             busy < 0 ? "-" : fmt::format("{:.1f} %", busy / 10)));
  }
}

void add_log(const top_look& now, std::size_t lines, std::vector<std::string>& to) {
  const auto& all = now.answers[log];
  to.emplace_back("LOG");
  const auto first = all.size() - std::min(all.size(), lines);
  for (std::size_t i = first; i < all.size(); ++i) {
    // What is no ASCII would shift what the screen cuts.
    auto text = member<std::string>(all[i], "text", "");
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
    to.push_back(fmt::format("{:>6} ago  {:<5} {}",
                             duration_text(std::max<std::int64_t>(
                                 now.unix_now - member(all[i], "time", std::int64_t{0}) / 1000, 0)),
                             member<std::string>(all[i], "level", "?"), text));
  }
}

}  // namespace

std::vector<std::string> top_methods() {
  return {methods.begin(), methods.end()};
}

std::vector<std::string> top_page(const top_look& now, const top_look* before, std::size_t rows) {
  const auto seconds = before ? std::chrono::duration<double>{now.at - before->at}.count() : 0;
  std::vector<std::string> page;
  add_header(now, page);
  page.emplace_back();
  std::vector<std::string> actor_lines;
  add_actors(now, before, seconds, actor_lines);
  // Peers first take what they need, then the log; both have a few lines on any screen.
  const auto fixed = page.size() + actor_lines.size() + 5;
  const auto left = rows > fixed + least_log_lines ? rows - fixed - least_log_lines : 3;
  const auto peer_lines = std::min<std::size_t>(now.answers[peers].size(), left);
  add_peers(now, before, seconds, peer_lines, page);
  page.emplace_back();
  page.insert(page.end(), actor_lines.begin(), actor_lines.end());
  page.emplace_back();
  add_log(now, least_log_lines + left - peer_lines, page);
  return page;
}

}  // namespace timenode::app
