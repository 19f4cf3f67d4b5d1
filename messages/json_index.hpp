#pragma once

// Where the tokens of a JSON text are. The only place that knows simdjson: its first stage checks UTF-8,
// quotes and control characters and finds every token at gigabytes a second.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace timenode::wire {

/// The offsets of all tokens of a text: each bracket, comma and colon outside strings, and the first byte
/// of each string, number or word. Everything between the end of a token and the next one that is not
/// white space is itself a token, so a reader that checks every token has checked every byte.
class json_index {
 public:
  /// Readable bytes that must follow a text.
  static constexpr std::size_t padding = 64;

  json_index();
  ~json_index();
  json_index(json_index&&) noexcept;
  json_index& operator=(json_index&&) noexcept;

  /// Indexes `text`, which has `padding` readable bytes behind it and less than 4 GiB. Returns what is
  /// wrong with it, or an empty text. Throws only `std::bad_alloc`.
  std::string_view build(std::string_view text);

  /// The tokens' offsets, ascending. Behind the last one stands the text's length.
  const std::uint32_t* begin() const noexcept;
  const std::uint32_t* end() const noexcept;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace timenode::wire
