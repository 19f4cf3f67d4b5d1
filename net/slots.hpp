#pragma once

// Who gets a place when places are few (architecture, section 5, "Slots"): pure policy.

#include "messages/ip_address.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace timenode::net {

/// How many peers a node has at most unless configured otherwise (architecture, section 5).
inline constexpr std::size_t default_max_peers = 125;
/// The share of places that only masternodes may take (architecture, section 5).
inline constexpr double masternode_share = 0.4;

/// A peer that has a place, or wants one.
struct slot_holder {
  ip_address ip;
  bool configured = false; ///< By the operator: takes no place and is never evicted.
  bool masternode = false;
  bool useful = false;     ///< It gave us a block or an address that we did not have.
  std::int64_t since = 0;  ///< When it was connected; any monotonic unit.
};

struct slot_decision {
  bool admitted = true;
  std::optional<ip_address> evict; ///< Who makes room.
  std::string reason;              ///< Why it was not admitted.
};

/// May `candidate` have a place among `holders`, and who goes for it? The least useful unprotected peer goes:
/// never seen useful before useful, of the largest address group first, the youngest of these. Masternodes
/// are evicted only for masternodes; others never take the masternodes' share.
slot_decision decide_slot(const slot_holder& candidate, std::span<const slot_holder> holders,
                          std::size_t max_peers);

} // namespace timenode::net
