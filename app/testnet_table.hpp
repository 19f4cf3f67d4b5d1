#pragma once

// What `timenode testnet` shows while it runs and when it is done. Pure.

#include "app/testnet_verdict.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace timenode::app {

/// The whole page for a terminal, the important first: small terminals show the top only.
/// `events`: the last few, oldest first. `head`: the first line.
std::vector<std::string> table_page(const std::string& head, std::span<const node_view> nodes,
                                    const testnet_verdict& verdict,
                                    std::span<const std::string> events);

/// The rows for the nodes, below a line with the names of the columns.
std::vector<std::string> table_rows(std::span<const node_view> nodes);

/// The state of all in one line, for where there is no terminal.
std::string progress_line(const testnet_verdict& x);

/// The last words: a line that begins with "OK" or "NOT OK" and says what was seen, then a line for
/// each thing that is missing, a limited number of them. `seconds_to_ok`: when all was well for the
/// first time.
std::vector<std::string> closing_lines(const testnet_verdict& x,
                                       std::optional<double> seconds_to_ok);

/// So many missing things are told one by one.
inline constexpr std::size_t max_missing_lines = 20;

}  // namespace timenode::app
