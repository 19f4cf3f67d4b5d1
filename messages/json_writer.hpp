#pragma once

// Writes JSON as serde_json does: no white space, and only those escapes that JSON demands.

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace timenode::wire {

/// Appends to a string by way of a buffer on the stack: most pieces are a few bytes, and appending each
/// to the string would cost more than making it. The string is complete when the writer is gone.
class json_writer {
 public:
  explicit json_writer(std::string& out) noexcept : out_{out} {}
  ~json_writer() { flush(); }
  json_writer(const json_writer&) = delete;
  json_writer& operator=(const json_writer&) = delete;

  /// A bracket, comma or colon.
  void mark(char x) {
    *room(1) = x;
    ++size_;
  }

  /// Text that is JSON already.
  void raw(std::string_view text) {
    if (text.size() > buffer_.size()) {
      flush();
      out_.append(text);
      return;
    }
    std::memcpy(room(text.size()), text.data(), text.size());
    size_ += text.size();
  }

  void value(bool x) { raw(x ? "true" : "false"); }

  template <std::integral T>
  void value(T x) {
    // 20 digits, or 19 and a minus.
    auto to = room(20);
    size_ += static_cast<std::size_t>(std::to_chars(to, to + 20, x).ptr - to);
  }

  /// A text in quotes, escaped.
  void value(std::string_view x);

  /// An array of numbers.
  void bytes(std::span<const std::uint8_t> x);

 private:
  /// Large enough that flushing is rare, small enough for the first-level cache.
  using buffer = std::array<char, 4096>;

  /// Where the next `count` bytes can be put.
  char* room(std::size_t count) {
    if (buffer_.size() - size_ < count)
      flush();
    return buffer_.data() + size_;
  }

  void flush() {
    out_.append(buffer_.data(), size_);
    size_ = 0;
  }

  std::string& out_;
  std::size_t size_ = 0;
  buffer buffer_;  // Not initialised: every byte is written before it is read.
};

}  // namespace timenode::wire
