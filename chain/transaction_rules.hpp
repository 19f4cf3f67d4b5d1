#pragma once

// What a transaction that is in no block yet has to be, and whose key may spend what. Pure.

#include "chain/block_store.hpp"
#include "chain/keys.hpp"
#include "messages/ledger.hpp"
#include "messages/network.hpp"
#include "messages/outcome.hpp"

#include <cstddef>

namespace timenode::chain {

/// Fees are 0.1 % of what a transaction's outputs add up to, and at least this.
inline constexpr amount least_fee = 1'000;
inline constexpr amount fee_divisor = 1'000;
/// No output is worth less: it would cost more to spend than it is worth.
inline constexpr amount least_output = 546;
/// Longest transaction that nodes hand on, in bytes of bincode: some 650 inputs. A block could have larger ones.
inline constexpr std::size_t max_relayed_bytes = 100'000;
/// The script of an input that is signed: public key ‖ signature.
inline constexpr std::size_t script_sig_bytes = 96;

/// What spending needs on a network, beyond the rules that hold everywhere.
struct spending_rules {
  bool require_signatures = false;           ///< See `consensus_rules::require_signatures`.
  network_id network = network_id::testnet;  ///< Whose addresses own outputs.

  bool operator==(const spending_rules&) const = default;
};

/// The least fee of a transaction with outputs of that sum.
constexpr amount fee_for(amount outputs) noexcept {
  const auto share = outputs / fee_divisor;
  return share > least_fee ? share : least_fee;
}

/// What the inputs sign: the transaction's id with every script_sig empty.
hash256 signing_hash(const transaction& x);

/// Signs every input with that key.
void sign(transaction& x, const key_pair& key);

/// Whether that input may spend an output with that script: its script_sig is the public key whose address
/// the script is, and this key's signature of the signing hash. Takes about 60 µs.
outcome<void> check_signature(const tx_input& input, const byte_string& script_pubkey,
                              const hash256& signing_hash, network_id network);

/// What can be said against handing on a transaction without knowing what it spends: it has no inputs or no
/// outputs, spends an output twice, is too long, pays dust or something that is no address of the network,
/// or pays more than there is. Returns what its outputs add up to.
outcome<amount> check_for_relay(const transaction& x, network_id network);

}  // namespace timenode::chain
