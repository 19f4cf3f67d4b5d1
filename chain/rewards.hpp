#pragma once

// Who is paid how much by a block (protocol page, section 7).

#include "messages/ledger.hpp"
#include "messages/wire.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace timenode::chain {

/// Free 100, Bronze 1,000, Silver 10,000, Gold 100,000.
std::uint64_t reward_weight(wire::masternode_tier tier) noexcept;

/// One who is paid.
struct payee {
  std::string reward_address;
  wire::masternode_tier tier = wire::masternode_tier::free;
};

using reward_list = std::vector<std::pair<std::string, amount>>;

/// floor(100 TIME × weight / sum of weights) each, in the same order.
reward_list rewards_of(std::span<const payee> payees);

}  // namespace timenode::chain
