#include "actors/address_rules.hpp"

namespace timenode {

bool is_possible_peer(const ip_address& x, const std::optional<ip_address>& ours) noexcept {
  if (!x.is_unicast() || x == ours)
    return false;
  const auto scope = net::scope_of(x);
  return scope == net::address_scope::global || (ours && net::scope_of(*ours) == scope);
}

}  // namespace timenode
