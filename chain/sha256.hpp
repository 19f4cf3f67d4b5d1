#pragma once

// SHA-256, fast for the short inputs that the protocol hashes: a header has 92 bytes, a transaction
// some hundreds. No allocation, no lookup of an algorithm, safe on any thread.

#include "messages/ledger.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace timenode::chain {

/// Hashes what is given to it piece by piece.
class sha256_hasher {
 public:
  sha256_hasher() noexcept;

  sha256_hasher& update(std::span<const std::uint8_t> bytes) noexcept;
  sha256_hasher& update(std::string_view text) noexcept;
  /// Integers go in little-endian, as everything that the protocol hashes (section 4).
  sha256_hasher& update_le(std::uint32_t x) noexcept;
  sha256_hasher& update_le(std::uint64_t x) noexcept;
  sha256_hasher& update_le(std::int64_t x) noexcept {
    return update_le(static_cast<std::uint64_t>(x));
  }

  /// The hash of all that came. The hasher is used up: assign a new one to go on.
  hash256 finish() noexcept;

 private:
  /// Room for OpenSSL's state; sha256.cpp checks that it fits.
  static constexpr std::size_t state_bytes = 112;
  alignas(8) std::array<std::byte, state_bytes> state_;
};

/// The hash of `bytes`.
hash256 sha256(std::span<const std::uint8_t> bytes) noexcept;

}  // namespace timenode::chain
