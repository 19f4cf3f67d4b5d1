#include "messages/wire_codec.hpp"
#include "messages/wire_names.hpp"
#include "messages/wire_write.hpp"

#include <algorithm>

namespace timenode::wire {

namespace {

/// A line with the variant `Response` of as many blocks as its limits allow.
template <class Response>
shared_line encode_blocks(std::span<const block_ptr> blocks) {
  constexpr std::string_view tail = "]}\n";
  auto result = std::make_shared<std::string>(tag_text<Response>.view());
  result->push_back('[');
  auto count = std::min(blocks.size(), max_blocks_per_response);
  for (std::size_t i = 0; i < count; ++i) {
    auto before = result->size();
    if (i != 0)
      result->push_back(',');
    encode_block(*blocks[i], *result);
    if (i == 0 && result->size() + tail.size() > max_line_bytes) {
      result->resize(before);  // Whoever got that line would have to take it for an attack.
      break;
    }
    if (i == 0) {
      // Neighbours are of a size: one allocation for all, an eighth more in case they are not.
      auto size = result->size();
      result->reserve(std::min(size * count + size * count / 8, max_blocks_response_bytes));
    } else if (result->size() + tail.size() > max_blocks_response_bytes) {
      result->resize(before);
      break;
    }
  }
  result->append(tail);
  return result;
}

}  // namespace

std::string_view kind_name(std::size_t kind) noexcept {
  using names = variant_names<message>;
  static_assert(names::count == message_kinds);
  return kind < names::count ? names::all[kind] : "no message";
}

void encode(const message& x, std::string& out) {
  json_writer writer{out};
  write_value(writer, x);
  writer.mark('\n');
}

void encode_block(const block& x, std::string& out) {
  json_writer writer{out};
  write_value(writer, x);
}

shared_line encode_shared(const message& x) {
  auto result = std::make_shared<std::string>();
  encode(x, *result);
  return result;
}

shared_line encode_blocks_response(std::span<const block_ptr> blocks) {
  return encode_blocks<blocks_response>(blocks);
}

shared_line encode_block_range_response(std::span<const block_ptr> blocks) {
  return encode_blocks<block_range_response>(blocks);
}

std::string to_line(const message& x) {
  std::string result;
  encode(x, result);
  return result;
}

}  // namespace timenode::wire
