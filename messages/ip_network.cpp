#include "messages/ip_network.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <optional>
#include <span>

namespace timenode {

namespace {

/// How many bits an IPv4-mapped text has before its IPv4 part.
constexpr unsigned mapped_bits = 96;

/// Clears all bits behind the first `bits`.
void mask(std::span<std::uint8_t> bytes, unsigned bits) noexcept {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto before = static_cast<unsigned>(8 * i);
    const auto kept = bits <= before ? 0u : std::min(bits - before, 8u);
    bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xff00u >> kept));
  }
}

std::optional<unsigned> parse_bits(std::string_view text) noexcept {
  unsigned result = 0;
  const auto end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, result);
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != end)
    return std::nullopt;
  return result;
}

/// The bits of "255.255.0.0". None when it is no mask.
std::optional<unsigned> parse_mask(std::string_view text) {
  const auto x = ip_address::parse(text);
  if (!x || !x->is_v4() || text.find(':') != text.npos)
    return std::nullopt;
  std::uint32_t value = 0;
  for (const auto byte : x->v4_bytes())
    value = value << 8 | byte;
  const auto bits = static_cast<unsigned>(std::countl_one(value));
  return std::popcount(value) == static_cast<int>(bits) ? std::optional{bits} : std::nullopt;
}

}  // namespace

ip_network::ip_network(const ip_address& host) noexcept
    : base_{host}, bits_{host.is_v4() ? std::uint8_t{32} : std::uint8_t{128}} {}

ip_network::ip_network(const ip_address& member, unsigned bits) noexcept
    : bits_{static_cast<std::uint8_t>(bits)} {
  if (member.is_v4()) {
    auto bytes = member.v4_bytes();
    mask(bytes, bits);
    base_ = ip_address::from_v4(bytes);
  } else {
    auto bytes = member.v6_bytes();
    mask(bytes, bits);
    base_ = ip_address::from_v6(bytes);
  }
}

outcome<ip_network> ip_network::parse(std::string_view text) {
  const auto complain = [text](const std::string& what) {
    return fail("'" + std::string{text.substr(0, 64)} + "' " + what);
  };
  const auto slash = text.find('/');
  const auto host_text = text.substr(0, slash);
  const auto host = ip_address::parse(host_text);
  if (!host)
    return complain("is not an IP address, with or without '/' and the number of its first bits");
  if (slash == text.npos)
    return ip_network{*host};
  const auto behind = text.substr(slash + 1);
  auto bits = parse_bits(behind);
  if (!bits && host->is_v4())
    bits = parse_mask(behind);
  // "::ffff:192.0.2.0/120" is the same network as "192.0.2.0/24".
  const auto mapped = host->is_v4() && host_text.find(':') != host_text.npos;
  if (bits && mapped)
    bits = *bits >= mapped_bits ? std::optional{*bits - mapped_bits} : std::nullopt;
  const auto most = host->is_v4() ? 32u : 128u;
  if (!bits || *bits > most)
    return complain("has no number from 0 to " +
                    std::to_string(mapped ? most + mapped_bits : most) + " behind its '/'");
  return ip_network{*host, *bits};
}

bool ip_network::contains(const ip_address& x) const noexcept {
  return x.is_v4() == base_.is_v4() && ip_network{x, bits_}.base_ == base_;
}

std::string ip_network::to_string() const {
  return base_.to_string() + '/' + std::to_string(bits_);
}

std::string ip_network::to_short_string() const {
  return is_host() ? base_.to_string() : to_string();
}

}  // namespace timenode
