#include "app/command_line_parts.hpp"

#include <charconv>

namespace timenode::app {

void add_simulate_commands(CLI::App& to, command& chosen) {
  auto& app = *to.add_subcommand("simulate", "Run a whole network in memory and virtual time");
  auto x = std::make_shared<simulate_command>();
  app.add_option("--nodes", x->nodes, "How many hosts; default: 20")
      ->check(CLI::Range(2u, max_simulated_nodes))
      ->type_name("N");
  app.add_option("--hours", x->hours,
                 "Virtual time, of which the last five minutes heal; default: 1")
      ->check(CLI::Range(0.1, max_simulated_hours))
      ->type_name("H");
  app.add_option("--seed", x->seed, "The same seed gives the same run; default: 1")->type_name("S");
  add_parsed(app, "--faults", "LIST", "all, none, or names with commas between; default: all",
             [x](const auto&, const auto& text) { x->faults = text; });
  add_parsed(
      app, "--calm", "M",
      "Minutes of each hour without faults, 10 to 55, or 0. The network heals, all must agree "
      "within a\n"
      "minute, and after five no connection may end. Default: 45 in runs of more than an hour; in\n"
      "others 0, faults all the time",
      [x](const auto& option, const auto& text) {
        std::uint32_t minutes = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), minutes);
        if (error != std::errc{} || end != text.data() + text.size() ||
            (minutes != 0 && (minutes < least_calm_minutes || minutes > most_calm_minutes)))
          refuse_option(option, "must be 0, or from 10 to 55");
        x->calm = minutes;
      });
  app.add_option("--reference-share", x->reference_share,
                 "Share of the hosts that behave as the deployed daemon does; default: 0")
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("P");
  app.add_option_function<std::uint32_t>(
         "--masternodes", [x](std::uint32_t n) { x->masternodes = n; },
         "How many of our nodes are masternodes; default: as many as the size allows")
      ->type_name("M");
  auto* voting =
      app.add_option(
             "--block-time", x->block_time,
             "The masternodes make the blocks by their votes, one every S seconds, from the\n"
             "genesis block on; default: a block comes from nowhere every 600 s")
          ->check(CLI::Range(1, 86'400))
          ->type_name("S");
  app.add_option(
         "--payment-every", x->payment_every,
         "With --block-time: the masternodes' owners pay each other, once every S seconds, and\n"
         "with the fault 'liar' some spend the same twice; default: nobody pays")
      ->check(CLI::Range(1, 86'400))
      ->needs(voting)
      ->type_name("S");
  app.add_flag("--json", x->as_json, "Print the report as JSON, for programs");
  add_path(app, "--trace", "FILE", "Write down what happens, a line each",
           [x](const std::string& text) { x->trace = text; });
  app.add_flag("--debug", x->debug, "The trace has the nodes' debug lines, too");
  app.footer(
      "Every actor of every node runs, on a network in memory; faults strike, in runs of more "
      "than an\n"
      "hour in storms, and the last five minutes heal. What must always hold is checked at every "
      "message; exit "
      "status 1 means\n"
      "that something did not. At Ctrl+C the faults end and healing begins: a shorter run, "
      "judged as any\n"
      "other; a second Ctrl+C ends it at once. Faults:\n"
      "  latency resets loss one-way partition half-open nat crash disk-loss site clock\n"
      "  slow-reader slow-disk pause silent liar flood clog");
  app.callback([x, &chosen] { chosen = *x; });
}

}  // namespace timenode::app
