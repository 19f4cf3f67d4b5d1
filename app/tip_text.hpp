#pragma once

#include "app/rpc_json.hpp"

#include <cstdint>
#include <string>

namespace timenode::app {

/// An answer to explaintip as text for people: our tip, why it is ours, and a paragraph for each other
/// branch. `now`: Unix seconds. Pure.
std::string tip_text(const json& x, std::int64_t now);

}  // namespace timenode::app
