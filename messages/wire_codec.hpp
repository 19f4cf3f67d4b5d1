#pragma once

// Lines of JSON to messages and back (protocol page, sections 1 and 2).

#include "messages/outcome.hpp"
#include "messages/wire.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace timenode::wire {

/// Longest line that we accept, without its newline (protocol page, section 1).
inline constexpr std::size_t max_line_bytes = 8u << 20;
/// Block responses are cut short at this many bytes (protocol page, section 1) ...
inline constexpr std::size_t max_blocks_response_bytes = 4u << 20;
/// ... or at this many blocks, whichever comes first (protocol page, sections 1 and 3).
inline constexpr std::size_t max_blocks_per_response = 101;

/// Longest text of a block that can travel: with it a `BlockProposal`, which has most around its block,
/// still is a line that everybody accepts. A block of 2,000,000 bytes of bincode is below it when it is
/// mostly scripts (4 characters a byte), and can be above when it is mostly inputs (4.5) or strings with
/// control characters (6): such a block is valid nowhere, since nobody could be given it.
inline constexpr std::size_t max_block_text_bytes = max_line_bytes - 4096;

/// The name of a message kind on the wire, e.g. "BlockHeightResponse". `kind` is an index of `message`.
std::string_view kind_name(std::size_t kind) noexcept;
inline std::string_view kind_name(const message& x) noexcept {
  return kind_name(x.index());
}

/// A well-formed message whose name we do not know. It may be newer than we are: no violation
/// (protocol page, section 8).
struct unknown_message {
  std::string name;  ///< Cut to 64 bytes, not printable bytes replaced.
  bool operator==(const unknown_message&) const = default;
};

/// A line that is provably wrong: a violation (protocol page, section 8).
struct malformed_line {
  std::string reason;    ///< Names the field, e.g. "GetBlocks[1]: not a u64".
  std::string evidence;  ///< The first bytes of the line (at most 120), printable.
  bool fatal =
      false;  ///< Nothing that comes after it can be read: the connection has to be closed.
  bool operator==(const malformed_line&) const = default;
};

using decoded = std::variant<message, unknown_message, malformed_line>;

/// The lines of one read from a connection, decoded, in order.
struct received_batch {
  std::vector<decoded> lines;
  std::size_t bytes = 0;  ///< On the wire, newlines included. Handed back as read credit.
};

/// Decodes lines. Keeps simdjson's buffers between calls: one per I/O thread, not per peer.
/// Not thread-safe; movable.
class line_decoder {
 public:
  line_decoder();
  ~line_decoder();
  line_decoder(line_decoder&&) noexcept;
  line_decoder& operator=(line_decoder&&) noexcept;

  /// Decodes one line without its newline. Never throws on any input; allocates in proportion to the
  /// line's length. A line above `max_line_bytes` is malformed. Copies the line into a padded buffer.
  decoded decode(std::string_view line);

  /// As above for text that has at least `padding` readable bytes behind it: no copy.
  decoded decode_padded(std::string_view line);

  /// Readable bytes that must follow the text given to `decode_padded` (simdjson's requirement).
  static constexpr std::size_t padding = 64;

  /// Decodes one block as it stands in a chain file: a JSON object, one a line.
  outcome<block_ptr> decode_block(std::string_view line);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// Appends the message as one line, newline included. Blocks must not be null.
void encode(const message& x, std::string& out);

/// Appends one block as a JSON object, without a newline.
void encode_block(const block& x, std::string& out);

/// One encoded line (or several), shared by everyone whom it is sent to.
using shared_line = std::shared_ptr<const std::string>;

/// Encodes into a buffer to be shared.
shared_line encode_shared(const message& x);

/// Encodes a `BlocksResponse` (or `BlockRangeResponse`) of as many of `blocks` from the front as fit
/// `max_blocks_per_response` and `max_blocks_response_bytes`; at least one if there is one, as long as
/// that one fits into a line at all.
shared_line encode_blocks_response(std::span<const block_ptr> blocks);
shared_line encode_block_range_response(std::span<const block_ptr> blocks);

// -- CAF's inspection: a message travels between machines as its own line ---------

std::string to_line(const message& x);
bool from_line(const std::string& line, message& x);

template <class Inspector>
bool inspect(Inspector& f, message& x) {
  if constexpr (Inspector::is_loading) {
    std::string line;
    return f.apply(line) && from_line(line, x);
  } else {
    auto line = to_line(x);
    return f.apply(line);
  }
}

}  // namespace timenode::wire
