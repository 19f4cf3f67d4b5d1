#include "chain/leader.hpp"

#include "chain/sha256.hpp"

#include <algorithm>

namespace timenode::chain {

std::optional<std::string> leader_of(std::uint64_t height, std::vector<std::string> addresses) {
  if (addresses.empty())
    return std::nullopt;
  std::sort(addresses.begin(), addresses.end());
  sha256_hasher hasher;
  hasher.update_le(height);
  for (const auto& address : addresses)
    hasher.update(address);
  const auto hash = hasher.finish();
  std::uint64_t number = 0;
  for (std::size_t i = 8; i-- > 0;)
    number = number << 8 | hash[i];
  return std::move(addresses[number % addresses.size()]);
}

}  // namespace timenode::chain
