#pragma once

// Bytes in, lines out (protocol page, section 1), in whatever pieces the bytes come.

#include "messages/wire_codec.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace timenode::net {

/// Cuts a stream of bytes into lines. Keeps nothing but the beginning of a line whose end has not
/// come: between lines it holds no memory. Empty lines are skipped; a '\r' before the newline stays
/// on the line (to JSON it is white space). Not thread-safe.
class line_framer {
 public:
  /// `limit` is the longest line that is accepted, without its newline.
  explicit line_framer(std::size_t limit) noexcept : limit_{limit} {}

  /// Changes the limit for what comes, the line that has begun included. Does not undo a fault.
  void limit(std::size_t limit) noexcept { limit_ = limit; }

  /// Takes the next bytes; `next` then gives the lines that end in them. The bytes, and
  /// `wire::line_decoder::padding` readable ones behind them, must stay until `next` gave nothing.
  void feed(std::string_view chunk) noexcept { chunk_ = chunk; }

  /// The next line, without its newline, or nothing when all that was fed is used up. The view is
  /// good for `wire::line_decoder::decode_padded`, and until `next` is called again.
  std::optional<std::string_view> next();

  /// True once a line exceeded the limit. The lines before it were given; all after it is ignored.
  bool faulted() const noexcept { return faulted_; }

  /// Stops for good, as if a line had exceeded the limit here.
  void fault() { fault({}); }

  /// The first bytes of the line that exceeded the limit, made printable.
  const std::string& evidence() const noexcept { return evidence_; }

  /// How many bytes of a line without end are kept.
  std::size_t buffered() const noexcept { return given_ ? 0 : partial_.size(); }

 private:
  void keep(std::string_view piece, std::size_t padding);
  void fault(std::string_view piece);

  std::size_t limit_;
  std::string_view chunk_;  ///< Fed and not yet looked at.
  std::vector<char>
      partial_;         ///< A line's beginning; after its end was found: the line and padding.
  bool given_ = false;  ///< `partial_` was handed out and is to be freed.
  bool faulted_ = false;
  std::string evidence_;
};

/// How many lines that are not empty end in `chunk`; what to reserve before they are decoded.
std::size_t count_lines(std::string_view chunk) noexcept;

}  // namespace timenode::net
