#include "chain/rewards.hpp"

#include "chain/validation.hpp"

#include <array>

namespace timenode::chain {

std::uint64_t reward_weight(wire::masternode_tier tier) noexcept {
  constexpr std::array<std::uint64_t, 4> weights{100, 1'000, 10'000, 100'000};
  return weights[static_cast<std::size_t>(tier)];
}

reward_list rewards_of(std::span<const payee> payees) {
  std::uint64_t sum = 0;
  for (const auto& x : payees)
    sum += reward_weight(x.tier);
  reward_list result;
  for (const auto& x : payees)
    // 10^10 units times 10^5 fit 64 bits.
    result.emplace_back(x.reward_address, block_subsidy * reward_weight(x.tier) / sum);
  return result;
}

}  // namespace timenode::chain
