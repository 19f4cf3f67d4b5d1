#pragma once

// What a node is told before it starts. Three sources fill a `settings` each, the configuration
// file (config_file.hpp) and the command line (command_line.hpp) two of them; `make_config` lays
// one over the other, adds the defaults, and gives the `node_config` that the node is started with.

#include "app/rpc_access.hpp"
#include "app/web_fetch.hpp"
#include "chain/consensus_rules.hpp"
#include "messages/ip_address.hpp"
#include "messages/ip_network.hpp"
#include "messages/network.hpp"
#include "messages/outcome.hpp"
#include "messages/wire.hpp"
#include "net/slots.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace timenode::app {

// -- what the node is started with ----------------------------------------------

enum class log_level : std::uint8_t { trace, debug, info, warn, error, off };
enum class log_format : std::uint8_t { text, json };

std::string_view to_string(log_level x) noexcept;
std::string_view to_string(log_format x) noexcept;

struct logging_config {
  log_level level = log_level::info;
  log_format format = log_format::text;
  std::optional<std::filesystem::path> file;  ///< None: standard error.
  std::size_t max_size = 10u << 20;           ///< Bytes after which the file is rotated.
  std::size_t max_files = 5;  ///< Rotated files that are kept beside the current one.

  bool operator==(const logging_config&) const = default;
};

struct masternode_config {
  bool enabled = false;
  wire::masternode_tier tier = wire::masternode_tier::free;
  /// Where rewards go; valid on the network. None: the address of the masternode's own key.
  std::optional<std::string> reward_address;
  std::filesystem::path
      key_file;  ///< Made at the first start. Default: masternode.key in `data_dir`.
  /// Its first line is the passphrase of an encrypted key. None: the environment or a terminal.
  std::optional<std::filesystem::path> passphrase_file;

  bool operator==(const masternode_config&) const = default;
};

struct metrics_config {
  bool enabled = true;
  endpoint listen;  ///< Default: 127.0.0.1, port 24102 on testnet and 24002 on mainnet.

  bool operator==(const metrics_config&) const = default;
};

/// A host that was given by name. Resolved once, before the node starts (host_names.hpp).
struct host_name {
  std::string name;
  std::uint16_t port = 0;

  bool operator==(const host_name&) const = default;
};

struct node_config {
  network_id network = network_id::testnet;
  endpoint listen;                           ///< Default: 0.0.0.0 and the network's P2P port.
  std::optional<endpoint> external_address;  ///< How others reach us, when that is not `listen`.
  std::optional<host_name> external_host;    ///< The same by name; none when the node starts.
  std::size_t max_peers = net::default_max_peers;
  std::vector<endpoint> bootstrap_peers;   ///< Never given up, and beyond `max_peers`.
  std::vector<host_name> bootstrap_hosts;  ///< The same by name; empty when the node starts.
  std::optional<web_address> discovery;    ///< A list of peers on the web; none: off.
  std::vector<ip_network> banned;      ///< Kept out, whatever an operator orders meanwhile forgets.
  std::vector<ip_network> trusted;     ///< Never banned, always let in.
  bool trusted_only = false;           ///< Everybody else is kept out.
  std::optional<endpoint> rpc_listen;  ///< Default: 127.0.0.1 and the RPC port. None: no RPC.
  std::vector<rpc_user> rpc_users;     ///< Who may call when `rpc_listen` is no loopback address.
  std::filesystem::path rpc_cookie_file;  ///< Default: .cookie in `data_dir`.
  std::filesystem::path data_dir;         ///< Default: ~/.timenode, on testnet ~/.timenode/testnet.
  logging_config logging;
  masternode_config masternode;
  metrics_config metrics;
  chain::consensus_rules consensus;

  bool operator==(const node_config&) const = default;
};

/// Default port of the metrics endpoint: the one after the RPC port.
constexpr std::uint16_t default_metrics_port(network_id x) noexcept {
  return static_cast<std::uint16_t>(default_rpc_port(x) + 1);
}

/// Where the node keeps its chain.
inline std::filesystem::path chain_directory(const node_config& x) {
  return x.data_dir / "chain";
}

// -- what one source says -------------------------------------------------------

/// Switched off, or an address; a port of 0 is the default port of the network.
struct service_setting {
  std::optional<bool> enabled;
  std::optional<ip_address> ip;
  std::uint16_t port = 0;
};

/// A peer as an operator writes it. A port of 0 is the default port of the network.
using peer_setting = std::variant<endpoint, host_name>;

/// What a source does not say is none; an empty text in a file (`data_dir = ""`) counts as not
/// said.
struct settings {
  std::optional<network_id> network;
  std::optional<endpoint> listen;  ///< Port 0: the network's default.
  std::optional<peer_setting> external_address;
  std::optional<std::size_t> max_peers;
  std::optional<std::vector<peer_setting>> bootstrap_peers;
  std::optional<web_address> discovery;
  std::optional<std::vector<ip_network>> banned_peers;
  std::optional<std::vector<ip_network>> banned_subnets;
  std::optional<std::vector<ip_network>> trusted_peers;
  std::optional<bool> trusted_only;
  service_setting rpc;
  std::optional<std::vector<rpc_user>> rpc_users;
  std::optional<std::filesystem::path> rpc_cookie_file;  ///< May begin with "~".
  service_setting metrics;
  std::optional<std::filesystem::path> data_dir;  ///< May begin with "~".
  std::optional<log_level> level;
  std::optional<log_format> format;
  std::optional<bool> log_to_file;                ///< None: if there is a `log_file`.
  std::optional<std::filesystem::path> log_file;  ///< May begin with "~".
  std::optional<std::size_t> log_max_size;        ///< Bytes.
  std::optional<std::size_t> log_max_files;
  std::optional<bool> masternode;
  std::optional<wire::masternode_tier> tier;
  std::optional<std::string> reward_address;
  std::optional<std::filesystem::path> key_file;         ///< May begin with "~".
  std::optional<std::filesystem::path> passphrase_file;  ///< May begin with "~".
  std::optional<std::size_t> block_time_seconds;
  std::optional<bool> require_signatures;
  std::optional<std::size_t> first_masternodes;
  std::optional<std::size_t> present_set_at;
};

/// What to tell the operator about the configuration, once there is a log.
struct config_notice {
  log_level level = log_level::info;
  std::string text;

  bool operator==(const config_notice&) const = default;
};

/// Lays `over` on `under` and that on the defaults. `home` is what "~" stands for; may be empty.
/// Fails when values contradict each other, and when "~" is needed and unknown.
outcome<node_config> make_config(const settings& over, const settings& under,
                                 const std::filesystem::path& home);

/// Two of our listeners must not want one address: the second would fail with a puzzling "in use". For who is about to
/// listen; who only asks a node may name any of its addresses.
outcome<void> check_listeners(const node_config& x);

/// The user's home directory, from HOME or the user database; empty when unknown.
std::filesystem::path home_directory();

// -- texts ----------------------------------------------------------------------

// Upper and lower case are the same to all of these.

std::optional<network_id> parse_network(std::string_view text);
std::optional<log_level> parse_log_level(std::string_view text);
/// "text" (or "pretty", the deployed daemon's word for it) and "json".
std::optional<log_format> parse_log_format(std::string_view text);
std::optional<wire::masternode_tier> parse_tier(std::string_view text);

/// "IP" or "IP:port" ("[v6]:port"); the port is 0 when none is written.
outcome<endpoint> parse_address(std::string_view text);
/// As above, or a host name in place of the IP.
outcome<peer_setting> parse_peer(std::string_view text);

}  // namespace timenode::app
