#include "chain/hashes.hpp"

#include "chain/bincode.hpp"
#include "chain/sha256.hpp"

#include <cstring>
#include <vector>

namespace timenode::chain {

hash256 block_hash(const block_header& x) noexcept {
  return sha256(encode_header(x));
}

hash256 txid(const transaction& x) {
  // One buffer a thread, since most transactions are small and many. What an unusually large one made
  // it grow to is given back.
  constexpr std::size_t kept_bytes = 64 * 1024;
  static thread_local byte_string buffer;
  buffer.clear();
  encode(x, buffer);
  const auto result = sha256(buffer);
  if (buffer.capacity() > kept_bytes)
    byte_string{}.swap(buffer);
  return result;
}

hash256 merkle_root(std::span<const hash256> txids) {
  if (txids.empty())
    return {};
  std::vector<hash256> level{txids.begin(), txids.end()};
  while (level.size() > 1) {
    if (level.size() % 2 != 0)
      level.push_back(level.back());
    for (std::size_t i = 0; i < level.size(); i += 2) {
      std::array<std::uint8_t, 64> pair;
      std::memcpy(pair.data(), level[i].data(), 32);
      std::memcpy(pair.data() + 32, level[i + 1].data(), 32);
      level[i / 2] = sha256(pair);
    }
    level.resize(level.size() / 2);
  }
  return level.front();
}

}  // namespace timenode::chain
