#include "actors/address_rules.hpp"

namespace timenode {

bool is_local_address(const ip_address& x) noexcept {
  if (x.is_loopback())
    return true;
  if (x.is_v4()) {
    const auto b = x.v4_bytes();
    return b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168)
           || (b[0] == 169 && b[1] == 254) || (b[0] == 100 && (b[1] & 0xc0) == 64);
  }
  const auto b = x.v6_bytes();
  return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
}

bool is_possible_peer(const ip_address& x, const std::optional<ip_address>& ours) noexcept {
  if (!x.is_unicast() || x == ours)
    return false;
  return !is_local_address(x) || !ours || is_local_address(*ours);
}

} // namespace timenode
