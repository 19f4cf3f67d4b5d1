#include "net/address_scope.hpp"

#include "messages/ip_network.hpp"

namespace timenode::net {

namespace {

address_scope scope_of_v4(const std::array<std::uint8_t, 4>& b) noexcept {
  using enum address_scope;
  const auto is = [&b](int first, int second, int third) {
    return b[0] == first && b[1] == second && b[2] == third;
  };
  if (b[0] == 127)
    return loopback;
  if (b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168))
    return private_use;
  if (b[0] == 169 && b[1] == 254)
    return link_local;
  if (b[0] == 100 && (b[1] & 0xc0) == 64)
    return shared;
  if (is(192, 0, 2) || is(198, 51, 100) || is(203, 0, 113))
    return documentation;
  // Protocol assignments, the old 6to4 relay, benchmarks, "this network", multicast and above.
  if (is(192, 0, 0) || is(192, 88, 99) || (b[0] == 198 && (b[1] & 0xfe) == 18) || b[0] == 0 ||
      b[0] >= 224)
    return reserved;
  return global;
}

address_scope scope_of_v6(const std::array<std::uint8_t, 16>& b) noexcept {
  using enum address_scope;
  if ((b[0] & 0xfe) == 0xfc)
    return private_use;
  if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80)
    return link_local;
  if ((b[0] == 0x20 && b[1] == 0x01 && b[2] == 0x0d && b[3] == 0xb8) ||
      (b[0] == 0x3f && b[1] == 0xff && b[2] < 0x10))
    return documentation;
  // Only 2000::/3 is given out. In it are 6to4 (2002::/16) and Teredo (2001::/32), which carry an IPv4 address that
  // may be anybody's printer.
  const auto teredo = b[0] == 0x20 && b[1] == 0x01 && b[2] == 0 && b[3] == 0;
  const auto six_to_four = b[0] == 0x20 && b[1] == 0x02;
  return (b[0] & 0xe0) != 0x20 || teredo || six_to_four ? reserved : global;
}

}  // namespace

address_scope scope_of(const ip_address& x) noexcept {
  if (x.is_loopback())
    return address_scope::loopback;
  return x.is_v4() ? scope_of_v4(x.v4_bytes()) : scope_of_v6(x.v6_bytes());
}

bool is_local_address(const ip_address& x) noexcept {
  const auto scope = scope_of(x);
  return scope == address_scope::loopback || scope == address_scope::link_local ||
         scope == address_scope::private_use || scope == address_scope::shared;
}

ip_address group_of(const ip_address& x) noexcept {
  if (is_local_address(x))
    return x;
  return ip_network{x, x.is_v4() ? 16u : 32u}.base();
}

}  // namespace timenode::net
