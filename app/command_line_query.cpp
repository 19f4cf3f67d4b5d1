#include "app/actor_inspect.hpp"
#include "app/command_line_parts.hpp"

#include <fmt/ranges.h>

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
  if (what == question::inspect)
    app.add_option("NAME", x->subject,
                   "Of the actor, as 'timenode actors' shows it (below); or a peer's IP")
        ->required()
        ->type_name("");
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

void add_top(CLI::App& to, command& chosen) {
  auto& app = *to.add_subcommand("top", "Watch a running node, refreshed");
  auto x = std::make_shared<top_command>();
  add_node_address(app, x->node);
  add_parsed(
      app, "--interval", "SECONDS", "Between two looks; default: 1",
      [x](const auto& option, const auto& text) {
        double seconds = 0;
        if (!CLI::detail::lexical_cast(text, seconds) || !(seconds >= 0.1 && seconds <= 3600))
          refuse_option(option, "'" + text + "' is not a number of seconds from 0.1 to 3600");
        x->interval = std::chrono::milliseconds{static_cast<std::int64_t>(seconds * 1000)};
      });
  app.footer("Ctrl+C or q ends it. When the output is no terminal, it is printed once, plainly.");
  app.callback([x, &chosen] { chosen = *x; });
}

}  // namespace

void add_query_commands(CLI::App& to, command& chosen) {
  add_query(to, chosen, "status", "Show how a running node is doing", question::status);
  add_query(to, chosen, "peers", "Show the connections of a running node", question::peers);
  add_query(to, chosen, "masternodes", "Show the masternodes that a running node knows",
            question::masternodes);
  add_query(to, chosen, "health", "Tell whether a running node does its work", question::health)
      .footer("Exit status 0: ready; 1: not ready, and the problems are printed; 3: it could not "
              "be asked.");
  auto& explain =
      *to.add_subcommand("explain", "Show what a running node does about somebody, and why");
  explain.require_subcommand(1);
  add_query(explain, chosen, "peer", "About an IP address", question::explain_peer);
  add_query(explain, chosen, "masternode", "About a masternode", question::explain_masternode);
  add_query(explain, chosen, "tip", "Why our chain is the one it is, and which others are known",
            question::explain_tip);
  add_query(to, chosen, "reload", "Have a running node read its configuration again",
            question::reload)
      .footer("Log level, peers and their limit, bans and trust change at once; what needs a "
              "restart is said.\n"
              "SIGHUP does the same. Exit status 1 when the configuration is wrong.");
  add_query(to, chosen, "backup", "Copy chain, keys and tables of a running node", question::backup)
      .footer(
          "The node writes the copy, with its own rights; it goes on meanwhile. The copy holds\n"
          "the masternode's secret key: keep it as safe. 'timenode restore DIR' takes it.");
  add_query(to, chosen, "actors", "Show every actor of a running node and what it does",
            question::actors);
  add_query(to, chosen, "inspect", "Show what an actor says of itself, as JSON", question::inspect)
      .footer(fmt::format("Names: {}.\nExit status 1 when the node cannot be reached.",
                          fmt::join(inspectable_actors(), ", ")));
  add_query(to, chosen, "dump", "Have a running node write its flight record to a file",
            question::dump)
      .footer("The last ten minutes of what its actors did. 'timenode replay FILE' prints it.");
  add_top(to, chosen);
  add_query(to, chosen, "stop", "Stop a running node in order", question::stop);
}

}  // namespace timenode::app
