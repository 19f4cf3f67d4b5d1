#pragma once

// A chain of any length that is valid by all rules, with transactions in it.

#include "messages/ledger.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bench {

/// Blocks by height, from testnet's genesis on, and the JSON text of each.
struct long_chain {
  std::vector<timenode::block_ptr> blocks;
  std::vector<timenode::checked_block> checked;  ///< `checked[i]` is block i + 1.
  std::vector<std::string> texts;

  std::uint64_t height() const noexcept { return blocks.size() - 1; }
};

/// Made once for each length. Blocks are of the typical size of the testnet (some 1.1 kB of JSON: a coinbase
/// that pays three masternodes); every fourth has a transaction that spends an output of 50 blocks before.
const long_chain& chain_of(std::uint64_t height);

/// An answer to GetBlocks first..last, newline included.
std::string blocks_line(const long_chain& x, std::uint64_t first, std::uint64_t last);

}  // namespace bench
