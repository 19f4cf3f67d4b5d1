#include "chain/signature_cache.hpp"

#include <sodium.h>

#include <cstring>

namespace timenode::chain {

signature_cache::signature_cache() : marks_(places) {
  randombytes_buf(secret_.data(), secret_.size());
}

signature_cache::mark signature_cache::mark_of(const public_key& key,
                                               std::span<const std::uint8_t> message,
                                               const signature& x) const noexcept {
  // Key and signature have fixed sizes and come first: where the message begins is no question.
  mark result;
  crypto_generichash_state state;
  crypto_generichash_init(&state, secret_.data(), secret_.size(), result.size());
  crypto_generichash_update(&state, key.data(), key.size());
  crypto_generichash_update(&state, x.data(), x.size());
  crypto_generichash_update(&state, message.data(), message.size());
  crypto_generichash_final(&state, result.data(), result.size());
  return result;
}

std::size_t signature_cache::place_of(const mark& x) noexcept {
  std::uint32_t bits;
  std::memcpy(&bits, x.data(), sizeof(bits));
  return bits % places;
}

}  // namespace timenode::chain
