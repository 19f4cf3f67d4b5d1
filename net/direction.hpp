#pragma once

// Which side of a pair dials: protocol page, section 5, "Direction".

#include "messages/ip_address.hpp"

#include <optional>
#include <string_view>

namespace timenode::net {

/// True when the node at `local` is the one that should dial `peer`: the numerically higher IP dials.
/// False for two equal addresses.
inline bool local_dials(const ip_address& local, const ip_address& peer) noexcept {
  return local > peer;
}

/// As above for texts as they stand in messages and configuration; if either is no address, the texts
/// are compared. A node that does not know its own IP (`nullopt`) may dial anyone.
bool local_dials(std::optional<std::string_view> local, std::string_view peer);

}  // namespace timenode::net
