#include "actors/sync_types.hpp"

#include "chain/validation.hpp"

#include <algorithm>

namespace timenode::sync {

namespace {

/// What a string takes beside itself; short ones live inside.
std::size_t heap_of(const std::string& x) noexcept {
  return x.capacity() > 15 ? x.capacity() + 1 : 0;
}

}  // namespace

std::size_t memory_of(const block& x) noexcept {
  constexpr std::size_t shared_pointer_overhead = 16;
  auto result = sizeof(block) + shared_pointer_overhead;
  result += x.transactions.capacity() * sizeof(transaction);
  for (const auto& tx : x.transactions) {
    result += tx.inputs.capacity() * sizeof(tx_input) + tx.outputs.capacity() * sizeof(tx_output);
    for (const auto& input : tx.inputs)
      result += input.script_sig.capacity();
    for (const auto& output : tx.outputs)
      result += output.script_pubkey.capacity();
  }
  result += x.masternode_rewards.capacity() * sizeof(std::pair<std::string, amount>);
  for (const auto& [address, _] : x.masternode_rewards)
    result += heap_of(address);
  return result;
}

std::uint64_t cap_claim(std::uint64_t height, std::int64_t genesis_time, std::int64_t now,
                        std::int64_t block_time) noexcept {
  const auto age = std::max<std::int64_t>(now - genesis_time, 0);
  const auto due = static_cast<std::uint64_t>(age / block_time);
  return std::min(height, due + schedule_slack);
}

}  // namespace timenode::sync
