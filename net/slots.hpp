#pragma once

// Who gets a place when places are few (architecture, section 5, "Slots"): pure policy.

#include "messages/ip_address.hpp"
#include "messages/link_types.hpp"
#include "net/token_bucket.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace timenode::net {

/// How many peers a node has at most unless configured otherwise (architecture, section 5).
inline constexpr std::size_t default_max_peers = 125;
/// The share of places that masternodes always get: while they hold less, one that comes is given the place of
/// somebody else. More of them are treated like everyone (architecture, section 5): whoever runs hundreds of
/// masternodes must not have all places.
inline constexpr double masternode_share = 0.4;
/// The share of places that the strangers of one address group can have, and how many they can have in any case.
inline constexpr double group_share = 0.25;
inline constexpr std::size_t group_least = 8;
/// Of the connections that we dialed ourselves the oldest stay, whoever wants in: an attacker chooses which addresses
/// he dials us from, but not whom we dial.
inline constexpr std::size_t protected_dials = 8;
/// Who gave us something new within this time is useful: some ten blocks' time.
inline constexpr monotonic_ns useful_for = 7200ll * 1'000'000'000;

/// A peer that has a place, or wants one.
struct slot_holder {
  ip_address ip;
  bool configured = false;  ///< By the operator: takes no place and is never evicted.
  bool trusted = false;  ///< By the operator: takes a place, always gets one and is never evicted.
  bool masternode = false;  ///< Proven (never what it says of itself).
  bool dialed = false;      ///< By us.
  bool useful =
      false;  ///< It gave us a block or other item that we did not have, within `useful_for`.
  monotonic_ns since = 0;  ///< When it was connected.
};

struct slot_decision {
  bool admitted = true;
  std::optional<ip_address> evict;  ///< Who makes room.
  bool privileged = false;  ///< A masternode or trusted one, which is let in whenever it comes.
  std::string reason;       ///< Why it was not admitted, or why the other one has to go.
};

/// How many strangers of one group there can be among that many places.
std::size_t group_limit(std::size_t max_peers) noexcept;

/// May `candidate` have a place among `holders` (it is none of them), and who goes for it?
///
/// While there is room everyone is admitted, but for strangers of a group that has its share. When there is none, the
/// least useful unprotected peer goes: who never was useful before who was, of the largest address group first, the
/// youngest of these. Protected are the configured and the trusted, masternodes up to their share (the oldest), and
/// the oldest of those that we dialed. A useful peer goes only for a masternode or a trusted one.
slot_decision decide_slot(const slot_holder& candidate, std::span<const slot_holder> holders,
                          std::size_t max_peers);

/// The above, and how often: in a network with more nodes than we have places, strangers that each took the place of
/// the last one would come and go for ever.
class slot_policy {
 public:
  explicit slot_policy(std::size_t max_peers) noexcept : max_peers_{max_peers} {}

  slot_decision decide(const slot_holder& candidate, std::span<const slot_holder> holders,
                       monotonic_ns now);
  /// Whether `decide` would admit the candidate now. Takes nobody's place.
  bool would_admit(const slot_holder& candidate, std::span<const slot_holder> holders,
                   monotonic_ns now) const;

 private:
  std::size_t max_peers_;
  /// Strangers that take the place of another: four at once, then one in two minutes. Enough for an honest one to
  /// get in though all places are held by useless ones, and as good as none for those whose place it is.
  token_bucket swaps_{1.0 / 120, 4};
};

}  // namespace timenode::net
