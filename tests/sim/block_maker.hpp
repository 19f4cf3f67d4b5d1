#pragma once

// Blocks for simulated networks: nobody on them makes any yet.

#include "messages/ledger.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sim {

/// A valid block on that parent. Another payee makes another branch.
timenode::block_ptr make_block(const timenode::block& parent, std::int64_t timestamp,
                               const std::string& payee);

/// The testnet's genesis block and so many on it, 600 s apart, the last one at `last_timestamp`.
std::vector<timenode::block_ptr> make_history(std::uint64_t blocks, std::int64_t last_timestamp);

}  // namespace sim
