#include "messages/json_writer.hpp"

#include <algorithm>

namespace timenode::wire {

namespace {

/// A byte as decimal text with a comma behind it, in four bytes that are copied at once.
struct byte_text {
  std::array<char, 4> text{};
  std::uint8_t size = 0;
};

constexpr auto byte_texts = [] {
  std::array<byte_text, 256> result{};
  for (unsigned i = 0; i < 256; ++i) {
    auto& x = result[i];
    if (i >= 100)
      x.text[x.size++] = static_cast<char>('0' + i / 100);
    if (i >= 10)
      x.text[x.size++] = static_cast<char>('0' + i / 10 % 10);
    x.text[x.size++] = static_cast<char>('0' + i % 10);
    x.text[x.size++] = ',';
  }
  return result;
}();

/// The letter of a two-byte escape, 'u' where only \u00xx will do, 0 where none is needed.
constexpr auto escapes = [] {
  std::array<char, 256> result{};
  for (std::size_t i = 0; i < 0x20; ++i)
    result[i] = 'u';
  result['"'] = '"';
  result['\\'] = '\\';
  result['\b'] = 'b';
  result['\f'] = 'f';
  result['\n'] = 'n';
  result['\r'] = 'r';
  result['\t'] = 't';
  return result;
}();

constexpr char escape_of(char x) noexcept {
  return escapes[static_cast<std::uint8_t>(x)];
}

}  // namespace

void json_writer::value(std::string_view x) {
  mark('"');
  while (!x.empty()) {
    auto plain = static_cast<std::size_t>(
        std::find_if(x.begin(), x.end(), [](char c) { return escape_of(c) != 0; }) - x.begin());
    raw(x.substr(0, plain));
    x.remove_prefix(plain);
    if (x.empty())
      break;
    auto escape = escape_of(x.front());
    mark('\\');
    mark(escape);
    if (escape == 'u') {
      auto code = static_cast<std::uint8_t>(x.front());
      raw("00");
      mark("0123456789abcdef"[code >> 4]);
      mark("0123456789abcdef"[code & 15]);
    }
    x.remove_prefix(1);
  }
  mark('"');
}

void json_writer::bytes(std::span<const std::uint8_t> x) {
  if (x.empty()) {
    raw("[]");
    return;
  }
  mark('[');
  // As many as surely fit, then flush.
  constexpr auto at_once = std::tuple_size_v<buffer> / sizeof(byte_text::text);
  while (!x.empty()) {
    auto part = x.first(std::min(x.size(), at_once));
    auto to = room(part.size() * sizeof(byte_text::text));
    auto first = to;
    for (auto byte : part) {
      const auto& digits = byte_texts[byte];
      std::memcpy(to, digits.text.data(), sizeof(digits.text));
      to += digits.size;
    }
    size_ += static_cast<std::size_t>(to - first);
    x = x.subspan(part.size());
  }
  // The last number's comma is still in the buffer.
  buffer_[size_ - 1] = ']';
}

}  // namespace timenode::wire
