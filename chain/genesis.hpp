#pragma once

// The first block of each network (protocol page, section 7).

#include "messages/ledger.hpp"
#include "messages/network.hpp"

namespace timenode::chain {

/// The genesis block with its hash and transaction id. It stands by itself: the rules for other blocks
/// (`check_block`) do not hold for it. Lives as long as the program.
const checked_block& genesis_block(network_id network);

}  // namespace timenode::chain
