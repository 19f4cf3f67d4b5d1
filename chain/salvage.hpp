#pragma once

// What is whole of a damaged store, put into a new one.

#include "chain/block_store.hpp"
#include "messages/network.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace timenode::chain {

struct salvage_report {
  std::uint64_t height = 0;   ///< Of the new store's tip: the blocks up to there were whole.
  std::string ended_because;  ///< Why the next block was not taken; empty: it was all of the chain.
  bool storage_failed = false;  ///< The new store is at fault; more may be whole.
  bool cancelled = false;       ///< The callback wanted it.
};

/// Told the height about once in a thousand blocks. Returning false stops. May be empty.
using salvage_callback = std::function<bool(std::uint64_t height)>;

/// Reads the blocks of `from` in order, checks each by all rules that need no clock, and applies them to
/// `to`, which has the genesis block only, up to the first that cannot be read or breaks a rule. Unspent
/// outputs and undo data are made anew from the blocks, so it does not matter what became of the old ones.
salvage_report salvage(const chain_reader& from, block_store& to,
                       const salvage_callback& progress = {});

}  // namespace timenode::chain
