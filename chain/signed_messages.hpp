#pragma once

// What the signatures of wire messages cover (protocol page, section 4), and signing and verifying
// them. `sign` fills the signature field (and the public key field where the message has one) of a
// message whose other fields are set.

#include "chain/keys.hpp"
#include "messages/wire.hpp"

namespace timenode::chain {

// -- heartbeats: the message carries the public key -------------------------------

/// SHA-256(address ‖ sequence LE ‖ timestamp LE): what attestations name a heartbeat by.
hash256 heartbeat_hash(const wire::heartbeat_broadcast& x) noexcept;
/// SHA-256("TIMECOIN_HEARTBEAT:" ‖ address ‖ sequence LE ‖ timestamp LE ‖ public key).
hash256 signed_bytes(const wire::heartbeat_broadcast& x) noexcept;
void sign(wire::heartbeat_broadcast& x, const key_pair& key);
/// Whether the key in the message made its signature. Whose key that is, the caller has to know.
bool verify(const wire::heartbeat_broadcast& x) noexcept;

/// SHA-256("TIMECOIN_WITNESS:" ‖ heartbeat hash ‖ witness address ‖ timestamp LE ‖ public key).
hash256 signed_bytes(const wire::heartbeat_attestation& x) noexcept;
void sign(wire::heartbeat_attestation& x, const key_pair& key);
bool verify(const wire::heartbeat_attestation& x) noexcept;

// -- blocks: the key is that of the masternode which the message names --------------

/// The block hash.
hash256 signed_bytes(const wire::block_proposal& x) noexcept;
void sign(wire::block_proposal& x, const key_pair& key);
bool verify(const wire::block_proposal& x, const public_key& proposer) noexcept;

/// Block hash ‖ 1 to approve, 0 to reject.
std::array<std::uint8_t, 33> signed_bytes(const wire::block_vote& x) noexcept;
void sign(wire::block_vote& x, const key_pair& key);
bool verify(const wire::block_vote& x, const public_key& voter) noexcept;

/// SHA-256("TIMECOIN_BALLOT:" ‖ 0 prepare, 1 lock ‖ height LE ‖ round LE ‖ block hash ‖ voter).
hash256 signed_bytes(const wire::block_ballot& x) noexcept;
void sign(wire::block_ballot& x, const key_pair& key);
bool verify(const wire::block_ballot& x, const public_key& voter) noexcept;

// -- transactions -------------------------------------------------------------------

/// txid ‖ voter string ‖ 1 or 0 ‖ timestamp LE.
byte_string signed_bytes(const wire::transaction_vote& x);
void sign(wire::transaction_vote& x, const key_pair& key);
bool verify(const wire::transaction_vote& x, const public_key& voter);

}  // namespace timenode::chain
