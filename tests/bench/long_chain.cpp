#include "tests/bench/long_chain.hpp"

#include "chain/genesis.hpp"
#include "chain/hashes.hpp"
#include "chain/validation.hpp"
#include "messages/wire_codec.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

namespace bench {

namespace {

using namespace timenode;

constexpr std::uint64_t payees = 3;

/// An address of the length that real ones have.
std::string address(std::uint64_t i) {
  auto result = "TIME0" + std::to_string(i) + std::string(33, 'a' + static_cast<char>(i % 26));
  result.resize(38);
  return result;
}

block_ptr next_block(const block& parent, const std::vector<hash256>& coinbases) {
  block x;
  x.header.version = 1;
  x.header.height = parent.header.height + 1;
  x.header.previous_hash = chain::block_hash(parent.header);
  // One second apart, so that a long chain does not reach into the future.
  x.header.timestamp = parent.header.timestamp + 1;
  x.header.block_reward = chain::block_subsidy;
  transaction coinbase;
  coinbase.version = 1;
  coinbase.timestamp = x.header.timestamp;
  for (std::uint64_t i = 0; i < payees; ++i) {
    const auto value = chain::block_subsidy / payees + (i == 0 ? chain::block_subsidy % payees : 0);
    const auto to = address(x.header.height % 50 + i);
    x.masternode_rewards.emplace_back(to, value);
    coinbase.outputs.push_back({value, {to.begin(), to.end()}});
  }
  x.transactions.push_back(std::move(coinbase));
  constexpr std::uint64_t age = 50;
  if (x.header.height % 4 == 0 && coinbases.size() > age) {
    transaction spend;
    spend.version = 1;
    spend.timestamp = x.header.timestamp;
    spend.inputs.push_back(
        {{coinbases[coinbases.size() - age], 0}, byte_string(96, 7), 0xffffffff});
    for (std::uint64_t i = 0; i < 2; ++i) {
      const auto to = address(x.header.height % 70 + i);
      spend.outputs.push_back({chain::block_subsidy / 10, {to.begin(), to.end()}});
    }
    x.transactions.push_back(std::move(spend));
  }
  std::vector<hash256> txids;
  for (const auto& tx : x.transactions)
    txids.push_back(chain::txid(tx));
  x.header.merkle_root = chain::merkle_root(txids);
  return std::make_shared<const block>(std::move(x));
}

}  // namespace

const long_chain& chain_of(std::uint64_t height) {
  static std::map<std::uint64_t, long_chain> made;
  if (const auto known = made.find(height); known != made.end())
    return known->second;
  auto& result = made[height];
  result.blocks.push_back(chain::genesis_block(network_id::testnet).block);
  result.texts.emplace_back();
  wire::encode_block(*result.blocks[0], result.texts[0]);
  std::vector<hash256> coinbases{{}};
  while (result.height() < height) {
    auto block = next_block(*result.blocks.back(), coinbases);
    auto checked = chain::check_block(block);
    if (!checked)
      throw std::runtime_error{checked.error().reason};
    coinbases.push_back(checked->txids[0]);
    result.checked.push_back(std::move(*checked));
    wire::encode_block(*block, result.texts.emplace_back());
    result.blocks.push_back(std::move(block));
  }
  return result;
}

std::string blocks_line(const long_chain& x, std::uint64_t first, std::uint64_t last) {
  std::string result = "{\"BlocksResponse\":[";
  last = std::min({last, x.height(), first + wire::max_blocks_per_response - 1});
  std::size_t bytes = 64;
  for (auto h = first; h <= last; ++h)
    bytes += x.texts[h].size() + 1;
  result.reserve(bytes);
  for (auto h = first; h <= last; ++h) {
    if (h != first)
      result += ',';
    result += x.texts[h];
  }
  result += "]}\n";
  return result;
}

}  // namespace bench
