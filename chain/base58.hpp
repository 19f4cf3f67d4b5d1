#pragma once

// Base58 with Bitcoin's alphabet, as addresses are written in (protocol page, section 4).

#include "messages/ledger.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace timenode::chain {

/// Leading zero bytes become leading '1's. Time grows with the square of the length: for short inputs.
std::string base58_encode(std::span<const std::uint8_t> bytes);

/// None when a character is not in the alphabet or the text is longer than 128 characters, far above
/// any address.
std::optional<byte_string> base58_decode(std::string_view text);

}  // namespace timenode::chain
