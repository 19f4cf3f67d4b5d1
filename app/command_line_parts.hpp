#pragma once

// What the parts of the command line share: options that several commands have, and one function a
// group of commands. Private to app/command_line*.cpp.

#include "app/command_line.hpp"

#include <CLI/CLI.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace timenode::app {

// -- helpers --------------------------------------------------------------------------

/// Refuses the value of an option: the message ends the sentence that CLI11 begins.
[[noreturn]] void refuse_option(const std::string& option, const std::string& why);

/// An option whose value `parse(option, text)` takes, or refuses.
template <class Parse>
CLI::Option* add_parsed(CLI::App& to, const std::string& name, const std::string& value,
                        const std::string& help, Parse parse) {
  const auto take = [name, parse = std::move(parse)](const std::string& text) {
    parse(name, text);
  };
  return to.add_option_function<std::string>(name, take, help)->type_name(value);
}

/// An option that is the name of a file or directory; an empty one is refused.
template <class Take>
CLI::Option* add_path(CLI::App& to, const std::string& name, const std::string& value,
                      const std::string& help, Take take) {
  return add_parsed(to, name, value, help, [take](const auto& option, const auto& text) {
    if (text.empty())
      refuse_option(option, "the name is empty");
    take(text);
  });
}

/// "IP[:PORT]", or refuses.
endpoint address_or_refuse(const std::string& option, const std::string& text);

/// "IP[:PORT]" or "off" into `to`.
void take_service(service_setting& to, const std::string& option, const std::string& text);

// -- options that several commands have -----------------------------------------------

void add_config(CLI::App& to, node_options& x);
void add_network(CLI::App& to, node_options& x);
void add_data_dir(CLI::App& to, node_options& x);
void add_rpc(CLI::App& to, node_options& x, const std::string& help);
/// --rpc, --network and --config, for a command that asks a running node.
void add_node_address(CLI::App& to, node_options& x);
void add_log_level(CLI::App& to, std::function<void(log_level)> take, const std::string& help);

// -- groups of commands ---------------------------------------------------------------

// Each adds its commands; the one that the user chooses puts itself into `chosen`.

/// run (command_line_run.cpp)
void add_run_commands(CLI::App& to, command& chosen);
/// status, peers, health, explain, reload, backup, stop (command_line_query.cpp)
void add_query_commands(CLI::App& to, command& chosen);
/// ban, unban, bans, trust, untrust, rpc (command_line_peers.cpp)
void add_peer_commands(CLI::App& to, command& chosen);
/// send, balance (command_line_wallet.cpp)
void add_wallet_commands(CLI::App& to, command& chosen);
/// import, export, restore (command_line_files.cpp)
void add_file_commands(CLI::App& to, command& chosen);
/// config, rpcauth (command_line_config.cpp)
void add_config_commands(CLI::App& to, command& chosen);
/// key (command_line_key.cpp)
void add_key_commands(CLI::App& to, command& chosen);
/// testnet (command_line_testnet.cpp)
void add_testnet_commands(CLI::App& to, command& chosen);
/// simulate (command_line_simulate.cpp)
void add_simulate_commands(CLI::App& to, command& chosen);

}  // namespace timenode::app
