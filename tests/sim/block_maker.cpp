#include "tests/sim/block_maker.hpp"

#include "chain/genesis.hpp"
#include "chain/hashes.hpp"
#include "chain/validation.hpp"

#include <utility>

namespace sim {

using namespace timenode;

block_ptr make_block(const block& parent, std::int64_t timestamp, const std::string& payee) {
  block result;
  result.header.version = 1;
  result.header.height = parent.header.height + 1;
  result.header.previous_hash = chain::block_hash(parent.header);
  result.header.timestamp = timestamp;
  result.header.block_reward = chain::block_subsidy;
  transaction coinbase;
  coinbase.version = 1;
  coinbase.timestamp = timestamp;
  coinbase.outputs.push_back({chain::block_subsidy, {payee.begin(), payee.end()}});
  result.header.merkle_root = chain::merkle_root(std::vector{chain::txid(coinbase)});
  result.transactions.push_back(std::move(coinbase));
  result.masternode_rewards.emplace_back(payee, chain::block_subsidy);
  return std::make_shared<const block>(std::move(result));
}

std::vector<block_ptr> make_history(std::uint64_t blocks, std::int64_t last_timestamp) {
  std::vector<block_ptr> result{chain::genesis_block(network_id::testnet).block};
  for (std::uint64_t i = 1; i <= blocks; ++i)
    result.push_back(make_block(*result.back(),
                                last_timestamp - chain::block_time_seconds *
                                                     static_cast<std::int64_t>(blocks - i),
                                "history"));
  return result;
}

}  // namespace sim
