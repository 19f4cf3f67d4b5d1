#pragma once

// What an address says of itself: where it can be reached from, and which others tend to have the same owner.

#include "messages/ip_address.hpp"

#include <cstdint>

namespace timenode::net {

/// From where an address can be reached (the registries of RFC 6890 and its successors).
enum class address_scope : std::uint8_t {
  global,       ///< From everywhere.
  loopback,     ///< 127.0.0.0/8, ::1: from this machine.
  link_local,   ///< 169.254.0.0/16, fe80::/10: from this cable.
  private_use,  ///< 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7: from this site.
  shared,       ///< 100.64.0.0/10: from behind this carrier's translator.
  documentation,  ///< 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24, 2001:db8::/32, 3fff::/20: from nowhere.
  reserved,  ///< Benchmarks, protocol assignments, tunnels, what is not assigned, and what is no host's at all.
};

address_scope scope_of(const ip_address& x) noexcept;

/// Loopback, link-local, private or shared by a carrier: cannot be reached from everywhere. Limits by group do not
/// apply to these, for a site or a test network is one group.
bool is_local_address(const ip_address& x) noexcept;

/// The group of an address, as its first address: the /16 (IPv4) or /32 (IPv6) that it is in, for those tend to have
/// one owner. A local address is a group of its own.
ip_address group_of(const ip_address& x) noexcept;

}  // namespace timenode::net
