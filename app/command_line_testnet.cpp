#include "app/command_line_parts.hpp"

#include <algorithm>

namespace timenode::app {

void add_testnet_commands(CLI::App& to, command& chosen) {
  auto& app = *to.add_subcommand("testnet", "Run a network of nodes on this machine");
  auto x = std::make_shared<testnet_command>();
  const auto* nodes = app.add_option("--nodes", x->nodes, "How many; default: 4")
                          ->check(CLI::Range(std::size_t{1}, max_testnet_nodes))
                          ->type_name("N");
  app.add_option("--masternodes", x->masternodes, "How many of them are masternodes; default: all")
      ->check(CLI::Range(std::size_t{0}, max_testnet_nodes))
      ->type_name("N");
  app.add_option("--block-time", x->block_time,
                 "Make a block every so many seconds, on a chain of their own; default: none")
      ->check(CLI::Range(1, 600))
      ->type_name("SECONDS");
  add_parsed(app, "--chain", "FILE",
             "What the first node begins with; the others get it from their peers",
             [x](const auto&, const auto& text) { x->chain = text; });
  add_parsed(
      app, "--for", "SECONDS", "End after so long; default: on Ctrl+C",
      [x](const auto& option, const auto& text) {
        std::int64_t seconds = 0;
        if (!CLI::detail::lexical_cast(text, seconds) || seconds < 1 || seconds > 30 * 86'400)
          refuse_option(option, "'" + text + "' is not a number of seconds from 1 to 2592000");
        x->time = std::chrono::seconds{seconds};
      });
  app.add_option("--base-port", x->base_port,
                 "P2P port of each node; RPC is one above, metrics two above; default: 24100")
      ->check(CLI::Range(1024, 65'533))
      ->type_name("PORT");
  add_path(app, "--dir", "DIR", "Keep the nodes' directories here; default: a temporary directory",
           [x](const std::string& text) { x->dir = text; });
  add_log_level(
      app, [x](log_level level) { x->level = level; }, "Of the nodes; default: info");
  app.footer(
      "Node i is a process of its own on 127.0.0.i. The first one has the chain; the others know\n"
      "only the first and find each other. Exit status 0 means that in the end all nodes had\n"
      "the same chain and each pair exactly one connection, pinged from both ends.");
  app.callback([x, nodes, &chosen] {
    const auto masternodes = x->masternodes.value_or(x->nodes);
    if (nodes->count() == 0)
      x->nodes = std::max(x->nodes, masternodes);
    if (masternodes > x->nodes)
      refuse_option("--masternodes", "there are only " + std::to_string(x->nodes) + " nodes");
    if (x->block_time && masternodes < 3)
      refuse_option("--block-time", "fewer than 3 masternodes make no blocks");
    if (x->block_time && x->chain)
      refuse_option("--block-time", "the blocks of --chain are 600 s apart");
    chosen = *x;
  });
}

}  // namespace timenode::app
