#pragma once

// The words, numbers and escapes of JSON (RFC 8259), strictly.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace timenode::wire {

/// JSON's four white-space bytes.
constexpr bool is_json_space(char x) noexcept {
  return x == ' ' || x == '\n' || x == '\r' || x == '\t';
}

/// Reads an integer without sign, fraction, exponent or leading zero. False when it is not one or
/// exceeds 2^64-1.
bool parse_unsigned(std::string_view digits, std::uint64_t& x) noexcept;

/// The same with an optional minus. "-0" is refused: to serde it is a float.
bool parse_signed(std::string_view digits, std::int64_t& x) noexcept;

/// True for "null", "true", "false" and anything that is a JSON number of any size.
bool is_json_word(std::string_view text) noexcept;

/// Resolves the escapes of a text (without its quotes) into `out`, in UTF-8. False when one is not
/// JSON or is half of a surrogate pair.
bool unescape(std::string_view text, std::string& out);

/// The first bytes of `text`, at most `limit`, fit for a log: what is not printable ASCII becomes '.'.
std::string printable(std::string_view text, std::size_t limit);

}  // namespace timenode::wire
