#pragma once

// Whose turn it is to propose a block (protocol page, section 7).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace timenode::chain {

/// The leader of a height among the masternodes with these addresses, in any order. None when there
/// are none. Sorts them as text; seed = height as u64 LE ‖ all addresses; index = first 8 bytes of
/// SHA-256(seed) as u64 LE, modulo their number.
std::optional<std::string> leader_of(std::uint64_t height, std::vector<std::string> addresses);

}  // namespace timenode::chain
