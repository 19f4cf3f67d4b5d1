#pragma once

// Which network a node is on: the facts of the protocol page, sections 1 and 3.

#include <cstdint>
#include <optional>
#include <string_view>

namespace timenode {

enum class network_id : std::uint8_t { testnet, mainnet };

/// The name in a handshake: "Testnet" or "Mainnet".
constexpr std::string_view wire_name(network_id x) noexcept {
  return x == network_id::mainnet ? "Mainnet" : "Testnet";
}

/// The name in configuration and on the command line: "testnet" or "mainnet".
constexpr std::string_view to_string(network_id x) noexcept {
  return x == network_id::mainnet ? "mainnet" : "testnet";
}

/// Default ports (protocol page, section 1).
constexpr std::uint16_t default_p2p_port(network_id x) noexcept {
  return x == network_id::mainnet ? 24000 : 24100;
}
constexpr std::uint16_t default_rpc_port(network_id x) noexcept {
  return x == network_id::mainnet ? 24001 : 24101;
}

}  // namespace timenode
