#pragma once

// The wallet file of the deployed daemon (time-wallet.dat): bincode of a version, the network, the key
// pair, its address, a creation time and a label.

#include "chain/keys.hpp"
#include "messages/network.hpp"
#include "messages/outcome.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace timenode::app {

struct wallet {
  network_id network = network_id::testnet;
  chain::key_pair keys;
  std::string address;
  std::int64_t created_at = 0;  ///< Unix seconds.
  std::optional<std::string> label;
};

/// No wallet is longer; what is was not written by the daemon.
inline constexpr std::size_t max_wallet_bytes = 64u << 10;

/// Checks that the public key belongs to the secret key, and the address to both. The failure says what
/// does not fit; also when it is the newer daemon's encrypted form, which cannot be read.
outcome<wallet> parse_wallet(std::span<const std::uint8_t> bytes);

}  // namespace timenode::app
