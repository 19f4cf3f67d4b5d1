#include "app/command_line.hpp"

#include "app/command_line_parts.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace timenode::app {

namespace {

/// "timenode explain peer", as far as it was understood.
std::string chosen_name(const CLI::App& app) {
  auto result = app.get_name();
  for (auto chosen = app.get_subcommands(); !chosen.empty();
       chosen = chosen.front()->get_subcommands())
    result += " " + chosen.front()->get_name();
  return result;
}

/// What was wrong. CLI11 does not say which subcommand it misses.
std::string reason_of(const CLI::ParseError& x, const CLI::App& app) {
  const auto* last = &app;
  for (auto chosen = app.get_subcommands(); !chosen.empty(); chosen = last->get_subcommands())
    last = chosen.front();
  if (last->get_require_subcommand_min() == 0 ||
      x.get_exit_code() != static_cast<int>(CLI::ExitCodes::RequiredError))
    return x.what();
  std::vector<std::string> names;
  for (const auto* y : last->get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(y->get_name());
  return fmt::format("'{}' is followed by one of: {}", chosen_name(app), fmt::join(names, ", "));
}

}  // namespace

command parse_command_line(const std::vector<std::string>& arguments) {
  command chosen = print_command{};
  CLI::App app{"A node of the TIME Coin network.", "timenode"};
  app.set_help_flag("-h,--help", "Print this");
  bool wants_version = false;
  app.add_flag("--version", wants_version, "Print the version, and what it was built from");
  add_run_commands(app, chosen);
  add_query_commands(app, chosen);
  add_peer_commands(app, chosen);
  add_wallet_commands(app, chosen);
  add_file_commands(app, chosen);
  add_config_commands(app, chosen);
  add_key_commands(app, chosen);
  add_testnet_commands(app, chosen);
  add_simulate_commands(app, chosen);
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
    return print_command{"timenode: " + reason_of(x, app) + "\nTry '" + chosen_name(app) +
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
