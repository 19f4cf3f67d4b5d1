#include "chain/block_maker.hpp"

#include "chain/hashes.hpp"
#include "chain/validation.hpp"

#include <memory>
#include <utility>

namespace timenode::chain {

block_ptr make_block(block_parts parts) {
  block result;
  result.header.version = 1;
  result.header.height = parts.parent.height + 1;
  result.header.previous_hash = parts.parent.hash;
  result.header.timestamp = parts.timestamp;
  // Fees come on top (protocol page, section 7).
  result.header.block_reward = block_subsidy + parts.fees;

  transaction coinbase;
  coinbase.version = 1;
  coinbase.timestamp = parts.timestamp;
  for (const auto& [address, value] : parts.rewards)
    coinbase.outputs.push_back({value, {address.begin(), address.end()}});
  result.transactions.reserve(parts.transactions.size() + 1);
  result.transactions.push_back(std::move(coinbase));
  for (auto& x : parts.transactions)
    result.transactions.push_back(std::move(x));
  result.masternode_rewards = std::move(parts.rewards);

  std::vector<hash256> txids;
  txids.reserve(result.transactions.size());
  for (const auto& x : result.transactions)
    txids.push_back(txid(x));
  result.header.merkle_root = merkle_root(txids);
  return std::make_shared<const block>(std::move(result));
}

}  // namespace timenode::chain
