#pragma once

// What the scenarios of operators' complaints share.

#include "tests/sim/bad_peers.hpp"
#include "tests/sim/nemesis.hpp"
#include "tests/sim/scenario.hpp"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <utility>

namespace sim {

using timenode::node_snapshot;

inline fault_set faults(std::initializer_list<fault> list) {
  fault_set result;
  for (const auto x : list)
    result.add(x);
  return result;
}

inline node_snapshot look(world& w, std::uint32_t node) {
  auto result = w.look_at(node);
  REQUIRE(result.has_value());
  return std::move(*result);
}

inline victims everybody(world& w) {
  victims result{{}, [&w]() -> const auto& {return w.chain();
}
, [&w] { return node_clock{}.unix_seconds(w.now()); }
};  // namespace sim
for (std::uint32_t i = 0; i < w.hosts(); ++i)
  result.hosts.push_back(w.ip(i));
return result;
}

/// Active masternodes as that node sees them.
inline std::size_t active_masternodes(world& w, std::uint32_t node) {
  const auto x = look(w, node);
  return static_cast<std::size_t>(
      std::ranges::count_if(x.masternodes, &timenode::masternode_entry::active));
}

}  // namespace sim
