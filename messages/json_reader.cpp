#include "messages/json_reader.hpp"

#include "messages/json_scalars.hpp"

#include <bit>
#include <limits>

namespace timenode::wire {

namespace {

static_assert(std::endian::native == std::endian::little, "the digit arithmetic below assumes it");

/// Reads numbers 0..255 without a branch for each, which would be unpredictable: hashes are random. What
/// is wrong with any of them is gathered and asked for at the end.
class byte_gatherer {
 public:
  /// The number that the token from `start` to `next` is, if it is one.
  std::uint8_t number(const char* text, std::uint32_t start, std::uint32_t next) noexcept {
    auto length = next - start;
    std::uint32_t digits;
    std::memcpy(&digits, text + start, sizeof(digits));
    digits ^= 0x30303030u;
    // The last digit goes to the top byte; what follows the token is shifted out.
    digits <<= (8 * (4 - length)) & 31;
    lengths_ |= length;
    // A byte above 9 sets its top bit here, or has it set.
    strange_ |= (digits + 0x76767676u) | digits;
    // Out of bounds, one of the differences is negative. (Of other than digits they mean nothing.)
    auto in_order = __builtin_bswap32(digits);
    outside_ |= (largest - in_order) | (in_order - smallest[length & 3]);
    // One times the top byte, ten times the one below it, a hundred times the next: in the top byte.
    return static_cast<std::uint8_t>((digits * 0x640a01u) >> 24);
  }

  bool all_good() const noexcept {
    return lengths_ <= 3 && (strange_ & 0x80808080u) == 0 && (outside_ & 0x80000000u) == 0;
  }

 private:
  /// By number of digits, a byte per digit: a leading zero is not JSON.
  static constexpr std::uint32_t smallest[4] = {0, 0x000000, 0x000100, 0x010000};
  static constexpr std::uint32_t largest = 0x020505;

  std::uint32_t lengths_ = 0;
  std::uint32_t strange_ = 0;
  std::uint32_t outside_ = 0;
};

}  // namespace

std::string_view json_reader::token() const noexcept {
  auto first = text_ + at_[0];
  auto last = text_ + at_[1];
  while (last != first && is_json_space(last[-1]))
    --last;
  return {first, static_cast<std::size_t>(last - first)};
}

// -- texts ----------------------------------------------------------------------

bool json_reader::read_text(std::string_view& result, std::string& buffer) {
  if (peek() != '"')
    return wrong("not a text");
  auto quoted = token();
  ++at_;
  // The index knows that the text ends, and that what follows its end would be a token of its own.
  if (quoted.size() < 2 || quoted.back() != '"')
    return wrong("not a text");
  result = quoted.substr(1, quoted.size() - 2);
  if (std::memchr(result.data(), '\\', result.size()) == nullptr)
    return true;
  if (!unescape(result, buffer))
    return wrong("not JSON: an unknown escape in a text");
  result = buffer;
  return true;
}

bool json_reader::read(std::string& x) {
  std::string_view text;
  if (!read_text(text, x))
    return false;
  if (text.data() != x.data())
    x = text;
  return true;
}

bool json_reader::read_key(std::string_view& result, std::string& buffer) {
  if (peek() != '"')
    return wrong("not JSON: a key is wanted");
  return read_text(result, buffer) && (take(':') || wrong("not JSON: ':' is wanted"));
}

// -- words and numbers ----------------------------------------------------------

bool json_reader::read(bool& x) {
  auto word = at_end() ? std::string_view{} : token();
  if (word != "true" && word != "false")
    return wrong("not a bool");
  x = word == "true";
  ++at_;
  return true;
}

bool json_reader::take_null() noexcept {
  if (peek() != 'n' || token() != "null")
    return false;
  ++at_;
  return true;
}

bool json_reader::read_unsigned(std::uint64_t limit, std::uint64_t& x) {
  if (at_end() || !parse_unsigned(token(), x) || x > limit)
    return false;
  ++at_;
  return true;
}

bool json_reader::read(std::uint32_t& x) {
  std::uint64_t wide;
  if (!read_unsigned(std::numeric_limits<std::uint32_t>::max(), wide))
    return wrong("not a u32");
  x = static_cast<std::uint32_t>(wide);
  return true;
}

bool json_reader::read(std::uint64_t& x) {
  return read_unsigned(std::numeric_limits<std::uint64_t>::max(), x) || wrong("not a u64");
}

bool json_reader::read(std::int64_t& x) {
  if (at_end() || !parse_signed(token(), x))
    return wrong("not an i64");
  ++at_;
  return true;
}

// -- bytes ----------------------------------------------------------------------

bool json_reader::read_bytes(std::uint8_t* out, std::size_t count) {
  // '[', then a number and a comma (at last ']') per byte.
  if (peek() == '[' && count != 0 && static_cast<std::size_t>(last_ - at_) > 2 * count) {
    byte_gatherer gatherer;
    int not_commas = 0;
    for (std::size_t i = 0; i < count; ++i) {
      auto next = at_[2 * i + 2];
      out[i] = gatherer.number(text_, at_[2 * i + 1], next);
      not_commas |= text_[next] ^ (i + 1 == count ? ']' : ',');
    }
    if (not_commas == 0 && gatherer.all_good()) {
      at_ += 2 * count + 1;
      return true;
    }
  }
  // White space, or something wrong that wants naming.
  std::size_t found = 0;
  return read_bytes_slowly(out, count, found) && (found == count || wrong_count(found, count));
}

bool json_reader::read_bytes_slowly(std::uint8_t* out, std::size_t count, std::size_t& found) {
  if (!take('['))
    return wrong("not an array");
  if (take(']'))
    return true;
  for (;; ++found) {
    std::uint64_t value;
    if (!read_unsigned(255, value)) {
      wrong("not a byte");
      return in_element(found);
    }
    if (found < count)
      out[found] = static_cast<std::uint8_t>(value);
    if (take(','))
      continue;
    ++found;
    return take(']') || wrong("not JSON: ',' or ']' is wanted");
  }
}

bool json_reader::read(std::vector<std::uint8_t>& x) {
  x.clear();
  // Enough for a script or a signature; longer ones take several rounds.
  constexpr std::size_t chunk_size = 128;
  std::uint8_t chunk[chunk_size];
  if (!take('['))
    return wrong("not an array");
  if (take(']'))
    return true;
  for (;;) {
    auto numbers = static_cast<std::size_t>(last_ - at_) / 2;
    auto limit = numbers < chunk_size ? numbers : chunk_size;
    byte_gatherer gatherer;
    std::size_t count = 0;
    char separator = ',';
    while (count < limit && separator == ',') {
      auto next = at_[2 * count + 1];
      chunk[count] = gatherer.number(text_, at_[2 * count], next);
      separator = text_[next];
      ++count;
    }
    if (count == 0 || !gatherer.all_good() || (separator != ',' && separator != ']'))
      break;
    x.insert(x.end(), chunk, chunk + count);
    at_ += 2 * count;
    if (separator == ']')
      return true;
  }
  // White space, or something wrong that wants naming: number by number from here.
  for (;;) {
    std::uint64_t value;
    if (!read_unsigned(255, value)) {
      wrong("not a byte");
      return in_element(x.size());
    }
    x.push_back(static_cast<std::uint8_t>(value));
    if (take(']'))
      return true;
    if (!take(','))
      return wrong("not JSON: ',' or ']' is wanted");
  }
}

// -- values that nobody wants ---------------------------------------------------

bool json_reader::skip_value(int depth) {
  if (depth == 0)
    return wrong("nested too deeply");
  switch (peek()) {
  case '{':
    return skip_object(depth - 1);
  case '[':
    return skip_array(depth - 1);
  case '"': {
    std::string_view text;
    std::string buffer;
    return read_text(text, buffer);
  }
  default:
    if (at_end() || !is_json_word(token()))
      return wrong("not JSON: a value is wanted");
    ++at_;
    return true;
  }
}

bool json_reader::skip_object(int depth) {
  ++at_;
  if (take('}'))
    return true;
  std::string_view key;
  std::string buffer;
  do {
    if (!read_key(key, buffer) || !skip_value(depth))
      return false;
  } while (take(','));
  return take('}') || wrong("not JSON: ',' or '}' is wanted");
}

bool json_reader::skip_array(int depth) {
  ++at_;
  if (take(']'))
    return true;
  do {
    if (!skip_value(depth))
      return false;
  } while (take(','));
  return take(']') || wrong("not JSON: ',' or ']' is wanted");
}

// -- what is wrong and where ----------------------------------------------------

bool json_reader::wrong_count(std::size_t have, std::size_t want) {
  return wrong(std::to_string(have) + " elements, " + std::to_string(want) + " wanted");
}

bool json_reader::in_field(std::string_view name) {
  path_.insert(0, name).insert(0, 1, '.');
  return false;
}

bool json_reader::in_element(std::size_t index) {
  path_.insert(0, "[" + std::to_string(index) + "]");
  return false;
}

std::string json_reader::reason(std::string_view root) const {
  return std::string{root} + path_ + ": " + what_;
}

}  // namespace timenode::wire
