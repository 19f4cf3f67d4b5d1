#pragma once

// What the program was asked to do.

#include "app/config.hpp"
#include "messages/ip_address.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace timenode::app {

/// Where the settings of a node come from.
struct node_options {
  std::optional<std::filesystem::path> config_file;
  settings said;  ///< By other options; lies over the file.
};

struct run_command {
  node_options node;
};

/// `import` and `export`.
struct transfer_command {
  node_options node;
  std::string file;  ///< "-": standard input or output.
  bool to_file = false;
};

/// 127.0.0.1 to 127.0.0.250: more nodes than one machine can run.
inline constexpr std::size_t max_testnet_nodes = 250;

struct testnet_command {
  std::size_t nodes = 4;
  std::optional<std::size_t> masternodes;    ///< The first so many of them; none: all.
  std::optional<std::size_t> block_time;     ///< Seconds; none: they make no blocks.
  std::optional<std::string> chain;          ///< What the first node begins with.
  std::optional<std::chrono::seconds> time;  ///< None: until Ctrl+C.
  std::uint16_t base_port = 24100;           ///< P2P; RPC one above, metrics two above.
  std::optional<std::filesystem::path> dir;  ///< None: a temporary one.
  log_level level = log_level::info;         ///< Of the nodes.
};

/// Beyond these a simulation takes hours of real time and more memory than most machines have.
inline constexpr std::uint32_t max_simulated_nodes = 2000;
inline constexpr double max_simulated_hours = 24 * 366;
/// Of each hour: what faults still do when they have ended is over after ten minutes, and in less than five hardly any strikes.
inline constexpr std::uint32_t least_calm_minutes = 10;
inline constexpr std::uint32_t most_calm_minutes = 55;

struct simulate_command {
  std::uint32_t nodes = 20;
  double hours = 1;  ///< Of virtual time.
  std::uint64_t seed = 1;
  std::string faults = "all";
  std::optional<std::uint32_t> calm;  ///< Minutes of each hour; none: by its length.
  double reference_share = 0;
  std::optional<std::uint32_t> masternodes;
  std::int64_t block_time = 0;     ///< Seconds; 0: nobody votes on blocks.
  std::int64_t payment_every = 0;  ///< Seconds; 0: nobody pays.
  bool as_json = false;
  std::string trace;  ///< A file; empty: none.
  bool debug = false;
};

/// `status`, `peers`, `explain`, `stop`, ...: what asks a running node.
struct query_command {
  enum class question : std::uint8_t {
    status,
    peers,
    explain_peer,
    explain_masternode,
    explain_tip,
    masternodes,
    stop,
    health,
    reload,
    backup,
    actors,
    inspect,
    dump,
  };
  question what = question::status;
  node_options node;    ///< Tells where its RPC is.
  std::string subject;  ///< The address to explain, the directory of the backup, the actor's name.
  bool as_json = false;
};

/// `ban`, `unban`, `bans`, `trust`, `untrust`: what tells a running node whom to keep out.
struct access_command {
  enum class action : std::uint8_t { ban, unban, list, trust, untrust };
  action what = action::list;
  node_options node;
  std::string network;            ///< "IP" or "IP/BITS"; empty for `list`.
  std::int64_t seconds = 86'400;  ///< `ban`: for how long; 0: for good. A day, as Bitcoin Core.
  std::string reason;
  bool as_json = false;
};

/// `send`, `balance`: what a running node has and spends.
struct wallet_command {
  node_options node;
  bool send = false;    ///< Else: show a balance.
  std::string address;  ///< To whom, or of whom; empty for `balance`: the node's own.
  std::string amount;   ///< In TIME, as it was written; empty for `balance`.
  bool as_json = false;
};

/// `rpc`: any call.
struct call_command {
  node_options node;
  std::string method;
  std::vector<std::string> params;  ///< Each JSON, or else a string as it stands.
};

/// `check`.
struct check_command {
  node_options node;
  bool repair = false;  ///< Keep what is whole of a damaged chain.
};

/// `migrate`.
struct migrate_command {
  node_options node;
};

/// `config check`, `config show`, `config example`.
struct config_command {
  enum class deed : std::uint8_t { check, show, example };
  deed what = deed::show;
  node_options node;
};

/// `restore`.
struct restore_command {
  node_options node;
  std::filesystem::path from;
  bool replace = false;  ///< Move aside what is in the way.
};

/// `replay`.
struct replay_command {
  std::filesystem::path file;
};

/// `top`.
struct top_command {
  node_options node;
  std::chrono::milliseconds interval{1000};
};

/// `rpcauth`.
struct rpcauth_command {
  std::string name;
};

/// `key new`, `key show`, `key import`.
struct key_command {
  enum class deed : std::uint8_t { make, show, import };
  deed what = deed::show;
  node_options node;  ///< Tells which key file and which network, unless `file` does.
  std::optional<std::filesystem::path> file;
  std::filesystem::path from;  ///< What is imported.
  bool encrypt = false;
  std::optional<std::filesystem::path> passphrase_file;
};

/// Nothing to do but to print: help, version, or what is wrong with the command line.
struct print_command {
  std::string text;
  int status = 0;  ///< Exit status; 0: for standard output, else for standard error.
};

/// Exit status for a command line that makes no sense.
inline constexpr int usage_status = 2;

// One a line, for many come to be.
// clang-format off
using command = std::variant<
    run_command,
    transfer_command,
    testnet_command,
    simulate_command,
    query_command,
    access_command,
    wallet_command,
    call_command,
    config_command,
    restore_command,
    check_command,
    migrate_command,
    rpcauth_command,
    key_command,
    replay_command,
    top_command,
    print_command>;
// clang-format on

/// Seconds in "90", "90s", "30m", "12h", "7d", or 0 in "forever". None when it is neither, or no time
/// at all.
std::optional<std::int64_t> parse_span(std::string_view text);

/// `arguments`: without the program's name. Touches neither files nor the network.
command parse_command_line(const std::vector<std::string>& arguments);

/// What `--version` prints: version, commit and the libraries that it was built with.
std::string version_text();

}  // namespace timenode::app
