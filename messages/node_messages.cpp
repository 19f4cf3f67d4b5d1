#include "messages/node_messages.hpp"

namespace timenode {

std::string block_to_text(const block& x) {
  std::string result;
  wire::encode_block(x, result);
  return result;
}

block_ptr block_from_text(const std::string& text) {
  auto decoder = wire::line_decoder{};
  auto result = decoder.decode_block(text);
  return result ? std::move(*result) : nullptr;
}

}  // namespace timenode
