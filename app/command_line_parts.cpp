#include "app/command_line_parts.hpp"

namespace timenode::app {

// -- helpers --------------------------------------------------------------------------

void refuse_option(const std::string& option, const std::string& why) {
  throw CLI::ValidationError(option, why);
}

endpoint address_or_refuse(const std::string& option, const std::string& text) {
  const auto at = parse_address(text);
  if (!at)
    refuse_option(option, at.error().reason);
  return *at;
}

void take_service(service_setting& to, const std::string& option, const std::string& text) {
  if (text == "off") {
    to.enabled = false;
    return;
  }
  const auto at = address_or_refuse(option, text);
  to.ip = at.ip;
  to.port = at.port;
}

// -- options that several commands have -----------------------------------------------

void add_config(CLI::App& to, node_options& x) {
  add_parsed(to, "--config", "FILE", "Configuration file (TOML); options here go over it",
             [&x](const auto&, const auto& text) { x.config_file = text; });
}

void add_network(CLI::App& to, node_options& x) {
  add_parsed(to, "--network", "testnet|mainnet", "Which network; default: testnet",
             [&x](const auto& option, const auto& text) {
               if (!(x.said.network = parse_network(text)))
                 refuse_option(option, "'" + text + "' is neither testnet nor mainnet");
             });
}

void add_data_dir(CLI::App& to, node_options& x) {
  add_parsed(
      to, "--data-dir", "DIR",
      "Where the node keeps its chain, keys and logs; default: ~/.timenode, ~/.timenode/testnet",
      [&x](const auto& option, const auto& text) {
        if (text.empty())
          refuse_option(option, "the directory's name is empty");
        x.said.data_dir = text;
      });
}

void add_rpc(CLI::App& to, node_options& x, const std::string& help) {
  add_parsed(to, "--rpc", "IP:PORT", help, [&x](const auto& option, const auto& text) {
    take_service(x.said.rpc, option, text);
  });
}

void add_node_address(CLI::App& to, node_options& x) {
  add_rpc(to, x, "RPC address of the node; default: 127.0.0.1:24101 (mainnet 24001)");
  add_path(to, "--rpc-cookie", "FILE",
           "File with NAME:PASSWORD, when the node asks for one; default: .cookie in its directory",
           [&x](const std::string& text) { x.said.rpc_cookie_file = text; });
  add_network(to, x);
  add_config(to, x);
}

void add_log_level(CLI::App& to, std::function<void(log_level)> take, const std::string& help) {
  add_parsed(to, "--log-level", "LEVEL", help,
             [take = std::move(take)](const auto& option, const auto& text) {
               const auto level = parse_log_level(text);
               if (!level)
                 refuse_option(option,
                               "'" + text + "' is none of trace, debug, info, warn, error, off");
               take(*level);
             });
}

}  // namespace timenode::app
