#include "app/command_line.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <functional>
#include <utility>

namespace timenode::app {

namespace {

/// Refuses the value of an option: the message ends the sentence that CLI11 begins.
[[noreturn]] void refuse(const std::string& option, const std::string& why) {
  throw CLI::ValidationError(option, why);
}

/// An option whose value `parse` turns into a T, or refuses.
template <class Parse>
CLI::Option* add(CLI::App& to, const std::string& name, const std::string& value,
                 const std::string& help, Parse parse) {
  const auto take = [name, parse](const std::string& text) { parse(name, text); };
  return to.add_option_function<std::string>(name, take, help)->type_name(value);
}

endpoint address_or_refuse(const std::string& option, const std::string& text) {
  const auto at = parse_address(text);
  if (!at)
    refuse(option, at.error().reason);
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

// -- groups of options ----------------------------------------------------------------

void add_config(CLI::App& to, node_options& x) {
  add(to, "--config", "FILE", "Configuration file (TOML); options here go over it",
      [&x](const auto&, const auto& text) { x.config_file = text; });
}

void add_network(CLI::App& to, node_options& x) {
  add(to, "--network", "testnet|mainnet", "Which network; default: testnet",
      [&x](const auto& option, const auto& text) {
        if (!(x.said.network = parse_network(text)))
          refuse(option, "'" + text + "' is neither testnet nor mainnet");
      });
}

void add_data_dir(CLI::App& to, node_options& x) {
  add(to, "--data-dir", "DIR",
      "Where the node keeps its chain, keys and logs; default: ~/.timenode, ~/.timenode/testnet",
      [&x](const auto& option, const auto& text) {
        if (text.empty())
          refuse(option, "the directory's name is empty");
        x.said.data_dir = text;
      });
}

void add_rpc(CLI::App& to, node_options& x, const std::string& help) {
  add(to, "--rpc", "IP:PORT", help, [&x](const auto& option, const auto& text) {
    take_service(x.said.rpc, option, text);
    if (x.said.rpc.ip && !x.said.rpc.ip->is_loopback())
      refuse(option, "'" + text +
                         "' is not an address of this machine only (127.0.0.1, ::1), "
                         "and RPC has no passwords");
  });
}

void add_log_level(CLI::App& to, std::function<void(log_level)> take, const std::string& help) {
  add(to, "--log-level", "LEVEL", help,
      [take = std::move(take)](const auto& option, const auto& text) {
        const auto level = parse_log_level(text);
        if (!level)
          refuse(option, "'" + text + "' is none of trace, debug, info, warn, error, off");
        take(*level);
      });
}

// -- commands ---------------------------------------------------------------------------

void add_run(CLI::App& to, command& chosen) {
  auto& app = *to.add_subcommand("run", "Run a node until it is told to stop");
  auto x = std::make_shared<run_command>();
  add_config(app, x->node);
  add_network(app, x->node);
  auto& said = x->node.said;
  add(app, "--listen", "IP[:PORT]",
      "Where to listen for peers; default: 0.0.0.0:24100 (mainnet 24000)",
      [&said](const auto& option, const auto& text) {
        said.listen = address_or_refuse(option, text);
      });
  add_rpc(app, x->node, "Where to serve RPC, or 'off'; default: 127.0.0.1:24101 (mainnet 24001)");
  add(app, "--metrics", "IP:PORT",
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
               refuse("--peer", peer.error().reason);
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

void add_transfer(CLI::App& to, command& chosen, bool to_file) {
  auto& app = to_file ? *to.add_subcommand("export", "Write the chain to a file")
                      : *to.add_subcommand("import", "Read blocks from a file into the chain");
  auto x = std::make_shared<transfer_command>();
  x->to_file = to_file;
  app.add_option("FILE", x->file,
                 to_file ? "Where to; a name that ends in .xz is compressed, - is standard output"
                         : "One block a line as JSON, plain or xz; - is standard input")
      ->required()
      ->type_name("");
  add_config(app, x->node);
  add_network(app, x->node);
  add_data_dir(app, x->node);
  app.footer(
      to_file ? "The node that owns the chain must not run meanwhile."
              : "The node that owns the chain must not run meanwhile. A bad block ends the import\n"
                "with its line, height and reason; what came before it stays.");
  app.callback([x, &chosen] { chosen = *x; });
}

void add_testnet(CLI::App& to, command& chosen) {
  auto& app = *to.add_subcommand("testnet", "Run a network of nodes on this machine");
  auto x = std::make_shared<testnet_command>();
  app.add_option("--nodes", x->nodes, "How many; default: 4")
      ->check(CLI::Range(std::size_t{1}, max_testnet_nodes))
      ->type_name("N");
  add(app, "--chain", "FILE", "What the first node begins with; the others get it from their peers",
      [x](const auto&, const auto& text) { x->chain = text; });
  add(app, "--for", "SECONDS", "End after so long; default: on Ctrl+C",
      [x](const auto& option, const auto& text) {
        std::int64_t seconds = 0;
        if (!CLI::detail::lexical_cast(text, seconds) || seconds < 1 || seconds > 30 * 86'400)
          refuse(option, "'" + text + "' is not a number of seconds from 1 to 2592000");
        x->time = std::chrono::seconds{seconds};
      });
  app.add_option("--base-port", x->base_port,
                 "P2P port of each node; RPC is one above, metrics two above; default: 24100")
      ->check(CLI::Range(1024, 65'533))
      ->type_name("PORT");
  add(app, "--dir", "DIR", "Keep the nodes' directories here; default: a temporary directory",
      [x](const auto& option, const auto& text) {
        if (text.empty())
          refuse(option, "the directory's name is empty");
        x->dir = text;
      });
  add_log_level(
      app, [x](log_level level) { x->level = level; }, "Of the nodes; default: info");
  app.footer(
      "Node i is a process of its own on 127.0.0.i. The first one has the chain; the others know\n"
      "only the first and find each other. Exit status 0 means that in the end all nodes had\n"
      "the same chain and each pair exactly one connection, pinged from both ends.");
  app.callback([x, &chosen] { chosen = *x; });
}

CLI::App& add_query(CLI::App& to, command& chosen, const std::string& name, const std::string& help,
                    query_command::question what) {
  auto& app = *to.add_subcommand(name, help);
  auto x = std::make_shared<query_command>();
  x->what = what;
  if (what == query_command::question::explain_peer ||
      what == query_command::question::explain_masternode)
    app.add_option("IP", x->subject, "Its address")->required()->type_name("");
  add_rpc(app, x->node, "RPC address of the node; default: 127.0.0.1:24101 (mainnet 24001)");
  add_network(app, x->node);
  add_config(app, x->node);
  if (what != query_command::question::stop)
    app.add_flag("--json", x->as_json, "Print JSON, for programs");
  app.footer("Exit status 1 when the node cannot be reached.");
  app.callback([x, &chosen] { chosen = *x; });
  return app;
}

void add_queries(CLI::App& to, command& chosen) {
  using question = query_command::question;
  add_query(to, chosen, "status", "Show how a running node is doing", question::status);
  add_query(to, chosen, "peers", "Show the connections of a running node", question::peers);
  auto& explain =
      *to.add_subcommand("explain", "Show what a running node does about somebody, and why");
  explain.require_subcommand(1);
  add_query(explain, chosen, "peer", "About an IP address", question::explain_peer);
  add_query(explain, chosen, "masternode", "About a masternode", question::explain_masternode);
  add_query(to, chosen, "stop", "Stop a running node in order", question::stop);
}

void add_key(CLI::App& to, command& chosen, const std::string& name, const std::string& help,
             key_command::deed what) {
  auto& app = *to.add_subcommand(name, help);
  auto x = std::make_shared<key_command>();
  x->what = what;
  if (what == key_command::deed::import)
    app.add_option("FROM", x->from, "The daemon's time-wallet.dat, or a key file")
        ->required()
        ->type_name("");
  add(app, "--key-file", "FILE", "The key file; default: masternode.key_file of the configuration",
      [x](const auto& option, const auto& text) {
        if (text.empty())
          refuse(option, "the file's name is empty");
        x->file = text;
      });
  if (what != key_command::deed::show) {
    app.add_flag("--encrypt", x->encrypt, "Seal the key with a passphrase");
    add(app, "--passphrase-file", "FILE",
        "Its first line is the passphrase; else TIMENODE_KEY_PASSPHRASE, else asked for",
        [x](const auto&, const auto& text) { x->passphrase_file = text; });
  }
  add_config(app, x->node);
  add_network(app, x->node);
  add_data_dir(app, x->node);
  app.callback([x, &chosen] { chosen = *x; });
}

void add_keys(CLI::App& to, command& chosen) {
  using deed = key_command::deed;
  auto& key = *to.add_subcommand("key", "Make, show or import the key of a masternode");
  key.require_subcommand(1);
  add_key(key, chosen, "new", "Make a new key; never overwrites one", deed::make);
  add_key(key, chosen, "show", "Show whose key it is: public key and address", deed::show);
  add_key(key, chosen, "import", "Take the key of the deployed daemon's wallet file", deed::import);
}

/// "timenode explain peer", as far as it was understood.
std::string chosen_name(const CLI::App& app) {
  auto result = app.get_name();
  for (auto chosen = app.get_subcommands(); !chosen.empty();
       chosen = chosen.front()->get_subcommands())
    result += " " + chosen.front()->get_name();
  return result;
}

}  // namespace

command parse_command_line(const std::vector<std::string>& arguments) {
  command chosen = print_command{};
  CLI::App app{"A node of the TIME Coin network.", "timenode"};
  app.set_help_flag("-h,--help", "Print this");
  bool wants_version = false;
  app.add_flag("--version", wants_version, "Print the version, and what it was built from");
  add_run(app, chosen);
  add_queries(app, chosen);
  add_transfer(app, chosen, false);
  add_transfer(app, chosen, true);
  add_testnet(app, chosen);
  add_keys(app, chosen);
  // After the commands, or they would have it too.
  app.footer("'timenode COMMAND --help' tells more about a command. To begin with:\n"
             "  timenode testnet          a network of four nodes on this machine\n"
             "  timenode run              a node on the test network\n"
             "  timenode status           how it is doing");

  auto reversed = arguments;  // as CLI11 wants them
  std::reverse(reversed.begin(), reversed.end());
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    return print_command{app.help(), 0};
  } catch (const CLI::ParseError& x) {
    return print_command{"timenode: " + std::string{x.what()} + "\nTry '" + chosen_name(app) +
                             " --help'.\n",
                         usage_status};
  }
  if (wants_version)
    return print_command{version_text(), 0};
  if (app.get_subcommands().empty())
    return print_command{app.help(), usage_status};
  return chosen;
}

}  // namespace timenode::app
