#include "app/command_line_parts.hpp"

namespace timenode::app {

namespace {

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

void add_restore(CLI::App& to, command& chosen) {
  auto& app = *to.add_subcommand("restore", "Put a backup into a node's data directory");
  auto x = std::make_shared<restore_command>();
  app.add_option("DIR", x->from, "What 'timenode backup' made")->required()->type_name("");
  app.add_flag("--replace", x->replace, "Move aside the chain and keys that are there");
  add_config(app, x->node);
  add_network(app, x->node);
  add_data_dir(app, x->node);
  app.footer("The node must not run meanwhile.");
  app.callback([x, &chosen] { chosen = *x; });
}

void add_check(CLI::App& to, command& chosen) {
  auto& app = *to.add_subcommand("check", "Check every block and the unspent outputs of the chain");
  auto x = std::make_shared<check_command>();
  app.add_flag("--repair", x->repair,
               "Keep the blocks below the first damage; the node downloads the rest");
  add_config(app, x->node);
  add_network(app, x->node);
  add_data_dir(app, x->node);
  app.footer(
      "The node must not run meanwhile. Every hash, link, merkle root, reward and undo record\n"
      "is recomputed, and in the end the hash of the unspent outputs. Exit status 1 when\n"
      "something is wrong. The damaged chain is kept beside the repaired one.");
  app.callback([x, &chosen] { chosen = *x; });
}

void add_migrate(CLI::App& to, command& chosen) {
  auto& app = *to.add_subcommand("migrate", "Bring the chain of an older timenode up to date");
  auto x = std::make_shared<migrate_command>();
  add_config(app, x->node);
  add_network(app, x->node);
  add_data_dir(app, x->node);
  app.footer(
      "The node must not run meanwhile. It may be killed and started again. Make a backup before:\n"
      "an older timenode refuses the chain afterwards.");
  app.callback([x, &chosen] { chosen = *x; });
}

}  // namespace

void add_file_commands(CLI::App& to, command& chosen) {
  add_transfer(to, chosen, false);
  add_transfer(to, chosen, true);
  add_restore(to, chosen);
  auto& replay = *to.add_subcommand("replay", "Print a flight record as a timeline");
  auto x = std::make_shared<replay_command>();
  replay.add_option("FILE", x->file, "What 'timenode dump' or a crash wrote")
      ->required()
      ->type_name("");
  replay.callback([x, &chosen] { chosen = *x; });
  add_check(to, chosen);
  add_migrate(to, chosen);
}

}  // namespace timenode::app
