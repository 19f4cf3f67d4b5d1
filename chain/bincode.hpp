#pragma once

// Bincode 1.x with fixed-size integers, as the protocol hashes its structures (protocol page,
// section 4): little-endian; a sequence or string is a u64 length and then its elements; a fixed
// array has no length; structs are their fields in order. The store keeps blocks in it too.

#include "messages/ledger.hpp"
#include "messages/outcome.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace timenode::chain {

/// A header is always of this size (protocol page, section 4).
inline constexpr std::size_t header_bytes = 92;

/// How many bytes the encoding has.
std::size_t encoded_size(const transaction& x) noexcept;
std::size_t encoded_size(const block& x) noexcept;

/// The header, of which the block hash is made.
std::array<std::uint8_t, header_bytes> encode_header(const block_header& x) noexcept;

/// Appends the encoding.
void encode(const transaction& x, byte_string& out);
void encode(const block& x, byte_string& out);

/// Decode what must be exactly one value, with nothing behind it. Every length is held against the
/// bytes that are there before anything is allocated for it, so memory is bounded by the input's
/// size. The failure names the field and the offset.
outcome<block_header> decode_header(std::span<const std::uint8_t> bytes);
outcome<transaction> decode_transaction(std::span<const std::uint8_t> bytes);
outcome<block> decode_block(std::span<const std::uint8_t> bytes);

}  // namespace timenode::chain
