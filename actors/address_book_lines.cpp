// What the address book shows, and how it is written and read: the part that deals in words.

#include "actors/address_book.hpp"
#include "actors/address_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <set>

namespace timenode {

namespace {

constexpr std::string_view anchor_word = "anchor";

}  // namespace

// -- showing ----------------------------------------------------------------------------------

directory_snapshot address_book::snapshot() const {
  directory_snapshot result;
  result.known = entries_.size();
  result.configured = configured_;
  result.connected = connected_.size();
  std::set<ip_address> groups;
  for (const auto& [ip, x] : entries_) {
    result.wanted += x.wanted && !x.connected;
    result.reached += !is_unproven(x);
    result.anchors += x.anchor;
    groups.insert(net::group_of(ip));
  }
  result.groups = groups.size();
  return result;
}

address_snapshot address_book::explain(const ip_address& ip) const {
  address_snapshot result;
  const auto i = entries_.find(ip);
  if (i == entries_.end()) {
    if (ip == local_ip_)
      result.why = "it is our own address";
    else if (!is_possible_peer(ip, local_ip_))
      result.why = "not in the address book: from where we are it could not be reached, so that it "
                   "counts only if it "
                   "is configured";
    else
      result.why = "not in the address book: nobody named it, and it was never connected";
    return result;
  }
  const auto& x = i->second;
  result.known = true;
  result.at = x.at;
  result.purpose = x.purpose;
  if (!x.source.is_unspecified())
    result.source = x.source;
  result.last_success = x.last_success;
  result.last_seen = x.last_seen;
  result.failures = x.failures;
  result.anchor = x.anchor;
  result.why = why(x);
  return result;
}

std::string address_book::why(const entry& x) const {
  if (x.purpose == dial_purpose::configured)
    return "configured: always wanted";
  if (x.rests_until != 0)
    return "it turned us away " + std::to_string(x.turned_away) +
           (x.turned_away == 1 ? " time" : " times in a row") +
           ", as one does whose places are taken: others have their turn meanwhile";
  if (x.purpose == dial_purpose::masternode && !is_unmet_masternode(x))
    return "a masternode that we met: always wanted";
  if (x.purpose == dial_purpose::masternode)
    return x.wanted ? "said to be a masternode: wanted"
                    : "said to be a masternode: waits until one of " +
                          std::to_string(max_unmet_masternodes_wanted) + " others like it is done";
  if (x.connected)
    return "connected";
  if (x.wanted)
    return x.failures >= failures_of_a_try
               ? "wanted; it failed " + std::to_string(x.failures) +
                     " times in a row and leaves the book at " + std::to_string(max_dial_failures)
               : "wanted: it is being tried";
  return "known, and not wanted now: it has its turn when a place is free and fewer than " +
         std::to_string(x.we_dial ? max_tries : max_waits) + " others are being tried";
}

// -- keeping ----------------------------------------------------------------------------------

std::vector<std::string> address_book::to_lines(std::int64_t unix_now) const {
  std::vector<const entry*> kept;
  kept.reserve(entries_.size());
  for (const auto& [ip, x] : entries_)
    if (x.purpose != dial_purpose::configured)
      kept.push_back(&x);
  std::ranges::sort(kept, {}, [](const auto* x) { return x->at.ip; });
  std::vector<const entry*> connected;
  std::ranges::copy_if(kept, std::back_inserter(connected), [](const auto* x) {
    return x->connected && x->purpose == dial_purpose::discovered;
  });
  std::ranges::sort(connected, {}, [](const auto* x) {
    return std::pair{x->connected_at, x->at.ip};
  });
  connected.resize(std::min(connected.size(), max_anchors));
  std::set<ip_address> anchors;
  for (const auto* x : connected)
    anchors.insert(x->at.ip);
  // A node that stops before it has tried the anchors of its last run keeps them.
  for (const auto* x : kept)
    if (x->anchor && anchors.size() < max_anchors)
      anchors.insert(x->at.ip);
  std::vector<std::string> result;
  result.reserve(kept.size());
  std::string line;
  for (const auto* x : kept) {
    line.clear();
    fmt::format_to(std::back_inserter(line), "{} {} {} {} {} {}", x->at.to_string(),
                   to_text(x->purpose), x->last_success, x->connected ? unix_now : x->last_seen,
                   x->failures, x->source.to_string());
    if (anchors.contains(x->at.ip))
      line.append(1, ' ').append(anchor_word);
    result.push_back(line);
  }
  return result;
}

std::size_t address_book::from_lines(std::span<const std::string> lines) {
  std::size_t result = 0;
  std::size_t anchors = 0;
  for (const auto& line : lines)
    if (auto x = parse_line(line); x && !entries_.contains(x->at.ip)) {
      x->anchor = x->anchor && ++anchors <= max_anchors;
      result += add(std::move(*x));
    }
  return result;
}

std::optional<address_book::entry> address_book::parse_line(std::string_view line) const {
  const auto next_word = [&line] {
    const auto end = std::min(line.find(' '), line.size());
    const auto word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
  };
  const auto read = [](std::string_view word, auto& number) {
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    return error == std::errc{} && end == word.data() + word.size() && number >= 0;
  };
  entry result;
  const auto at = endpoint::parse(next_word(), 0);
  const auto purpose = next_word();
  if (!at || at->port == 0 || !is_possible_peer(at->ip, local_ip_) ||
      !read(next_word(), result.last_success) || !read(next_word(), result.last_seen) ||
      !read(next_word(), result.failures))
    return std::nullopt;
  const auto source = ip_address::parse(next_word());
  if (!source || (!line.empty() && line != anchor_word))
    return std::nullopt;
  if (purpose == to_text(dial_purpose::masternode))
    result.purpose = dial_purpose::masternode;
  else if (purpose != to_text(dial_purpose::discovered))
    return std::nullopt;
  result.at = *at;
  result.source = *source;
  result.anchor = !line.empty();
  return result;
}

}  // namespace timenode
