#pragma once

// Blocks for actor tests: the real testnet chain, and blocks made to order.

#include "chain/chain_file.hpp"
#include "chain/genesis.hpp"
#include "chain/hashes.hpp"
#include "chain/validation.hpp"
#include "messages/ledger.hpp"

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace test {

/// A chain by height, from genesis on.
using block_list = std::vector<timenode::block_ptr>;

/// Blocks 0 to 2000 as the reference made them.
inline const block_list& real_chain() {
  static const auto result = [] {
    namespace chain = timenode::chain;
    block_list blocks;
    auto file = chain::chain_file_reader::open(std::string{TIMENODE_TEST_DATA} +
                                               "/testnet-0-2000.jsonl.xz");
    if (!file)
      throw std::runtime_error{file.error().reason};
    for (;;) {
      auto next = file->next();
      if (!next)
        throw std::runtime_error{next.error().reason};
      if (!*next)
        return blocks;
      blocks.push_back(**next);
    }
  }();
  return result;
}

/// Sets the merkle root that the block's transactions give.
inline timenode::block_ptr seal(timenode::block x) {
  std::vector<timenode::hash256> txids;
  for (const auto& tx : x.transactions)
    txids.push_back(timenode::chain::txid(tx));
  x.header.merkle_root = timenode::chain::merkle_root(txids);
  return std::make_shared<const timenode::block>(std::move(x));
}

/// A valid block on that parent, that pays `payee`: another payee makes another branch. `padding`:
/// bytes that its coinbase is longer.
inline timenode::block_ptr next_block(const timenode::block& parent,
                                      const std::string& payee = "payee", std::size_t padding = 0) {
  timenode::block result;
  result.header.version = 1;
  result.header.height = parent.header.height + 1;
  result.header.previous_hash = timenode::chain::block_hash(parent.header);
  result.header.timestamp = parent.header.timestamp + 600;
  result.header.block_reward = timenode::chain::block_subsidy;
  const auto address = payee + std::string(padding, 'x');
  timenode::transaction coinbase;
  coinbase.version = 1;
  coinbase.timestamp = result.header.timestamp;
  coinbase.outputs.push_back({timenode::chain::block_subsidy, {address.begin(), address.end()}});
  result.transactions.push_back(std::move(coinbase));
  result.masternode_rewards.emplace_back(address, timenode::chain::block_subsidy);
  return seal(std::move(result));
}

/// The chain up to `fork`, and `count` blocks of another branch on it.
inline block_list branch_of(const block_list& from, std::uint64_t fork, std::uint64_t count,
                            const std::string& payee = "other", std::size_t padding = 0) {
  block_list result{from.begin(), from.begin() + static_cast<std::ptrdiff_t>(fork + 1)};
  for (std::uint64_t i = 0; i < count; ++i)
    result.push_back(next_block(*result.back(), payee, padding));
  return result;
}

/// The same block with a transaction changed and everything else left: its hash is the same, its
/// merkle root does not match.
inline timenode::block_ptr tampered(const timenode::block& x) {
  auto copy = x;
  copy.transactions.front().outputs.front().value += 1;
  return std::make_shared<const timenode::block>(std::move(copy));
}

/// A block that is sound in itself, but spends what does not exist.
inline timenode::block_ptr overspending(const timenode::block& parent) {
  auto copy = *next_block(parent);
  timenode::transaction theft;
  theft.version = 1;
  theft.inputs.push_back({{{}, 7}, {}, 0});
  theft.outputs.push_back({1, {'x'}});
  copy.transactions.push_back(std::move(theft));
  return seal(std::move(copy));
}

inline timenode::checked_block must_check(const timenode::block_ptr& x) {
  auto result = timenode::chain::check_block(x);
  if (!result)
    throw std::runtime_error{result.error().reason};
  return std::move(*result);
}

}  // namespace test
