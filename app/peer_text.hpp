#pragma once

// What a running node answered about bans and about one peer, as text for people. Pure.

#include "app/rpc_json.hpp"

#include <cstdint>
#include <string>

namespace timenode::app {

/// An answer to listbanned and one to listtrusted. `now`: Unix seconds.
std::string bans_text(const json& bans, const json& trusted, std::int64_t now);

/// One entry of listbanned, as a sentence with how to lift it.
std::string ban_sentence(const json& ban);

/// An answer to explainpeer.
std::string explain_peer_text(const json& x, std::int64_t now);

}  // namespace timenode::app
