#include "app/command_line_parts.hpp"

namespace timenode::app {

namespace {

using question = query_command::question;

/// A command that asks a running node, with the options that all of them have.
CLI::App& add_query(CLI::App& to, command& chosen, const std::string& name, const std::string& help,
                    question what) {
  auto& app = *to.add_subcommand(name, help);
  auto x = std::make_shared<query_command>();
  x->what = what;
  if (what == question::explain_peer || what == question::explain_masternode)
    app.add_option("IP", x->subject, "Its address")->required()->type_name("");
  if (what == question::backup)
    app.add_option("DIR", x->subject, "A directory that does not exist yet")
        ->required()
        ->type_name("");
  add_node_address(app, x->node);
  if (what != question::stop)
    app.add_flag("--json", x->as_json, "Print JSON, for programs");
  app.footer("Exit status 1 when the node cannot be reached.");
  app.callback([x, &chosen] { chosen = *x; });
  return app;
}

}  // namespace

void add_query_commands(CLI::App& to, command& chosen) {
  add_query(to, chosen, "status", "Show how a running node is doing", question::status);
  add_query(to, chosen, "peers", "Show the connections of a running node", question::peers);
  add_query(to, chosen, "masternodes", "Show the masternodes that a running node knows",
            question::masternodes);
  add_query(to, chosen, "health", "Tell whether a running node does its work", question::health)
      .footer("Exit status 0: ready; 1: not ready, and the problems are printed; 3: no answer.");
  auto& explain =
      *to.add_subcommand("explain", "Show what a running node does about somebody, and why");
  explain.require_subcommand(1);
  add_query(explain, chosen, "peer", "About an IP address", question::explain_peer);
  add_query(explain, chosen, "masternode", "About a masternode", question::explain_masternode);
  add_query(to, chosen, "reload", "Have a running node read its configuration again",
            question::reload)
      .footer("The log level and new peers take effect at once; what needs a restart is said.\n"
              "SIGHUP does the same. Exit status 1 when the configuration is wrong.");
  add_query(to, chosen, "backup", "Copy chain, keys and tables of a running node", question::backup)
      .footer(
          "The node writes the copy, with its own rights; it goes on meanwhile. The copy holds\n"
          "the masternode's secret key: keep it as safe. 'timenode restore DIR' takes it.");
  add_query(to, chosen, "stop", "Stop a running node in order", question::stop);
}

}  // namespace timenode::app
