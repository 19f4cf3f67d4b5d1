#include "chain/signed_messages.hpp"

#include "chain/hashes.hpp"
#include "chain/sha256.hpp"

#include <algorithm>

namespace timenode::chain {

namespace {

byte_string to_bytes(const signature& x) {
  return {x.begin(), x.end()};
}

std::uint8_t verdict(bool approve) noexcept {
  return approve ? 1 : 0;
}

}  // namespace

hash256 heartbeat_hash(const wire::heartbeat_broadcast& x) noexcept {
  return sha256_hasher{}
      .update(x.masternode_address)
      .update_le(x.sequence_number)
      .update_le(x.timestamp)
      .finish();
}

hash256 signed_bytes(const wire::heartbeat_broadcast& x) noexcept {
  return sha256_hasher{}
      .update("TIMECOIN_HEARTBEAT:")
      .update(x.masternode_address)
      .update_le(x.sequence_number)
      .update_le(x.timestamp)
      .update(x.masternode_pubkey)
      .finish();
}

void sign(wire::heartbeat_broadcast& x, const key_pair& key) {
  x.masternode_pubkey = key.public_key();
  x.signature = key.sign(signed_bytes(x));
}

bool verify(const wire::heartbeat_broadcast& x) noexcept {
  return verify(x.masternode_pubkey, signed_bytes(x), x.signature);
}

hash256 signed_bytes(const wire::heartbeat_attestation& x) noexcept {
  return sha256_hasher{}
      .update("TIMECOIN_WITNESS:")
      .update(x.heartbeat_hash)
      .update(x.witness_address)
      .update_le(x.witness_timestamp)
      .update(x.witness_pubkey)
      .finish();
}

void sign(wire::heartbeat_attestation& x, const key_pair& key) {
  x.witness_pubkey = key.public_key();
  x.signature = key.sign(signed_bytes(x));
}

bool verify(const wire::heartbeat_attestation& x) noexcept {
  return verify(x.witness_pubkey, signed_bytes(x), x.signature);
}

hash256 signed_bytes(const wire::block_proposal& x) noexcept {
  return block_hash(x.block->header);
}

void sign(wire::block_proposal& x, const key_pair& key) {
  x.signature = to_bytes(key.sign(signed_bytes(x)));
}

bool verify(const wire::block_proposal& x, const public_key& proposer) noexcept {
  return verify(proposer, signed_bytes(x), std::span<const std::uint8_t>{x.signature});
}

std::array<std::uint8_t, 33> signed_bytes(const wire::block_vote& x) noexcept {
  std::array<std::uint8_t, 33> result;
  std::copy(x.block_hash.begin(), x.block_hash.end(), result.begin());
  result.back() = verdict(x.approve);
  return result;
}

void sign(wire::block_vote& x, const key_pair& key) {
  x.signature = to_bytes(key.sign(signed_bytes(x)));
}

bool verify(const wire::block_vote& x, const public_key& voter) noexcept {
  return verify(voter, signed_bytes(x), std::span<const std::uint8_t>{x.signature});
}

hash256 signed_bytes(const wire::block_ballot& x) noexcept {
  return sha256_hasher{}
      .update("TIMECOIN_BALLOT:")
      .update(std::array{static_cast<std::uint8_t>(x.phase)})
      .update_le(x.height)
      .update_le(x.round)
      .update(x.block_hash)
      .update(x.voter)
      .finish();
}

void sign(wire::block_ballot& x, const key_pair& key) {
  x.signature = to_bytes(key.sign(signed_bytes(x)));
}

bool verify(const wire::block_ballot& x, const public_key& voter) noexcept {
  return verify(voter, signed_bytes(x), std::span<const std::uint8_t>{x.signature});
}

byte_string signed_bytes(const wire::transaction_vote& x) {
  byte_string result;
  result.reserve(x.txid.size() + x.voter.size() + 1 + sizeof(x.timestamp));
  result.insert(result.end(), x.txid.begin(), x.txid.end());
  result.insert(result.end(), x.voter.begin(), x.voter.end());
  result.push_back(verdict(x.approve));
  auto timestamp = static_cast<std::uint64_t>(x.timestamp);
  for (std::size_t i = 0; i < sizeof(timestamp); ++i, timestamp >>= 8)
    result.push_back(static_cast<std::uint8_t>(timestamp));
  return result;
}

void sign(wire::transaction_vote& x, const key_pair& key) {
  x.signature = to_bytes(key.sign(signed_bytes(x)));
}

bool verify(const wire::transaction_vote& x, const public_key& voter) {
  return verify(voter, signed_bytes(x), std::span<const std::uint8_t>{x.signature});
}

}  // namespace timenode::chain
