#include "app/command_line_parts.hpp"

#include <vector>

namespace timenode::app {

void add_run_commands(CLI::App& to, command& chosen) {
  auto& app = *to.add_subcommand("run", "Run a node until it is told to stop");
  auto x = std::make_shared<run_command>();
  add_config(app, x->node);
  add_network(app, x->node);
  auto& said = x->node.said;
  add_parsed(app, "--listen", "IP[:PORT]",
             "Where to listen for peers; default: 0.0.0.0:24100 (mainnet 24000)",
             [&said](const auto& option, const auto& text) {
               said.listen = address_or_refuse(option, text);
             });
  add_rpc(app, x->node, "Where to serve RPC, or 'off'; default: 127.0.0.1:24101 (mainnet 24001)");
  add_parsed(
      app, "--metrics", "IP:PORT",
      "Where to serve metrics, or 'off'; default: 127.0.0.1:24102 (mainnet 24002)",
      [&said](const auto& option, const auto& text) { take_service(said.metrics, option, text); });
  add_data_dir(app, x->node);
  app.add_option_function<std::vector<std::string>>(
         "--peer",
         [&said](const std::vector<std::string>& texts) {
           auto& peers = said.bootstrap_peers.emplace();
           for (const auto& text : texts) {
             auto peer = parse_peer(text);
             if (!peer)
               refuse_option("--peer", peer.error().reason);
             peers.push_back(std::move(*peer));
           }
         },
         "A peer to stay connected to, instead of those in the file; may be repeated")
      ->type_name("IP[:PORT]")
      ->expected(1)
      ->take_all();
  app.add_flag_callback(
      "--masternode", [&said] { said.masternode = true; }, "Be a masternode");
  add_log_level(
      app, [&said](log_level level) { said.level = level; },
      "trace, debug, info, warn, error or off; default: info");
  app.footer(
      "The node stops in order on Ctrl+C, SIGTERM or 'timenode stop'; a second Ctrl+C kills it.\n"
      "deploy/timenode.toml is a configuration file with everything explained.");
  app.callback([x, &chosen] { chosen = *x; });
}

}  // namespace timenode::app
