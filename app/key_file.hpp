#pragma once

// A masternode's or wallet's key on disk: the seed of RFC 8032, readable for its owner only. Either plain,
// 64 hexadecimal digits on the first line, or sealed with a passphrase (sealed_key.hpp).

#include "app/passphrase.hpp"
#include "app/sealed_key.hpp"
#include "chain/keys.hpp"
#include "messages/outcome.hpp"

#include <filesystem>
#include <optional>
#include <variant>

namespace timenode::app {

/// What a key file holds.
struct stored_key {
  std::variant<chain::key_pair, sealed_key> content;

  bool encrypted() const noexcept { return std::holds_alternative<sealed_key>(content); }
  const timenode::public_key& public_key() const noexcept;
};

/// Fails when the file cannot be read, when others may read it, and when it is damaged.
outcome<stored_key> read_key_file(const std::filesystem::path& file);

/// The key pair; `passphrase` is asked for one only when the key is encrypted.
outcome<chain::key_pair> open_key(const stored_key& x, const passphrase_source& passphrase);

/// Makes the file, with rights 0600 from the first moment on, and its directory. Never overwrites: fails
/// when there is one. `passphrase`: seals the key with it.
outcome<void> write_key_file(const std::filesystem::path& file, const chain::key_pair& keys,
                             const secret_text* passphrase = nullptr,
                             const passphrase_cost& cost = {});

/// Reads the key, or makes a new, plain one there if the file is missing.
outcome<chain::key_pair> load_or_create_key(const std::filesystem::path& file,
                                            const passphrase_source& passphrase);

}  // namespace timenode::app
