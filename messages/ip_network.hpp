#pragma once

// A range of addresses as operators write it: "192.0.2.7", "192.0.2.0/24", "2001:db8::/32".

#include "messages/ip_address.hpp"

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace timenode {

/// The addresses that share their first bits. A single address is the network of all its bits. Default: 0.0.0.0/32,
/// which holds no host.
class ip_network {
 public:
  ip_network() = default;
  /// That address alone.
  explicit ip_network(const ip_address& host) noexcept;
  /// The network of that size which `member` is in. `bits` is at most 32 (IPv4) or 128 (IPv6).
  ip_network(const ip_address& member, unsigned bits) noexcept;

  /// Parses "IP", "IP/BITS" or, for IPv4, "IP/255.255.0.0". Bits of the address behind the mask are dropped, as
  /// operators write what they have. The failure says what is wrong with the text.
  static outcome<ip_network> parse(std::string_view text);

  /// The first address.
  const ip_address& base() const noexcept { return base_; }
  /// How many first bits are shared: 0 to 32 (IPv4) or 128 (IPv6). The more, the more specific.
  unsigned bits() const noexcept { return bits_; }
  /// One address alone.
  bool is_host() const noexcept { return bits_ == (base_.is_v4() ? 32u : 128u); }
  bool contains(const ip_address& x) const noexcept;

  /// "192.0.2.7/32": always with the bits, as Bitcoin Core's RPC has it.
  std::string to_string() const;
  /// "192.0.2.7" for a single address, else as above: what people write.
  std::string to_short_string() const;

  auto operator<=>(const ip_network&) const = default;

  template <class Inspector>
  friend bool inspect(Inspector& f, ip_network& x) {
    return f.object(x).fields(f.field("base", x.base_), f.field("bits", x.bits_));
  }

 private:
  ip_address base_;
  std::uint8_t bits_ = 32;
};

inline std::string to_string(const ip_network& x) {
  return x.to_string();
}

}  // namespace timenode
