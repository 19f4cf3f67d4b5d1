#pragma once

// What a running node answered about masternodes, as text for people. Pure.

#include "app/rpc_json.hpp"

#include <cstdint>
#include <string>

namespace timenode::app {

/// An answer to masternodelist: a line for each, and how many are active. `now`: Unix seconds.
std::string masternodes_text(const json& x, std::int64_t now);

/// An answer to explainmasternode.
std::string explain_masternode_text(const json& x, std::int64_t now);

}  // namespace timenode::app
