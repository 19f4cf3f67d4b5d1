#include "messages/wire_codec.hpp"
#include "messages/wire_read.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace timenode::wire {

static_assert(line_decoder::padding >= json_index::padding);

namespace {

/// How much of a malformed line is kept to show what came.
constexpr std::size_t evidence_bytes = 120;

/// What every line of the protocol before 2025-12-10 starts with (protocol page, section 8).
constexpr std::string_view old_protocol_mark = "~W~M";

malformed_line malformed(std::string reason, std::string_view line, bool fatal = false) {
  return {std::move(reason), printable(line, evidence_bytes), fatal};
}

/// Takes `literal` off the front of the text, if it is there.
bool take(std::string_view& text, std::string_view literal) {
  if (!text.starts_with(literal))
    return false;
  text.remove_prefix(literal.size());
  return true;
}

/// Takes a number off the front, if it is one as JSON writes them and fits.
template <class Number>
bool take_number(std::string_view& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{})
    return false;
  const auto written = std::string_view{text.data(), static_cast<std::size_t>(end - text.data())};
  text.remove_prefix(written.size());
  // Zeros in front and "-0" are for the general way to judge.
  return written == "0" || (written.front() != '0' && !written.starts_with("-0"));
}

template <class Message>
bool take_rest(std::string_view text, message& result) {
  Message x;
  if (!take(text, R"(":{"nonce":)") || !take_number(text, x.nonce) ||
      !take(text, R"(,"timestamp":)") || !take_number(text, x.timestamp) || text != "}}")
    return false;
  result = x;
  return true;
}

/// Pings and pongs as everybody writes them: nearly all that idle connections bring, read in a tenth of the time that the general
/// way takes. False: it is something else, or written otherwise.
bool read_heartbeat(std::string_view line, message& result) {
  if (take(line, R"({"Ping)"))
    return take_rest<ping>(line, result);
  return take(line, R"({"Pong)") && take_rest<pong>(line, result);
}

std::string too_long(std::size_t size) {
  return "a line of " + std::to_string(size) + " bytes, at most " + std::to_string(max_line_bytes) +
         " are accepted";
}

}  // namespace

struct line_decoder::impl {
  json_index index;
  std::unique_ptr<char[]> copy;
  std::size_t capacity = 0;

  /// The same text with padding behind it, until the next call.
  std::string_view padded(std::string_view line) {
    auto wanted = line.size() + padding;
    if (capacity < wanted) {
      // Doubling, so that growing line by line does not allocate line by line.
      capacity = std::max(wanted, std::min(capacity * 2, max_line_bytes + padding));
      copy.reset(new char[capacity]);
    }
    std::copy(line.begin(), line.end(), copy.get());
    std::memset(copy.get() + line.size(), 0, padding);
    return {copy.get(), line.size()};
  }
};

line_decoder::line_decoder() : impl_{std::make_unique<impl>()} {}
line_decoder::~line_decoder() = default;
line_decoder::line_decoder(line_decoder&&) noexcept = default;
line_decoder& line_decoder::operator=(line_decoder&&) noexcept = default;

decoded line_decoder::decode(std::string_view line) {
  if (line.size() > max_line_bytes)
    return malformed(too_long(line.size()), line);
  return decode_padded(impl_->padded(line));
}

decoded line_decoder::decode_padded(std::string_view line) {
  if (line.size() > max_line_bytes)
    return malformed(too_long(line.size()), line);
  decoded result;
  if (read_heartbeat(line, std::get<message>(result)))
    return result;
  if (line.starts_with(old_protocol_mark))
    return malformed("old protocol, of before 2025-12-10", line, true);
  if (auto complaint = impl_->index.build(line); !complaint.empty())
    return malformed(std::string{complaint}, line);
  json_reader in{line.data(), impl_->index};
  variant_tag tag;
  auto fine = read_variant(in, std::get<message>(result), tag) &&
              (in.at_end() || in.wrong("something behind the message"));
  if (!fine) {
    auto root = tag.name.empty() ? "message" : printable(tag.name, longest_name_shown);
    return malformed(in.reason(root), line);
  }
  if (!tag.known)
    result = unknown_message{printable(tag.name, longest_name_shown)};
  return result;
}

outcome<block_ptr> line_decoder::decode_block(std::string_view line) {
  if (line.size() > max_line_bytes)
    return fail(too_long(line.size()));
  auto text = impl_->padded(line);
  if (auto complaint = impl_->index.build(text); !complaint.empty())
    return fail("block: " + std::string{complaint});
  json_reader in{text.data(), impl_->index};
  block_ptr result;
  if (!read_value(in, result) || !(in.at_end() || in.wrong("something behind the block")))
    return fail(in.reason("block"));
  return result;
}

bool from_line(const std::string& line, message& x) {
  // Off the hot path: only messages between our own machines come here.
  static thread_local line_decoder decoder;
  std::string_view text = line;
  if (text.ends_with('\n'))
    text.remove_suffix(1);
  auto result = decoder.decode(text);
  auto found = std::get_if<message>(&result);
  if (found)
    x = std::move(*found);
  return found != nullptr;
}

}  // namespace timenode::wire
