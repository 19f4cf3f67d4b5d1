#include "app/command_line_parts.hpp"
#include "messages/ip_network.hpp"

#include <charconv>

namespace timenode::app {

namespace {

using action = access_command::action;

void add_access(CLI::App& to, command& chosen, const std::string& name, const std::string& help,
                action what) {
  auto& app = *to.add_subcommand(name, help);
  auto x = std::make_shared<access_command>();
  x->what = what;
  if (what != action::list)
    add_parsed(app, "IP[/BITS]", "", "An address, or a network: 192.0.2.0/24",
               [x](const auto& option, const auto& text) {
                 const auto network = ip_network::parse(text);
                 if (!network)
                   refuse_option(option, network.error().reason);
                 x->network = network->to_string();
               })
        ->required();
  if (what == action::ban)
    add_parsed(app, "--for", "TIME", "How long: 90s, 30m, 12h, 7d or forever; default: 24h",
               [x](const auto& option, const auto& text) {
                 const auto seconds = parse_span(text);
                 if (!seconds)
                   refuse_option(option, "'" + text +
                                             "' is neither a time such as 30m, 12h or 7d "
                                             "nor 'forever'");
                 x->seconds = *seconds;
               });
  if (what == action::ban || what == action::trust)
    app.add_option("--reason", x->reason, "Why, for whoever looks at it later")->type_name("TEXT");
  add_node_address(app, x->node);
  app.add_flag("--json", x->as_json, "Print JSON, for programs");
  app.footer(what == action::list
                 ? "Exit status 1 when the node cannot be reached."
                 : "It takes effect at once and outlives a restart. Exit status 1 when the node "
                   "cannot be\nreached or has nothing to do.");
  app.callback([x, &chosen] { chosen = *x; });
}

void add_call(CLI::App& to, command& chosen) {
  auto& app = *to.add_subcommand("rpc", "Call any RPC method of a running node");
  auto x = std::make_shared<call_command>();
  app.add_option("METHOD", x->method, "Its name; 'help' lists them all")->required()->type_name("");
  app.add_option("PARAMETER", x->params, "JSON, or text as it stands")->type_name("");
  add_node_address(app, x->node);
  app.footer("For example: timenode rpc addnode 192.0.2.7 onetry");
  app.callback([x, &chosen] { chosen = *x; });
}

}  // namespace

void add_peer_commands(CLI::App& to, command& chosen) {
  add_access(to, chosen, "ban", "Keep an address or network out of a running node", action::ban);
  add_access(to, chosen, "unban", "Lift the bans of an address or network", action::unban);
  add_access(to, chosen, "bans", "Show whom a running node keeps out or trusts, and why",
             action::list);
  add_access(to, chosen, "trust", "Never ban an address or network by itself", action::trust);
  add_access(to, chosen, "untrust", "Take trust back", action::untrust);
  add_call(to, chosen);
}

std::optional<std::int64_t> parse_span(std::string_view text) {
  if (text == "forever")
    return 0;
  std::int64_t number = 0;
  const auto end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  const auto unit = std::string_view{parsed.ptr, end};
  std::int64_t seconds = 0;
  if (unit.empty() || unit == "s")
    seconds = 1;
  else if (unit == "m" || unit == "min")
    seconds = 60;
  else if (unit == "h")
    seconds = 3600;
  else if (unit == "d")
    seconds = 86'400;
  // A hundred years are a typing error, or mean "forever".
  constexpr std::int64_t longest = 100ll * 366 * 86'400;
  if (parsed.ec != std::errc{} || seconds == 0 || number < 1 || number > longest / seconds)
    return std::nullopt;
  return number * seconds;
}

}  // namespace timenode::app
