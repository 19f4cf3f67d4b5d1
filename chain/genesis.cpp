#include "chain/genesis.hpp"

#include "chain/bincode.hpp"
#include "chain/hashes.hpp"

#include <string_view>

namespace timenode::chain {

namespace {

// What the two blocks differ in; the rest is alike. Hashes follow from it, and tests compare them to
// the protocol's vectors.
checked_block make_genesis(std::int64_t timestamp, amount reward) {
  constexpr std::string_view script = "genesis";
  transaction coinbase;
  coinbase.version = 1;
  coinbase.outputs.push_back({reward, {script.begin(), script.end()}});
  coinbase.timestamp = timestamp;

  checked_block result;
  result.txids.push_back(txid(coinbase));
  block genesis;
  genesis.header.version = 2;
  genesis.header.merkle_root = merkle_root(result.txids);
  genesis.header.timestamp = timestamp;
  genesis.header.block_reward = reward;
  genesis.transactions.push_back(std::move(coinbase));
  result.hash = block_hash(genesis.header);
  result.bytes = encoded_size(genesis);
  result.block = std::make_shared<const block>(std::move(genesis));
  return result;
}

}  // namespace

const checked_block& genesis_block(network_id network) {
  // 2025-12-01 00:00:00 UTC with 100 TIME, and 2026-01-01 00:00:00 UTC with nothing.
  static const auto testnet = make_genesis(1'764'547'200, 100 * units_per_time);
  static const auto mainnet = make_genesis(1'767'225'600, 0);
  return network == network_id::mainnet ? mainnet : testnet;
}

}  // namespace timenode::chain
