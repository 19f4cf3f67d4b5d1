#include "app/command_line_parts.hpp"

namespace timenode::app {

namespace {

using config_deed = config_command::deed;

void add_config_deed(CLI::App& to, command& chosen, const std::string& name,
                     const std::string& help, config_deed what) {
  auto& app = *to.add_subcommand(name, help);
  auto x = std::make_shared<config_command>();
  x->what = what;
  if (what != config_deed::example) {
    app.add_option_function<std::string>(
           "FILE", [x](const std::string& text) { x->node.config_file = text; },
           "Configuration file (TOML)")
        ->type_name("");
    add_config(app, x->node);
    add_network(app, x->node);
    add_data_dir(app, x->node);
  }
  app.callback([x, &chosen] { chosen = *x; });
}

}  // namespace

void add_config_commands(CLI::App& to, command& chosen) {
  auto& config = *to.add_subcommand("config", "Check, show or begin a configuration");
  config.require_subcommand(1);
  add_config_deed(config, chosen, "check", "Tell whether a configuration is right",
                  config_deed::check);
  add_config_deed(config, chosen, "show", "Print every value, and where it comes from",
                  config_deed::show);
  add_config_deed(config, chosen, "example", "Print a commented file with all defaults",
                  config_deed::example);
  auto& rpcauth = *to.add_subcommand("rpcauth", "Make a password for RPC from other machines");
  auto x = std::make_shared<rpcauth_command>();
  rpcauth.add_option("NAME", x->name, "Of the user")->required()->type_name("");
  rpcauth.footer("Prints the line for rpc.rpcauth, which holds only a hash, and the password.");
  rpcauth.callback([x, &chosen] {
    if (x->name.empty() || x->name.find_first_of(":\"\\") != std::string::npos)
      refuse_option("NAME", "must not be empty, nor hold a colon, quote or backslash");
    chosen = *x;
  });
}

}  // namespace timenode::app
