// For libFuzzer: decodes any bytes; what decodes must survive being encoded and decoded again.

#include "messages/wire_codec.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace timenode::wire;
  static line_decoder decoder;
  auto first = decoder.decode({reinterpret_cast<const char*>(data), size});
  if (auto found = std::get_if<message>(&first)) {
    auto line = to_line(*found);
    auto text = std::string_view{line};
    text.remove_suffix(1);
    auto second = decoder.decode(text);
    if (!std::holds_alternative<message>(second) || to_line(std::get<message>(second)) != line)
      std::abort();
  }
  static_cast<void>(decoder.decode_block({reinterpret_cast<const char*>(data), size}));
  return 0;
}
