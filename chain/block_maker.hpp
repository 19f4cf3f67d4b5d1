#pragma once

// Makes a block.

#include "chain/rewards.hpp"
#include "messages/ledger.hpp"

#include <cstdint>
#include <vector>

namespace timenode::chain {

/// What a new block is made of.
struct block_parts {
  chain_tip parent;
  std::int64_t timestamp = 0;
  reward_list rewards;
  std::vector<transaction>
      transactions;  ///< Behind the coinbase, each after those that it spends from.
  amount fees = 0;   ///< What they pay.
};

/// The block, with its merkle root. The rules say nothing of the coinbase's own time; the block's makes its id
/// one that no other block's coinbase has.
block_ptr make_block(block_parts parts);

}  // namespace timenode::chain
