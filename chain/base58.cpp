#include "chain/base58.hpp"

#include <algorithm>

namespace timenode::chain {

namespace {

constexpr std::string_view alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

// Decoding takes time with the square of the length, and the text may come from a peer.
constexpr std::size_t max_text = 128;

}  // namespace

std::string base58_encode(std::span<const std::uint8_t> bytes) {
  const auto zeros = std::find_if(bytes.begin(), bytes.end(), [](auto x) { return x != 0; });
  std::vector<std::uint8_t> digits;  // Least significant first.
  for (auto byte = zeros; byte != bytes.end(); ++byte) {
    unsigned carry = *byte;
    for (auto& digit : digits) {
      carry += 256u * digit;
      digit = static_cast<std::uint8_t>(carry % 58);
      carry /= 58;
    }
    for (; carry != 0; carry /= 58)
      digits.push_back(static_cast<std::uint8_t>(carry % 58));
  }
  std::string result(static_cast<std::size_t>(zeros - bytes.begin()), alphabet[0]);
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit)
    result += alphabet[*digit];
  return result;
}

std::optional<byte_string> base58_decode(std::string_view text) {
  if (text.size() > max_text)
    return std::nullopt;
  const auto ones = std::min(text.find_first_not_of(alphabet[0]), text.size());
  byte_string bytes;  // Least significant first.
  for (const char c : text.substr(ones)) {
    const auto value = alphabet.find(c);
    if (value == std::string_view::npos)
      return std::nullopt;
    auto carry = static_cast<unsigned>(value);
    for (auto& byte : bytes) {
      carry += 58u * byte;
      byte = static_cast<std::uint8_t>(carry);
      carry >>= 8;
    }
    if (carry != 0)
      bytes.push_back(static_cast<std::uint8_t>(carry));
  }
  bytes.insert(bytes.end(), ones, 0);
  std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

}  // namespace timenode::chain
