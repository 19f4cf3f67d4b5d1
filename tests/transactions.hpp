#pragma once

// Transactions and the blocks that money comes from, for tests of every layer.

#include "chain/block_maker.hpp"
#include "chain/block_store.hpp"
#include "chain/chain_state.hpp"
#include "chain/hashes.hpp"
#include "chain/keys.hpp"
#include "chain/transaction_rules.hpp"
#include "chain/validation.hpp"

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace test {

inline constexpr auto test_network = timenode::network_id::testnet;

/// The key number `n`: another one for each number.
inline timenode::chain::key_pair owner(unsigned n) {
  timenode::chain::secret_seed seed{};
  seed[0] = static_cast<std::uint8_t>(n);
  seed[1] = static_cast<std::uint8_t>(n >> 8);
  seed[31] = 7;
  return timenode::chain::key_pair::from_seed(seed);
}

inline std::string address(unsigned n) {
  return timenode::chain::address_of(owner(n).public_key(), test_network);
}

inline timenode::tx_output pay(const std::string& to, timenode::amount value) {
  return {value, {to.begin(), to.end()}};
}

/// Spends these outputs into those, signed by key `n`.
inline timenode::transaction spend(unsigned n, const std::vector<timenode::outpoint>& inputs,
                                   std::vector<timenode::tx_output> outputs) {
  timenode::transaction result;
  result.version = 1;
  for (const auto& x : inputs)
    result.inputs.push_back({x, {}, 0xffffffff});
  result.outputs = std::move(outputs);
  timenode::chain::sign(result, owner(n));
  return result;
}

/// A block on the store's tip that pays each of the first `payees` owners the same, with these transactions.
inline timenode::block_ptr block_on(const timenode::chain::chain_reader& store,
                                    std::vector<timenode::transaction> transactions = {},
                                    unsigned payees = 4, timenode::amount fees = 0) {
  const auto tip = store.tip();
  timenode::chain::block_parts parts;
  parts.parent = tip;
  parts.timestamp = tip.timestamp + 600;
  for (unsigned i = 0; i < payees; ++i)
    parts.rewards.emplace_back(address(i), timenode::chain::block_subsidy / payees);
  parts.transactions = std::move(transactions);
  parts.fees = fees;
  return timenode::chain::make_block(std::move(parts));
}

/// Stores it; throws when it is refused.
inline void put(timenode::chain::block_store& store, const timenode::block_ptr& x,
                timenode::chain::spending_rules rules = {}) {
  timenode::chain::chain_state state{store, rules};
  auto checked = timenode::chain::check_block(x);
  if (!checked)
    throw std::runtime_error{checked.error().reason};
  const std::vector<timenode::checked_block> blocks{std::move(*checked)};
  const auto done = state.apply(blocks, x->header.timestamp, false);
  if (done.applied != 1)
    throw std::runtime_error{done.rejected ? done.rejected->reason : "not stored"};
}

/// What owner `n` got from the block at that height.
inline timenode::outpoint reward(const timenode::chain::chain_reader& store, std::uint64_t height,
                                 unsigned n) {
  return {timenode::chain::txid(store.block_at(height)->transactions.front()), n};
}

}  // namespace test
