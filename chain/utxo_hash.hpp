#pragma once

// The hash of the whole set of unspent outputs, by which nodes compare their states.

#include "chain/block_store.hpp"
#include "chain/sha256.hpp"

namespace timenode::chain {

/// Hashes the set as the protocol page, section 4, wants: sorted by "txid-hex:vout" as text; SHA-256
/// over txid ‖ vout LE ‖ value LE ‖ script_pubkey of each.
class utxo_hasher {
 public:
  /// Takes the unspent outputs of one transaction. Transactions must come in ascending order of their
  /// ids, which is that of their hexadecimal texts.
  void add(const hash256& txid, const coin_group& coins);

  /// How many outputs came.
  std::uint64_t count() const noexcept { return count_; }

  /// The hash of all that came. The hasher is used up.
  hash256 finish() noexcept { return hasher_.finish(); }

 private:
  sha256_hasher hasher_;
  std::uint64_t count_ = 0;
};

}  // namespace timenode::chain
