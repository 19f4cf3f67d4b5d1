#pragma once

// How a disk store writes what it keeps beside blocks: compact, since there is one such record for
// every transaction with unspent outputs. Integers that are mostly small are LEB128 (7 bits a byte).
//
//   coin group   count, then for each: vout, value, script length, script
//   undo         count, then for each: txid (32 bytes), vout, value, script length, script
//   certificate  block hash (32 bytes), count, then for each vote: voter length, voter, signature length,
//                signature
//   tip          height, timestamp, utxo count (8 bytes each, little-endian), hash (32 bytes)
//   height       8 bytes, big-endian: so that keys sort by height

#include "chain/block_store.hpp"

#include <array>
#include <span>
#include <string>

namespace timenode::chain {

/// Replaces `out`, whose memory is used again.
void encode_coins(const coin_group& x, std::string& out);
void encode_undo(const block_undo& x, std::string& out);
void encode_certificate(const block_certificate& x, std::string& out);
std::array<char, 56> encode_tip(const chain_tip& x) noexcept;
std::array<char, 8> encode_height(std::uint64_t height) noexcept;

/// What the functions above wrote, with nothing behind it. Every length is held against the bytes that
/// are there before anything is allocated for it. The failure says what does not fit.
outcome<coin_group> decode_coins(std::span<const char> bytes);
outcome<block_undo> decode_undo(std::span<const char> bytes);
/// `height`: that of the record, which the record itself has not.
outcome<block_certificate> decode_certificate(std::uint64_t height, std::span<const char> bytes);
outcome<chain_tip> decode_tip(std::span<const char> bytes);
outcome<std::uint64_t> decode_height(std::span<const char> bytes);

}  // namespace timenode::chain
