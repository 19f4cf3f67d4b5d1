#include "tests/sim/faults.hpp"

#include <array>
#include <utility>

namespace sim {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, fault_count> names{{
    {"latency", "hosts and wires that are slow and uneven"},
    {"resets", "connections are reset, once or again and again"},
    {"loss", "one direction between two hosts loses some packets, or all"},
    {"one-way", "some hosts do not reach some others, which reach them"},
    {"partition", "two groups do not reach each other"},
    {"half-open", "a box between two hosts forgets their connection"},
    {"nat", "some hosts cannot be dialed, all the time"},
    {"crash", "a process is killed or a host loses power, at any message, and comes back"},
    {"disk-loss", "the same, with an empty disk"},
    {"site", "all hosts of an address group restart together"},
    {"clock", "a wall clock jumps or drifts"},
    {"slow-reader", "a host does not read from its connections"},
    {"slow-disk", "what waits for a disk waits long"},
    {"pause", "a process stands still and goes on"},
    {"silent", "strangers that answer nothing"},
    {"liar", "strangers that lie: heights, blocks, peers, masternodes"},
    {"flood", "strangers that open connections and send nothing, or rubbish"},
    {"clog", "hosts lose touch one after the other and find it again in another order"},
}};

}  // namespace

std::string_view to_text(fault x) noexcept {
  return names[static_cast<std::size_t>(x)].first;
}

std::string_view describe(fault x) noexcept {
  return names[static_cast<std::size_t>(x)].second;
}

fault_set fault_set::all() noexcept {
  fault_set result;
  for (std::size_t i = 0; i < fault_count; ++i)
    result.add(static_cast<fault>(i));
  return result;
}

timenode::outcome<fault_set> fault_set::parse(std::string_view text) {
  if (text == "all")
    return all();
  fault_set result;
  if (text == "none" || text.empty())
    return result;
  while (!text.empty()) {
    const auto name = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), name.size() + 1));
    std::size_t i = 0;
    while (i < fault_count && names[i].first != name)
      ++i;
    if (i == fault_count) {
      auto known = std::string{"all, none"};
      for (const auto& x : names)
        known += ", " + std::string{x.first};
      return timenode::fail("'" + std::string{name} + "' is none of " + known);
    }
    result.add(static_cast<fault>(i));
  }
  return result;
}

std::vector<fault> fault_set::list() const {
  std::vector<fault> result;
  for (std::size_t i = 0; i < fault_count; ++i)
    if (contains(static_cast<fault>(i)))
      result.push_back(static_cast<fault>(i));
  return result;
}

std::string fault_set::to_string() const {
  if (empty())
    return "none";
  if (*this == all())
    return "all";
  std::string result;
  for (const auto x : list())
    result += (result.empty() ? "" : ",") + std::string{to_text(x)};
  return result;
}

}  // namespace sim
