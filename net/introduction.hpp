#pragma once

// What two of us tell each other after the handshake beyond what the protocol has: inside the capabilities of
// `Version`, which the deployed daemon knows and ignores (protocol page, section 9).
//
//   node=0123456789abcdef   a number that this process drew when it started: who gets his own back talks to himself,
//                           whatever addresses are between; and of two numbers one is the higher one
//   sees=192.0.2.7          the address that the peer has for us: how we may learn our own

#include "messages/peer_views.hpp"
#include "messages/wire.hpp"
#include "net/peer_link.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace timenode::net {

/// The capabilities that say this to a peer. `nonce` 0: none is sent.
std::vector<std::string> introduce(std::uint64_t nonce, const ip_address& peer);

/// What a peer says of itself. What is missing or makes no sense is none.
introduction read_introduction(const wire::version_info& x);

/// What is kept of a `Version` as long as the connection lasts.
struct kept_version {
  std::string version;
  std::vector<std::string> capabilities;
};

/// A peer's version and capabilities are names of a few letters, and a line has room for 8 MiB of them: of longer names
/// the beginning is kept, and of many capabilities the first. Enough for any that we know of, and 3 KiB at most.
inline constexpr std::size_t max_version_text = 64;
inline constexpr std::size_t max_capabilities = 32;
kept_version keep(const wire::version_info& x);

/// The capabilities without those that `introduce` makes: what an operator wants to see.
std::vector<std::string> other_capabilities(std::vector<std::string> all);

/// What we hold ourselves for in a pair. `ours`: our own IP, if known.
pair_role role_by_address(const std::optional<ip_address>& ours, const ip_address& peer) noexcept;

/// The same once the peer, which we see at `peer`, has introduced itself. If both sides then hold themselves for the
/// elected one, or neither does, or one does not know (a wrong or unknown own address, a translated one), the numbers
/// decide: both sides come to the same result, for both know all that goes into it.
pair_role role_by_introduction(const std::optional<ip_address>& ours, std::uint64_t our_nonce,
                               const ip_address& peer, const introduction& said) noexcept;

}  // namespace timenode::net
