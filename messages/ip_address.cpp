#include "messages/ip_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace timenode {

namespace {

// Where an IPv4 address stands among the 16 bytes, and what is before it in its mapped form (RFC 4291).
constexpr std::size_t v4_offset = 12;
constexpr std::array<std::uint8_t, v4_offset> mapped_prefix{0, 0, 0, 0, 0,    0,
                                                            0, 0, 0, 0, 0xff, 0xff};

/// The address without the zone id ("%eth0"), which means something on one machine only.
std::string_view without_zone(std::string_view text) noexcept {
  return text.substr(0, text.find('%'));
}

/// A port, decimal and without sign or leading zero. None when it is not one.
std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
  std::uint16_t result = 0;
  auto last = text.data() + text.size();
  auto [end, error] = std::from_chars(text.data(), last, result);
  if (error != std::errc{} || end != last || text.front() == '0')
    return std::nullopt;
  return result;
}

}  // namespace

ip_address ip_address::from_v4(const std::array<std::uint8_t, 4>& bytes) noexcept {
  ip_address result;
  std::copy(bytes.begin(), bytes.end(), result.bytes_.begin() + v4_offset);
  return result;
}

ip_address ip_address::from_v6(const std::array<std::uint8_t, 16>& bytes) noexcept {
  ip_address result;
  if (std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes.begin())) {
    std::copy(bytes.begin() + v4_offset, bytes.end(), result.bytes_.begin() + v4_offset);
  } else {
    result.v6_ = true;
    result.bytes_ = bytes;
  }
  return result;
}

std::optional<ip_address> ip_address::parse(std::string_view text) {
  auto bracketed = text.size() >= 2 && text.front() == '[' && text.back() == ']';
  if (bracketed)
    text = text.substr(1, text.size() - 2);
  auto is_v6 = text.find(':') != std::string_view::npos;
  if (bracketed && !is_v6)
    return std::nullopt;
  if (is_v6)
    text = without_zone(text);
  // inet_pton wants a terminated text; longer ones are no address, nor are those with a zero inside.
  char buffer[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof(buffer) || text.find('\0') != std::string_view::npos)
    return std::nullopt;
  *std::copy(text.begin(), text.end(), buffer) = '\0';
  if (is_v6) {
    std::array<std::uint8_t, 16> bytes;
    if (inet_pton(AF_INET6, buffer, bytes.data()) != 1)
      return std::nullopt;
    return from_v6(bytes);
  }
  std::array<std::uint8_t, 4> bytes;
  if (inet_pton(AF_INET, buffer, bytes.data()) != 1)
    return std::nullopt;
  return from_v4(bytes);
}

bool ip_address::is_unspecified() const noexcept {
  return std::all_of(bytes_.begin(), bytes_.end(), [](auto x) { return x == 0; });
}

bool ip_address::is_loopback() const noexcept {
  if (!v6_)
    return bytes_[v4_offset] == 127;
  constexpr std::array<std::uint8_t, 16> loopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return bytes_ == loopback;
}

bool ip_address::is_unicast() const noexcept {
  if (is_unspecified())
    return false;
  if (v6_)
    return bytes_[0] != 0xff;
  // 224.0.0.0/4 is multicast; 240.0.0.0/4 is reserved and ends in the broadcast address.
  return bytes_[v4_offset] != 0 && bytes_[v4_offset] < 224;
}

std::array<std::uint8_t, 4> ip_address::v4_bytes() const noexcept {
  std::array<std::uint8_t, 4> result;
  std::copy(bytes_.begin() + v4_offset, bytes_.end(), result.begin());
  return result;
}

std::array<std::uint8_t, 16> ip_address::v6_bytes() const noexcept {
  auto result = bytes_;
  if (!v6_)
    std::copy(mapped_prefix.begin(), mapped_prefix.end(), result.begin());
  return result;
}

std::string ip_address::group() const {
  auto network = *this;
  auto first = network.bytes_.begin() + (v6_ ? 4 : v4_offset + 2);
  std::fill(first, network.bytes_.end(), std::uint8_t{0});
  return network.to_string() + (v6_ ? "/32" : "/16");
}

std::string ip_address::to_string() const {
  char buffer[INET6_ADDRSTRLEN];
  if (v6_)  // Fails for an unknown family or a short buffer only.
    return inet_ntop(AF_INET6, bytes_.data(), buffer, sizeof(buffer));
  // By hand: inet_ntop makes these by sprintf, which takes ten times as long, and addresses are told to peers by the thousand.
  auto* end = buffer;
  for (auto i = v4_offset; i < bytes_.size(); ++i) {
    end = std::to_chars(end, std::end(buffer), bytes_[i]).ptr;
    *end++ = '.';
  }
  return {buffer, end - 1};
}

outcome<endpoint> endpoint::parse(std::string_view text, std::uint16_t default_port) {
  auto complain = [text](std::string_view what) {
    return fail("'" + std::string{text.substr(0, INET6_ADDRSTRLEN + 8)} + "' " + std::string{what});
  };
  auto host = text;
  std::optional<std::string_view> port;
  if (text.starts_with('[')) {
    auto end = text.find(']');
    if (end == std::string_view::npos)
      return complain("has a '[' without a ']'");
    host = text.substr(0, end + 1);
    auto rest = text.substr(end + 1);
    if (rest.starts_with(':'))
      port = rest.substr(1);
    else if (!rest.empty())
      return complain("has something other than a port behind its ']'");
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    // With more colons it is an IPv6 address without a port.
    host = text.substr(0, text.find(':'));
    port = text.substr(host.size() + 1);
  }
  auto ip = ip_address::parse(host);
  if (!ip)
    return complain("is not an IP address with or without a port (names are not resolved)");
  if (!port) {
    if (default_port == 0)
      return complain("lacks a port");
    return endpoint{*ip, default_port};
  }
  auto number = parse_port(*port);
  if (!number)
    return complain("has a port that is not a number from 1 to 65535");
  return endpoint{*ip, *number};
}

std::string endpoint::to_string() const {
  auto host = ip.to_string();
  return (ip.is_v4() ? host : "[" + host + "]") + ":" + std::to_string(port);
}

}  // namespace timenode

std::size_t
std::hash<timenode::ip_address>::operator()(const timenode::ip_address& x) const noexcept {
  auto bytes = x.v6_bytes();
  std::uint64_t halves[2];
  std::memcpy(halves, bytes.data(), sizeof(halves));
  // Addresses are chosen by others, neighbours share their front: multiply and fold (constants from
  // splitmix64) so that every bit reaches the low ones.
  auto mixed = (halves[0] ^ 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u + halves[1];
  mixed = (mixed ^ (mixed >> 30)) * 0x94d049bb133111ebu;
  return static_cast<std::size_t>(mixed ^ (mixed >> 31));
}
