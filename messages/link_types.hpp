#pragma once

// What a connection is, does and dies of, in the words that registry, connections, metrics, RPC and log share.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace timenode {

/// An enumeration travels as its number, and is shown to people by its name; `last` is its highest enumerator.
template <class Inspector, class Enum>
bool inspect_enum(Inspector& f, Enum& x, Enum last) {
  if constexpr (!Inspector::is_loading && requires { std::string{to_text(x)}; })
    if (f.has_human_readable_format()) {
      auto name = std::string{to_text(x)};
      return f.apply(name);
    }
  auto number = static_cast<std::uint8_t>(x);
  if (!f.apply(number) || number > static_cast<std::uint8_t>(last))
    return false;
  x = static_cast<Enum>(number);
  return true;
}

// -- time ---------------------------------------------------------------------

/// A moment of the node's monotonic clock, in nanoseconds. Comparable only within one process.
using monotonic_ns = std::int64_t;

// -- connections --------------------------------------------------------------

/// Number of a connection within this process; never used twice.
using link_id = std::uint64_t;

enum class link_direction : std::uint8_t { inbound, outbound };
constexpr std::string_view to_text(link_direction x) noexcept {
  return x == link_direction::inbound ? "inbound" : "outbound";
}
template <class Inspector>
bool inspect(Inspector& f, link_direction& x) {
  return inspect_enum(f, x, link_direction::outbound);
}

/// What a connection is doing. A link in `closing` still has its socket.
enum class link_phase : std::uint8_t { connecting, handshaking, established, closing };
constexpr std::string_view to_text(link_phase x) noexcept {
  constexpr std::string_view names[]{"connecting", "handshaking", "established", "closing"};
  return names[static_cast<std::size_t>(x)];
}
template <class Inspector>
bool inspect(Inspector& f, link_phase& x) {
  return inspect_enum(f, x, link_phase::closing);
}

/// Why a connection ended. The first group is what may end a connection (invariant `no-cycling`).
enum class link_end : std::uint8_t {
  connect_failed,      ///< Never came up.
  closed_by_peer,      ///< Orderly, by the other side.
  connection_lost,     ///< Reset or other socket error.
  handshake_timeout,   ///< The other side did not introduce itself in time.
  peer_dead,           ///< Nothing at all came for 90 s.
  protocol_violation,  ///< Provably wrong bytes.
  send_overflow,       ///< The peer does not read.
  duplicate,           ///< Lost the tie against another connection of the same pair: success.
  self,                ///< It was ourselves.
  refused,             ///< Policy: full, banned, not wanted.
  operator_request,    ///< `disconnectnode` or a ban by hand.
  shutdown,            ///< We are stopping.
  internal_error,      ///< A fault of ours.
  line_overflow,  ///< All unfinished lines together took too much, and this peer's took the most.
};
/// The last of them, for what has one of something for each.
inline constexpr link_end last_link_end = link_end::line_overflow;
std::string_view to_text(link_end x) noexcept;
template <class Inspector>
bool inspect(Inspector& f, link_end& x) {
  return inspect_enum(f, x, last_link_end);
}

/// Why a connection that somebody opened was not let in, or not kept.
enum class inbound_refusal : std::uint8_t {
  not_running,  ///< We are starting or stopping.
  banned,
  self,        ///< From our own address.
  group_rate,  ///< Its address group connects too often.
  rate,        ///< All together connect too often.
  handshakes,  ///< Its handshake made room for another one.
  places,      ///< No place was free for it.
};
inline constexpr inbound_refusal last_refusal = inbound_refusal::places;
constexpr std::string_view to_text(inbound_refusal x) noexcept {
  constexpr std::string_view names[]{"not running", "banned",     "own address", "group rate",
                                     "rate",        "handshakes", "places"};
  return names[static_cast<std::size_t>(x)];
}

// -- dials --------------------------------------------------------------------

/// Why the directory wants a peer. Configured peers and masternodes are never given up.
enum class dial_purpose : std::uint8_t { configured, masternode, discovered };
constexpr std::string_view to_text(dial_purpose x) noexcept {
  constexpr std::string_view names[]{"configured", "masternode", "discovered"};
  return names[static_cast<std::size_t>(x)];
}
template <class Inspector>
bool inspect(Inspector& f, dial_purpose& x) {
  return inspect_enum(f, x, dial_purpose::discovered);
}

}  // namespace timenode
