#include "net/introduction.hpp"

#include "net/direction.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace timenode::net {

namespace {

constexpr std::string_view node_prefix = "node=";
constexpr std::string_view sees_prefix = "sees=";

std::string hexadecimal(std::uint64_t x) {
  std::string result(16, '0');
  for (auto i = result.rbegin(); i != result.rend(); ++i, x >>= 4)
    *i = "0123456789abcdef"[x & 15];
  return result;
}

std::optional<std::uint64_t> parse_nonce(std::string_view text) {
  std::uint64_t result = 0;
  const auto end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, result, 16);
  if (text.size() != 16 || parsed.ec != std::errc{} || parsed.ptr != end || result == 0)
    return std::nullopt;
  return result;
}

/// An address that could be a host's.
std::optional<ip_address> parse_host(std::string_view text) {
  const auto ip = ip_address::parse(text);
  return ip && ip->is_unicast() ? ip : std::nullopt;
}

}  // namespace

std::vector<std::string> introduce(std::uint64_t nonce, const ip_address& peer) {
  if (nonce == 0)
    return {};
  return {std::string{node_prefix} + hexadecimal(nonce),
          std::string{sees_prefix} + peer.to_string()};
}

introduction read_introduction(const wire::version_info& x) {
  introduction result;
  for (const std::string_view y : x.capabilities) {
    if (y.starts_with(node_prefix))
      result.nonce = parse_nonce(y.substr(node_prefix.size()));
    else if (y.starts_with(sees_prefix))
      result.our_ip = parse_host(y.substr(sees_prefix.size()));
  }
  if (const auto at = endpoint::parse(x.listen_addr, 1); at && at->ip.is_unicast())
    result.its_ip = at->ip;
  return result;
}

kept_version keep(const wire::version_info& x) {
  const auto short_text = [](std::string_view text) {
    return std::string{text.substr(0, max_version_text)};
  };
  kept_version result{short_text(x.version), {}};
  const auto count = std::min(x.capabilities.size(), max_capabilities);
  result.capabilities.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    result.capabilities.push_back(short_text(x.capabilities[i]));
  return result;
}

std::vector<std::string> other_capabilities(std::vector<std::string> all) {
  std::erase_if(all, [](std::string_view x) {
    return x.starts_with(node_prefix) || x.starts_with(sees_prefix);
  });
  return all;
}

pair_role role_by_address(const std::optional<ip_address>& ours, const ip_address& peer) noexcept {
  if (!ours)
    return pair_role::unknown;
  return local_dials(*ours, peer) ? pair_role::we_dial : pair_role::they_dial;
}

pair_role role_by_introduction(const std::optional<ip_address>& ours, std::uint64_t our_nonce,
                               const ip_address& peer, const introduction& said) noexcept {
  using enum pair_role;
  const auto mine = role_by_address(ours, peer);
  if (!said.nonce || !said.our_ip || our_nonce == 0 || *said.nonce == our_nonce)
    return mine;
  const auto theirs = role_by_address(said.its_ip, *said.our_ip);
  const auto agreed =
      (mine == we_dial && theirs == they_dial) || (mine == they_dial && theirs == we_dial);
  if (agreed)
    return mine;
  return our_nonce > *said.nonce ? we_dial : they_dial;
}

}  // namespace timenode::net
