#pragma once

// Checking that a store holds what it should, from nothing but its blocks.

#include "chain/block_store.hpp"
#include "messages/network.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace timenode::chain {

/// Something in the store that is not as it must be.
struct check_fault {
  std::uint64_t height = 0;
  std::string reason;
};

struct check_report {
  std::uint64_t checked = 0;         ///< Blocks, up to the fault if there is one.
  bool coins_checked = false;        ///< Undo data and unspent outputs were compared too.
  std::optional<check_fault> fault;  ///< The first one found.
};

/// Told the height about once in a thousand blocks. Returning false stops the check. May be empty.
using check_callback = std::function<bool(std::uint64_t height)>;

/// Reads blocks first..last (both included, cut at the tip) and checks each by all rules that need no
/// clock: its hash and the index of hashes, the link to its parent, merkle root and rewards. When they are
/// the whole chain, it is also replayed in memory (which takes that much memory as the unspent outputs do),
/// and every undo record and in the end the hash and number of the unspent outputs are compared. The store
/// must not change meanwhile.
check_report check_store(const block_store& store, network_id network, std::uint64_t first,
                         std::uint64_t last, const check_callback& progress = {});

}  // namespace timenode::chain
