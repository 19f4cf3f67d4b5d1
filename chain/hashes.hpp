#pragma once

// The hashes that name blocks and transactions (protocol page, section 4).

#include "messages/ledger.hpp"

#include <span>

namespace timenode::chain {

/// SHA-256 of the bincode header: the name of the block.
hash256 block_hash(const block_header& x) noexcept;

/// SHA-256 of the bincode transaction, script_sig included: its id.
hash256 txid(const transaction& x);

/// Pairwise SHA-256(left ‖ right), the last one doubled when a level is odd, until one is left; zeros
/// for none. Since the last is doubled, lists that end in the same pair twice have one root: whoever
/// checks a root must refuse repeated ids.
hash256 merkle_root(std::span<const hash256> txids);

}  // namespace timenode::chain
