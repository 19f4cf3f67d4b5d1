#include "app/config_keys.hpp"

#include "app/near_names.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace timenode::app {

namespace {

constexpr auto used = std::to_array<std::string_view>({
    "node.network",
    "network.listen_address",
    "network.external_address",
    "network.max_peers",
    "network.bootstrap_peers",
    "network.discovery_url",
    "network.blacklisted_peers",
    "network.blacklisted_subnets",
    "network.whitelisted_peers",
    "network.whitelist_only",
    "rpc.enabled",
    "rpc.listen_address",
    "rpc.rpcauth",
    "rpc.cookie_file",
    "storage.data_dir",
    "logging.level",
    "logging.format",
    "logging.output",
    "logging.file_path",
    "logging.max_size_mb",
    "logging.max_files",
    "masternode.enabled",
    "masternode.tier",
    "masternode.reward_address",
    "masternode.wallet_address",
    "masternode.key_file",
    "masternode.passphrase_file",
    "consensus.block_time_seconds",
    "consensus.require_signatures",
    "consensus.first_masternodes",
    "consensus.present_set_at",
    "metrics.enabled",
    "metrics.listen_address",
    "metrics.prometheus_port",
});

/// What the deployed daemon reads, or writes into the file that it makes; a name that ends in '.'
/// stands for a whole section.
constexpr auto unused = std::to_array<std::string_view>({
    "node.name",
    "node.version",
    "network.port",
    "network.enable_upnp",
    "network.enable_peer_discovery",
    "rpc.port",
    "rpc.allow_origins",
    "rpc.rpcuser",
    "rpc.rpcpassword",
    "rpc.rpctls",
    "rpc.rpctlscert",
    "rpc.rpctlskey",
    "rpc.wstls",
    "rpc.wstlscert",
    "rpc.wstlskey",
    "storage.backend",
    "storage.cache_size_mb",
    "storage.compress_blocks",
    "storage.mode",
    "storage.prune_keep_blocks",
    "masternode.collateral_txid",
    "masternode.collateral_vout",
    "masternode.masternodeprivkey",
    "consensus.",
    "block.",
    "sync.",
    "security.",
    "ai.",
});

std::string_view section_of(std::string_view key) noexcept {
  const auto dot = key.rfind('.');
  return dot == key.npos ? std::string_view{} : key.substr(0, dot);
}

std::string_view name_of(std::string_view key) noexcept {
  return key.substr(key.rfind('.') == key.npos ? 0 : key.rfind('.') + 1);
}

/// As `letters_apart`, but a name that was written by halves is near.
std::size_t name_distance(std::string_view a, std::string_view b) {
  const auto letters = letters_apart(a, b);
  return !a.empty() && (a.starts_with(b) || b.starts_with(a)) ? std::min<std::size_t>(letters, 1)
                                                              : letters;
}

/// What is to be compared is cut: the cost is in proportion to its length.
constexpr std::size_t max_compared = 100;

}  // namespace

std::span<const std::string_view> used_keys() noexcept {
  return used;
}

bool is_unused_key(std::string_view key) noexcept {
  return std::any_of(unused.begin(), unused.end(), [key](std::string_view x) {
    return x.ends_with('.') ? key.starts_with(x) || key == x.substr(0, x.size() - 1) : key == x;
  });
}

bool is_known_section(std::string_view section) noexcept {
  const auto in_it = [section](std::string_view x) { return section_of(x) == section; };
  return std::any_of(used.begin(), used.end(), in_it) || is_unused_key(section);
}

std::string_view nearest_key(std::string_view key) {
  const auto cut = key.substr(0, max_compared);
  // The right name in the wrong section costs nothing but the way there.
  const auto cost = [cut](std::string_view x) {
    const auto names = name_distance(name_of(cut), name_of(x));
    const auto sections = letters_apart(section_of(cut), section_of(x));
    return std::min(4 * names + sections, 4 * letters_apart(cut, x));
  };
  return *std::min_element(used.begin(), used.end(),
                           [&cost](auto a, auto b) { return cost(a) < cost(b); });
}

std::string_view nearest_section(std::string_view section) {
  const auto cut = section.substr(0, max_compared);
  const auto nearest = std::min_element(used.begin(), used.end(), [cut](auto a, auto b) {
    return letters_apart(cut, section_of(a)) < letters_apart(cut, section_of(b));
  });
  return section_of(*nearest);
}

}  // namespace timenode::app
