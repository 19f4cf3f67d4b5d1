#pragma once

// A secret key under a passphrase: Argon2id makes a key of the passphrase, XSalsa20-Poly1305 seals the
// seed with it (libsodium's crypto_pwhash and crypto_secretbox). Written as a few lines of text.

#include "app/secret_text.hpp"
#include "chain/keys.hpp"
#include "messages/outcome.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace timenode::app {

/// What guessing a passphrase costs. The default is libsodium's "moderate": 0.7 s and 256 MiB a guess on
/// a server of 2025, which a masternode can spare once, at its start.
struct passphrase_cost {
  std::uint64_t passes = 3;
  std::size_t memory_bytes = std::size_t{256} << 20;

  bool operator==(const passphrase_cost&) const = default;
};

/// A file may ask for at most this much: beyond it is damaged, or somebody means to stop the node.
inline constexpr passphrase_cost max_passphrase_cost{20, std::size_t{1} << 30};

struct sealed_key {
  passphrase_cost cost;
  std::array<std::uint8_t, 16> salt{};
  std::array<std::uint8_t, 24> nonce{};
  std::array<std::uint8_t, 48> sealed{};  ///< The seed, 32 bytes, behind its authenticator, 16.
  /// Known without the passphrase, so that anybody can be told whose key it is. `unseal` holds the seed
  /// against it.
  timenode::public_key key{};

  bool operator==(const sealed_key&) const = default;
};

/// With a new salt and nonce. Fails when the memory for it is not there, and for an empty passphrase.
outcome<sealed_key> seal(const chain::key_pair& keys, const secret_text& passphrase,
                         const passphrase_cost& cost = {});

/// Fails when the passphrase is wrong or the record was changed; which of these it is cannot be told.
outcome<chain::key_pair> unseal(const sealed_key& x, const secret_text& passphrase);

/// Several lines, the first of which is `sealed_key_header`.
std::string to_text(const sealed_key& x);

inline constexpr std::string_view sealed_key_header = "timenode-key 1";

/// The failure names the line that is wrong.
outcome<sealed_key> parse_sealed_key(std::string_view text);

}  // namespace timenode::app
