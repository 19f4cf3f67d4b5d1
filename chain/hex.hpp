#pragma once

// Bytes as lower-case hexadecimal text and back: how hashes and keys are shown to operators.

#include "messages/ledger.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace timenode::chain {

/// Two lower-case digits a byte, no prefix.
std::string to_hex(std::span<const std::uint8_t> bytes);

/// Exactly `out.size()` bytes from twice as many digits of either case. False, with `out` in an
/// unspecified state, when the length is another or a character is no digit.
bool from_hex(std::string_view text, std::span<std::uint8_t> out) noexcept;

/// A hash, key or signature from its hexadecimal text; none when it is not one.
/// For example `from_hex<hash256>(text)`.
template <class Bytes>
std::optional<Bytes> from_hex(std::string_view text) noexcept {
  Bytes result{};
  if (!from_hex(text, std::span<std::uint8_t>{result}))
    return std::nullopt;
  return result;
}

/// Any number of bytes; none when the length is odd or a character is no digit.
std::optional<byte_string> bytes_from_hex(std::string_view text);

}  // namespace timenode::chain
