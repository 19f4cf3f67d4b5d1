#pragma once

// Ed25519 keys (RFC 8032) and the addresses made of them (protocol page, section 4).

#include "messages/ledger.hpp"
#include "messages/network.hpp"
#include "messages/outcome.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace timenode::chain {

/// What a key pair is derived from: the 32 bytes that RFC 8032 calls the private key.
using secret_seed = opaque_bytes<32, struct secret_seed_tag>;

/// A secret key with its public key. Wipes the secret from memory at the end of its life.
class key_pair {
 public:
  /// The key pair of a seed. Any 32 bytes are a valid seed.
  static key_pair from_seed(const secret_seed& seed);
  /// A new key pair from the system's random numbers.
  static key_pair generate();

  key_pair(const key_pair&) = default;
  key_pair& operator=(const key_pair&) = default;
  ~key_pair();

  const timenode::public_key& public_key() const noexcept { return public_; }
  /// The seed, to be stored in a key file. The caller keeps it secret.
  secret_seed seed() const noexcept;
  /// Deterministic: the same bytes give the same signature.
  signature sign(std::span<const std::uint8_t> message) const;

 private:
  key_pair() = default;

  timenode::public_key public_{};
  std::array<std::uint8_t, 64> secret_{};  ///< libsodium's form: seed ‖ public key.
};

/// Whether the signature of the message was made by the key. Takes about 60 µs, and less than one when this thread did so lately
/// (`signature_cache`). Keys and signatures
/// that are not canonical, or of small order, never verify.
bool verify(const public_key& key, std::span<const std::uint8_t> message,
            const signature& x) noexcept;

/// As above for a signature that came as a byte string: one that has not 64 bytes does not verify.
bool verify(const public_key& key, std::span<const std::uint8_t> message,
            std::span<const std::uint8_t> x) noexcept;

/// "TIME", the network's digit, base58 of the first 20 bytes of SHA-256(key) and a checksum.
std::string address_of(const public_key& key, network_id network);

/// Succeeds when the text is an address on that network, its checksum included; else the failure says
/// what is wrong with it.
outcome<void> check_address(std::string_view text, network_id network);

inline bool is_valid_address(std::string_view text, network_id network) {
  return check_address(text, network).has_value();
}

}  // namespace timenode::chain
