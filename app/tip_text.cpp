#include "app/tip_text.hpp"

#include "app/query_text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace timenode::app {

namespace {

std::uint64_t number(const json& x, const char* name) {
  const auto found = x.is_object() ? x.find(name) : x.end();
  return found != x.end() && found->is_number() ? found->get<std::uint64_t>() : 0;
}

std::string text(const json& x, const char* name) {
  const auto found = x.is_object() ? x.find(name) : x.end();
  return found != x.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// "10.0.0.1, 10.0.0.2 and 7 more".
std::string list_of(const json& x, const char* name) {
  constexpr std::size_t most = 5;
  const auto found = x.is_object() ? x.find(name) : x.end();
  if (found == x.end() || !found->is_array() || found->empty())
    return "nobody who is connected";
  std::string result;
  for (std::size_t i = 0; i < std::min(found->size(), most); ++i)
    result += (i > 0 ? ", " : "") + (*found)[i].get<std::string>();
  if (found->size() > most)
    result += fmt::format(" and {} more", found->size() - most);
  return result;
}

void append_branch(const json& x, std::string& to) {
  const auto line = [&to](std::string_view what, const std::string& value) {
    to += fmt::format("  {:<10}{}\n", what, value);
  };
  to += fmt::format("Branch above height {}, {} blocks\n", number(x, "forkheight"),
                    number(x, "branchlen"));
  line("Tip", fmt::format("{} at height {}", text(x, "hash"), number(x, "height")));
  line("First", text(x, "firsthash"));
  line("Held by", list_of(x, "peers"));
  const auto votes = x.find("votes");
  if (votes != x.end() && votes->is_object())
    line("Votes",
         fmt::format("{} for ours, {} for this, {} for another, {} without a block there; "
                     "{} masternodes known",
                     number(*votes, "ours"), number(*votes, "theirs"), number(*votes, "others"),
                     number(*votes, "none"), number(*votes, "masternodes")));
  line("Decision", text(x, "decision"));
  line("Because", text(x, "reason"));
  if (const auto next = x.find("next_look_seconds"); next != x.end() && next->is_number())
    line("Next look", fmt::format("in {:.0f} s", next->get<double>()));
}

}  // namespace

std::string tip_text(const json& x, std::int64_t now) {
  std::string result;
  const auto line = [&result](std::string_view what, const std::string& value) {
    result += fmt::format("{:<12}{}\n", what, value);
  };
  const auto time = static_cast<std::int64_t>(number(x, "time"));
  line("Tip", fmt::format("{} at height {}{}", text(x, "hash"), number(x, "height"),
                          time == 0 ? "" : ", " + duration_text(now - time) + " old"));
  line("Why ours", text(x, "why"));
  if (const auto last = number(x, "final_height"); last > 0)
    line("Final", fmt::format("up to height {}: it has a commit certificate", last));
  if (const auto peers = x.find("peers"); peers != x.end() && peers->is_object())
    line("Peers", fmt::format("{} have our tip, {} are lower on our chain, {} have another block, "
                              "{} did not tell",
                              number(*peers, "same"), number(*peers, "behind"),
                              number(*peers, "differ"), number(*peers, "unknown")));
  line("Doing", text(x, "doing"));
  line("Changed", fmt::format("{} times to another branch since the start", number(x, "switches")));
  const auto branches = x.is_object() ? x.find("branches") : x.end();
  if (branches != x.end() && branches->is_array())
    for (const auto& branch : *branches)
      append_branch(branch, result);
  return result;
}

}  // namespace timenode::app
