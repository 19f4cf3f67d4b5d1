#pragma once

// A strict cursor over the tokens of one JSON text. Knows JSON and how the protocol writes numbers, bytes
// and texts in it (protocol page, section 2), but no message.

#include "messages/json_index.hpp"
#include "messages/wire_form.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace timenode::wire {

/// Reads token by token. Every function that returns false has recorded what is wrong; callers add where
/// it is while they return (`in_field`, `in_element`) and must not go on reading.
class json_reader {
 public:
  /// How deep a value that we skip may nest. (What we read nests as deep as its type: at most 9.)
  static constexpr int max_depth = 64;

  /// The index must have been built from `text` without complaint; both must outlive the reader.
  json_reader(const char* text, const json_index& index) noexcept
      : text_{text}, at_{index.begin()}, last_{index.end()} {}

  // -- tokens -----------------------------------------------------------------

  /// The first byte of the next token; 0 at the end, which starts no token either.
  char peek() const noexcept { return at_ == last_ ? '\0' : text_[*at_]; }
  bool at_end() const noexcept { return at_ == last_; }

  /// Skips the next token if it is this bracket, comma or colon.
  bool take(char x) noexcept {
    if (peek() != x)
      return false;
    ++at_;
    return true;
  }

  /// Skips `separator`, the key `Name` and its colon if they are next, in their usual spelling; does
  /// nothing otherwise. The fast path of objects whose fields come in the expected order.
  template <fixed_text Name>
  bool take_key(char separator) noexcept {
    constexpr auto quoted = '"' + Name + '"';
    static_assert(quoted.size() <= json_index::padding,
                  "comparing must not read beyond the padding");
    if (last_ - at_ < 3 || text_[at_[0]] != separator || text_[at_[2]] != ':' ||
        std::memcmp(text_ + at_[1], quoted.chars, quoted.size()) != 0)
      return false;
    at_ += 3;
    return true;
  }

  /// Reads a key in any spelling and its colon. `result` is valid until `buffer` or the text changes.
  bool read_key(std::string_view& result, std::string& buffer);

  // -- values -----------------------------------------------------------------

  bool read(bool& x);
  bool read(std::uint32_t& x);
  bool read(std::uint64_t& x);
  bool read(std::int64_t& x);
  bool read(std::string& x);
  /// An array of exactly `count` bytes.
  bool read_bytes(std::uint8_t* out, std::size_t count);
  /// An array of any number of bytes.
  bool read(std::vector<std::uint8_t>& x);
  /// Skips "null" if it is next.
  bool take_null() noexcept;
  /// A text without escapes can be had without a copy. `result` as in `read_key`.
  bool read_text(std::string_view& result, std::string& buffer);
  /// Reads past any value, checking it fully.
  bool skip_value() { return skip_value(max_depth); }

  // -- what is wrong and where ------------------------------------------------

  bool wrong(std::string_view what) {
    what_ = what;
    return false;
  }
  bool wrong_count(std::size_t have, std::size_t want);
  bool in_field(std::string_view name);
  bool in_element(std::size_t index);
  /// E.g. "GetBlocks[1]: not a u64" for the root "GetBlocks".
  std::string reason(std::string_view root) const;

 private:
  /// The next token up to the one behind it, without the white space between them. Not at the end.
  std::string_view token() const noexcept;
  bool read_unsigned(std::uint64_t limit, std::uint64_t& x);
  bool read_bytes_slowly(std::uint8_t* out, std::size_t count, std::size_t& found);
  bool skip_value(int depth);
  bool skip_object(int depth);
  bool skip_array(int depth);

  const char* text_;
  const std::uint32_t* at_;
  const std::uint32_t* last_;  ///< Points to the text's length, as `json_index` promises.
  std::string path_;
  std::string what_;
};

}  // namespace timenode::wire
