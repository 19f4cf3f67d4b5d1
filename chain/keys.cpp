#include "chain/keys.hpp"

#include "chain/base58.hpp"
#include "chain/sha256.hpp"
#include "chain/signature_cache.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace timenode::chain {

namespace {

static_assert(sizeof(public_key) == crypto_sign_PUBLICKEYBYTES);
static_assert(sizeof(secret_seed) == crypto_sign_SEEDBYTES);
static_assert(sizeof(signature) == crypto_sign_BYTES);
static_assert(crypto_sign_SECRETKEYBYTES == 64);

constexpr std::string_view address_prefix = "TIME";
constexpr std::size_t payload_bytes = 20;  // Protocol page, section 4.
constexpr std::size_t checksum_bytes = 4;  // Protocol page, section 4.

// libsodium picks the implementations for this processor and opens its source of random numbers once.
// It fails only where the system has no random numbers, and then no key may be made.
void prepare_sodium() noexcept {
  static const bool ready = sodium_init() >= 0;
  if (!ready) {
    std::fputs("libsodium could not start: the system gives no random numbers\n", stderr);
    std::abort();
  }
}

char network_digit(network_id x) noexcept {
  return x == network_id::mainnet ? '1' : '0';
}

std::array<std::uint8_t, checksum_bytes> checksum_of(std::span<const std::uint8_t> payload) {
  const auto hash = sha256(sha256(payload));
  std::array<std::uint8_t, checksum_bytes> result;
  std::copy_n(hash.begin(), checksum_bytes, result.begin());
  return result;
}

}  // namespace

key_pair key_pair::from_seed(const secret_seed& seed) {
  prepare_sodium();
  key_pair result;
  crypto_sign_seed_keypair(result.public_.data(), result.secret_.data(), seed.data());
  return result;
}

key_pair key_pair::generate() {
  prepare_sodium();
  key_pair result;
  crypto_sign_keypair(result.public_.data(), result.secret_.data());
  return result;
}

key_pair::~key_pair() {
  sodium_memzero(secret_.data(), secret_.size());
}

secret_seed key_pair::seed() const noexcept {
  secret_seed result;
  std::copy_n(secret_.begin(), result.size(), result.begin());
  return result;
}

signature key_pair::sign(std::span<const std::uint8_t> message) const {
  signature result;
  crypto_sign_detached(result.data(), nullptr, message.data(), message.size(), secret_.data());
  return result;
}

bool verify(const public_key& key, std::span<const std::uint8_t> message,
            const signature& x) noexcept {
  prepare_sodium();
  thread_local signature_cache verified;
  const auto mark = verified.mark_of(key, message, x);
  if (verified.contains(mark))
    return true;
  if (crypto_sign_verify_detached(x.data(), message.data(), message.size(), key.data()) != 0)
    return false;
  verified.add(mark);
  return true;
}

bool verify(const public_key& key, std::span<const std::uint8_t> message,
            std::span<const std::uint8_t> x) noexcept {
  if (x.size() != sizeof(signature))
    return false;
  signature copy;
  std::memcpy(copy.data(), x.data(), copy.size());
  return verify(key, message, copy);
}

std::string address_of(const public_key& key, network_id network) {
  const auto hash = sha256(key);
  std::array<std::uint8_t, payload_bytes + checksum_bytes> bytes;
  std::copy_n(hash.begin(), payload_bytes, bytes.begin());
  const auto checksum = checksum_of({bytes.data(), payload_bytes});
  std::copy(checksum.begin(), checksum.end(), bytes.begin() + payload_bytes);
  std::string result{address_prefix};
  result += network_digit(network);
  result += base58_encode(bytes);
  return result;
}

outcome<void> check_address(std::string_view text, network_id network) {
  if (!text.starts_with(address_prefix))
    return fail("the address does not begin with \"TIME\"");
  text.remove_prefix(address_prefix.size());
  if (text.empty() || (text[0] != '0' && text[0] != '1'))
    return fail("the address has neither 0 (testnet) nor 1 (mainnet) after \"TIME\"");
  if (text[0] != network_digit(network))
    return fail("the address is one of the other network, not of " +
                std::string{to_string(network)});
  text.remove_prefix(1);
  const auto bytes = base58_decode(text);
  if (!bytes)
    return fail("the address has a character that is not base58, or is too long");
  if (bytes->size() != payload_bytes + checksum_bytes)
    return fail("the address holds " + std::to_string(bytes->size()) + " bytes, not " +
                std::to_string(payload_bytes + checksum_bytes));
  const auto checksum = checksum_of({bytes->data(), payload_bytes});
  if (!std::equal(checksum.begin(), checksum.end(), bytes->begin() + payload_bytes))
    return fail("the address's checksum does not match: it is mistyped");
  return {};
}

}  // namespace timenode::chain
