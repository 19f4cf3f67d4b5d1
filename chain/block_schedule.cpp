#include "chain/block_schedule.hpp"

#include "chain/genesis.hpp"

#include <algorithm>
#include <limits>
#include <string>

namespace timenode::chain {

namespace {

std::int64_t genesis_time(network_id network) {
  return genesis_block(network).block->header.timestamp;
}

bool is_first(const consensus_rules& rules, const chain_tip& parent) noexcept {
  return rules.is_private() && parent.height == 0;
}

}  // namespace

std::int64_t due_time(const consensus_rules& rules, network_id network, const chain_tip& parent,
                      std::int64_t now) {
  if (is_first(rules, parent))
    return std::max(now - now % rules.block_time, parent.timestamp + 1);
  if (rules.is_private())
    return parent.timestamp + rules.block_time;
  // A height that no clock can reach never becomes due.
  const auto genesis = genesis_time(network);
  const auto most = (std::numeric_limits<std::int64_t>::max() - genesis) / rules.block_time - 1;
  if (parent.height >= static_cast<std::uint64_t>(most))
    return std::numeric_limits<std::int64_t>::max();
  const auto due = genesis + rules.block_time * (static_cast<std::int64_t>(parent.height) + 1);
  return std::max(due, parent.timestamp + 1);
}

outcome<void> check_due_time(const consensus_rules& rules, network_id network,
                             const chain_tip& parent, std::int64_t timestamp, std::int64_t now) {
  if (is_first(rules, parent)) {
    if (timestamp % rules.block_time == 0 && timestamp > parent.timestamp &&
        timestamp >= now - rules.block_time - first_block_window &&
        timestamp <= now + first_block_window)
      return {};
    return fail("its timestamp " + std::to_string(timestamp) +
                " is not one of a first block now, " + std::to_string(now));
  }
  const auto due = due_time(rules, network, parent, now);
  if (timestamp == due)
    return {};
  return fail("its timestamp is " + std::to_string(timestamp) + ", the block is due at " +
              std::to_string(due));
}

std::uint64_t highest_by(const consensus_rules& rules, network_id network, std::int64_t now) {
  const auto genesis = genesis_time(network);
  // A block may be ahead of our clock by so much.
  const auto latest = now + max_future_seconds;
  return latest <= genesis ? 0 : static_cast<std::uint64_t>((latest - genesis) / rules.block_time);
}

}  // namespace timenode::chain
