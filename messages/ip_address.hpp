#pragma once

// The identity of a peer: its IP address, never IP:port (protocol page, section 5). Lives beside the
// messages because nearly every one between actors names a peer.

#include "messages/outcome.hpp"

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace timenode {

/// An IPv4 or IPv6 address. An IPv4-mapped IPv6 address is the IPv4 address: it cannot be told from it.
/// Zone ids are dropped. Ordered as the direction rule wants: IPv4 below IPv6, each as an unsigned
/// big-endian number. Default: 0.0.0.0, "unspecified".
class ip_address {
 public:
  ip_address() = default;

  /// From 4 or 16 bytes in network order.
  static ip_address from_v4(const std::array<std::uint8_t, 4>& bytes) noexcept;
  static ip_address from_v6(const std::array<std::uint8_t, 16>& bytes) noexcept;

  /// Parses "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "[2001:db8::1]". None when it is not an
  /// address (names are never resolved).
  static std::optional<ip_address> parse(std::string_view text);

  bool is_v4() const noexcept { return !v6_; }
  /// 0.0.0.0 or ::.
  bool is_unspecified() const noexcept;
  bool is_loopback() const noexcept;
  /// Neither unspecified, multicast nor broadcast: could be a host.
  bool is_unicast() const noexcept;
  /// 4 bytes in network order. Only when `is_v4`.
  std::array<std::uint8_t, 4> v4_bytes() const noexcept;
  /// 16 bytes in network order; an IPv4 address as its mapped form.
  std::array<std::uint8_t, 16> v6_bytes() const noexcept;

  /// The /16 (IPv4) or /32 (IPv6) that the address is in, e.g. "192.0.0.0/16": one operator's addresses
  /// tend to share it.
  std::string group() const;

  /// Canonical text (RFC 5952 for IPv6).
  std::string to_string() const;

  bool operator==(const ip_address&) const = default;
  /// Any IPv6 above any IPv4. By words: every table of the node is looked up by this.
  std::strong_ordering operator<=>(const ip_address& x) const noexcept {
    if (v6_ != x.v6_)
      return v6_ <=> x.v6_;
    const auto order = word(0) <=> x.word(0);
    return order != 0 ? order : word(8) <=> x.word(8);
  }

  template <class Inspector>
  friend bool inspect(Inspector& f, ip_address& x) {
    return f.object(x).fields(f.field("v6", x.v6_), f.field("bytes", x.bytes_));
  }

 private:
  /// Eight bytes as a big-endian number.
  std::uint64_t word(std::size_t from) const noexcept {
    std::uint64_t result = 0;
    std::memcpy(&result, bytes_.data() + from, sizeof(result));
    if constexpr (std::endian::native == std::endian::little)
      result = __builtin_bswap64(result);
    return result;
  }

  bool v6_ = false;
  std::array<std::uint8_t, 16> bytes_{};  ///< IPv4 in the last four bytes, the rest zero.
};

inline std::string to_string(const ip_address& x) {
  return x.to_string();
}

/// Where a peer can be dialed. The port is how to reach it, not who it is.
struct endpoint {
  ip_address ip;
  std::uint16_t port = 0;

  /// Parses "ip:port", "[v6]:port", or a bare address with `default_port`. A port of 0 is refused
  /// unless `default_port` is given and none is written. The failure says what is wrong.
  static outcome<endpoint> parse(std::string_view text, std::uint16_t default_port);

  /// "192.0.2.1:24100" or "[2001:db8::1]:24100".
  std::string to_string() const;

  auto operator<=>(const endpoint&) const = default;

  template <class Inspector>
  friend bool inspect(Inspector& f, endpoint& x) {
    return f.object(x).fields(f.field("ip", x.ip), f.field("port", x.port));
  }
};

inline std::string to_string(const endpoint& x) {
  return x.to_string();
}

}  // namespace timenode

template <>
struct std::hash<timenode::ip_address> {
  std::size_t operator()(const timenode::ip_address& x) const noexcept;
};
