#include "messages/json_scalars.hpp"

#include <bit>
#include <cstring>

namespace timenode::wire {

namespace {

static_assert(std::endian::native == std::endian::little, "the digit arithmetic below assumes it");

constexpr bool is_digit(char x) noexcept {
  return x >= '0' && x <= '9';
}

/// The number that eight digits make. False when one of them is none.
bool parse_eight(const char* text, std::uint64_t& x) noexcept {
  std::uint64_t digits;
  std::memcpy(&digits, text, sizeof(digits));
  digits ^= 0x3030303030303030u;
  // A byte above 9 sets its top bit here, or has it set.
  if ((((digits + 0x7676767676767676u) | digits) & 0x8080808080808080u) != 0)
    return false;
  // Pairs of digits, then pairs of pairs, then both halves.
  digits = (digits * 10) + (digits >> 8);
  digits = (((digits & 0x000000ff000000ffu) * 0x000f424000000064u) +
            (((digits >> 16) & 0x000000ff000000ffu) * 0x0000271000000001u)) >>
           32;
  x = digits;
  return true;
}

/// The value of a hexadecimal digit, or -1.
constexpr int hex_digit(char x) noexcept {
  if (is_digit(x))
    return x - '0';
  if (x >= 'a' && x <= 'f')
    return x - 'a' + 10;
  if (x >= 'A' && x <= 'F')
    return x - 'A' + 10;
  return -1;
}

/// The code unit that the four digits at the front of `text` make, or -1.
int code_unit(std::string_view text) noexcept {
  if (text.size() < 4)
    return -1;
  int result = 0;
  for (auto x : text.substr(0, 4)) {
    auto digit = hex_digit(x);
    if (digit < 0)
      return -1;
    result = result * 16 + digit;
  }
  return result;
}

void append_utf8(std::uint32_t point, std::string& out) {
  auto push = [&out](std::uint32_t x) { out.push_back(static_cast<char>(x)); };
  if (point < 0x80) {
    push(point);
  } else if (point < 0x800) {
    push(0xc0 | (point >> 6));
    push(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    push(0xe0 | (point >> 12));
    push(0x80 | ((point >> 6) & 0x3f));
    push(0x80 | (point & 0x3f));
  } else {
    push(0xf0 | (point >> 18));
    push(0x80 | ((point >> 12) & 0x3f));
    push(0x80 | ((point >> 6) & 0x3f));
    push(0x80 | (point & 0x3f));
  }
}

/// Resolves "uXXXX" (and a second one if it is a surrogate pair) at the front of `text`. Returns how many
/// bytes it took, 0 when it is wrong.
std::size_t unescape_unicode(std::string_view text, std::string& out) {
  auto first = code_unit(text.substr(1));
  if (first < 0 || (first >= 0xdc00 && first <= 0xdfff))
    return 0;
  auto point = static_cast<std::uint32_t>(first);
  if (first < 0xd800 || first > 0xdfff) {
    append_utf8(point, out);
    return 5;
  }
  if (text.substr(5, 2) != "\\u")
    return 0;
  auto second = code_unit(text.substr(7));
  if (second < 0xdc00 || second > 0xdfff)
    return 0;
  append_utf8(0x10000 + ((point - 0xd800) << 10) + (static_cast<std::uint32_t>(second) - 0xdc00),
              out);
  return 11;
}

/// What a one-letter escape stands for, or 0.
constexpr char unescape_letter(char x) noexcept {
  switch (x) {
  case '"':
  case '\\':
  case '/':
    return x;
  case 'b':
    return '\b';
  case 'f':
    return '\f';
  case 'n':
    return '\n';
  case 'r':
    return '\r';
  case 't':
    return '\t';
  default:
    return '\0';
  }
}

/// Takes digits off the front of `text`. False when there is none.
bool take_digits(std::string_view& text) noexcept {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count]))
    ++count;
  text.remove_prefix(count);
  return count != 0;
}

bool is_number(std::string_view text) noexcept {
  if (text.starts_with('-'))
    text.remove_prefix(1);
  if (text.starts_with('0'))
    text.remove_prefix(1);
  else if (!take_digits(text))
    return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!take_digits(text))
      return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-'))
      text.remove_prefix(1);
    if (!take_digits(text))
      return false;
  }
  return text.empty();
}

}  // namespace

bool parse_unsigned(std::string_view digits, std::uint64_t& x) noexcept {
  // 2^64-1 has 20 digits.
  if (digits.empty() || digits.size() > 20 || (digits.size() > 1 && digits.front() == '0'))
    return false;
  std::uint64_t result = 0;
  for (std::uint64_t eight; digits.size() >= 8; digits.remove_prefix(8)) {
    if (!parse_eight(digits.data(), eight))
      return false;
    result = result * 100'000'000 + eight;
  }
  for (auto digit : digits) {
    if (!is_digit(digit) || __builtin_mul_overflow(result, std::uint64_t{10}, &result) ||
        __builtin_add_overflow(result, static_cast<std::uint64_t>(digit - '0'), &result))
      return false;
  }
  x = result;
  return true;
}

bool parse_signed(std::string_view digits, std::int64_t& x) noexcept {
  constexpr auto lowest = std::uint64_t{1} << 63;
  auto negative = digits.starts_with('-');
  if (negative)
    digits.remove_prefix(1);
  std::uint64_t magnitude;
  if (!parse_unsigned(digits, magnitude))
    return false;
  if (negative ? magnitude == 0 || magnitude > lowest : magnitude >= lowest)
    return false;
  // Negating without a sign wraps around to the right bits, -2^63 included.
  x = static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
  return true;
}

bool is_json_word(std::string_view text) noexcept {
  return text == "null" || text == "true" || text == "false" || is_number(text);
}

bool unescape(std::string_view text, std::string& out) {
  out.clear();
  while (!text.empty()) {
    auto plain = text.substr(0, text.find('\\'));
    out += plain;
    text.remove_prefix(plain.size());
    if (text.empty())
      return true;
    text.remove_prefix(1);
    if (text.starts_with('u')) {
      auto taken = unescape_unicode(text, out);
      if (taken == 0)
        return false;
      text.remove_prefix(taken);
      continue;
    }
    auto letter = text.empty() ? '\0' : unescape_letter(text.front());
    if (letter == '\0')
      return false;
    out.push_back(letter);
    text.remove_prefix(1);
  }
  return true;
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string result{text.substr(0, limit)};
  for (auto& x : result)
    if (x < ' ' || x > '~')
      x = '.';
  return result;
}

}  // namespace timenode::wire
