#include "app/command_line_parts.hpp"

namespace timenode::app {

namespace {

using key_deed = key_command::deed;

void add_key_deed(CLI::App& to, command& chosen, const std::string& name, const std::string& help,
                  key_deed what) {
  auto& app = *to.add_subcommand(name, help);
  auto x = std::make_shared<key_command>();
  x->what = what;
  if (what == key_deed::import)
    app.add_option("FROM", x->from, "The daemon's time-wallet.dat, or a key file")
        ->required()
        ->type_name("");
  add_path(app, "--key-file", "FILE",
           "The key file; default: masternode.key_file of the configuration",
           [x](const auto& text) { x->file = text; });
  if (what != key_deed::show) {
    app.add_flag("--encrypt", x->encrypt, "Seal the key with a passphrase");
    add_path(app, "--passphrase-file", "FILE",
             "Its first line is the passphrase; else TIMENODE_KEY_PASSPHRASE, else asked for",
             [x](const auto& text) { x->passphrase_file = text; });
  }
  add_config(app, x->node);
  add_network(app, x->node);
  add_data_dir(app, x->node);
  app.callback([x, &chosen] { chosen = *x; });
}

}  // namespace

void add_key_commands(CLI::App& to, command& chosen) {
  auto& key = *to.add_subcommand("key", "Make, show or import the key of a masternode");
  key.require_subcommand(1);
  add_key_deed(key, chosen, "new", "Make a new key; never overwrites one", key_deed::make);
  add_key_deed(key, chosen, "show", "Show whose key it is: public key and address", key_deed::show);
  add_key_deed(key, chosen, "import", "Take the key of the deployed daemon's wallet file",
               key_deed::import);
}

}  // namespace timenode::app
