#pragma once

// What `timenode top` shows. Pure.

#include "app/rpc_json.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace timenode::app {

/// The methods that are asked, in the order of `top_look::answers`.
std::vector<std::string> top_methods();

/// What a node answered at one moment.
struct top_look {
  std::vector<json> answers;  ///< Of `top_methods`.
  std::chrono::steady_clock::time_point at;
  std::int64_t unix_now = 0;
};

/// Lines for a screen with that many; peers and log take what is left. `before`: null at the first
/// look, and then there are no rates.
std::vector<std::string> top_page(const top_look& now, const top_look* before, std::size_t rows);

}  // namespace timenode::app
