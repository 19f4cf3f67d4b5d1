#pragma once

// Masternodes for tests: addresses, keys and signed messages at moments that a test names in
// seconds.

#include "actors/masternode_book.hpp"
#include "chain/keys.hpp"
#include "chain/signed_messages.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

namespace test {

inline constexpr std::int64_t epoch = 1'766'000'000;

/// The moment `seconds` after the test's beginning, on both clocks.
constexpr timenode::moment at(std::int64_t seconds) noexcept {
  return {(seconds + 1) * 1'000'000'000, epoch + seconds};
}

inline timenode::ip_address ip_of(int number) {
  const auto byte = [number](int shift) {
    return static_cast<std::uint8_t>((number >> shift) & 255);
  };
  return timenode::ip_address::from_v4({203, byte(16), byte(8), byte(0)});
}

inline timenode::chain::key_pair key_of(int number) {
  timenode::chain::secret_seed seed{};
  for (int i = 0; i < 4; ++i)
    seed[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>((number >> (8 * i)) & 255);
  return timenode::chain::key_pair::from_seed(seed);
}

/// What masternode `number` announces; `key` when it is not its own.
inline timenode::wire::masternode_announcement announcement_of(int number,
                                                               std::optional<int> key = {}) {
  return {.address = ip_of(number).to_string(),
          .reward_address = "TIME0reward" + std::to_string(number),
          .tier = timenode::wire::masternode_tier::bronze,
          .public_key = key_of(key.value_or(number)).public_key()};
}

inline timenode::wire::heartbeat_broadcast heartbeat_of(int number, std::uint64_t sequence,
                                                        std::int64_t seconds,
                                                        std::optional<int> key = {}) {
  timenode::wire::heartbeat_broadcast result{.masternode_address = ip_of(number).to_string(),
                                             .sequence_number = sequence,
                                             .timestamp = epoch + seconds};
  timenode::chain::sign(result, key_of(key.value_or(number)));
  return result;
}

inline timenode::wire::heartbeat_attestation
attestation_of(int witness, const timenode::wire::heartbeat_broadcast& heartbeat,
               std::int64_t seconds, std::optional<int> key = {}) {
  timenode::wire::heartbeat_attestation result{.heartbeat_hash =
                                                   timenode::chain::heartbeat_hash(heartbeat),
                                               .witness_address = ip_of(witness).to_string(),
                                               .witness_timestamp = epoch + seconds};
  timenode::chain::sign(result, key_of(key.value_or(witness)));
  return result;
}

/// The entry of masternode `number`, if there is one.
inline std::optional<timenode::masternode_entry> entry_of(const timenode::masternode_book& book,
                                                          int number, timenode::moment now) {
  const auto entries = book.list(now);
  const auto i = std::find_if(entries.begin(), entries.end(),
                              [&](const auto& x) { return x.ip == ip_of(number); });
  return i != entries.end() ? std::optional{*i} : std::nullopt;
}

}  // namespace test
