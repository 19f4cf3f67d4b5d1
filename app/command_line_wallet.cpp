#include "app/command_line_parts.hpp"
#include "chain/payment.hpp"

namespace timenode::app {

namespace {

void add_send(CLI::App& to, command& chosen) {
  auto& app = *to.add_subcommand("send", "Pay somebody out of what a running node's key holds");
  auto x = std::make_shared<wallet_command>();
  x->send = true;
  app.add_option("ADDRESS", x->address, "Who is paid")->required()->type_name("");
  add_parsed(app, "AMOUNT", "", "In TIME: 12.5", [x](const auto& option, const auto& text) {
    if (const auto amount = chain::from_decimal(text); !amount)
      refuse_option(option, amount.error().reason);
    x->amount = text;
  })->required();
  add_node_address(app, x->node);
  app.add_flag("--json", x->as_json, "Print JSON, for programs");
  app.footer("Prints the transaction's id; 'timenode rpc gettransaction ID' tells what became of "
             "it. The fee comes\n"
             "on top: a thousandth of what the transaction moves, with what it gives back to you. "
             "Exit status 1\n"
             "when the node does not take it.");
  app.callback([x, &chosen] { chosen = *x; });
}

void add_balance(CLI::App& to, command& chosen) {
  auto& app = *to.add_subcommand("balance", "Show what an address holds, or a running node's own");
  auto x = std::make_shared<wallet_command>();
  app.add_option("ADDRESS", x->address,
                 "Default: the masternode's reward address, or that of the node's key")
      ->type_name("");
  add_node_address(app, x->node);
  app.add_flag("--json", x->as_json, "Print JSON, for programs");
  app.footer("What is in blocks counts. Exit status 1 when the node cannot be reached.");
  app.callback([x, &chosen] { chosen = *x; });
}

}  // namespace

void add_wallet_commands(CLI::App& to, command& chosen) {
  add_send(to, chosen);
  add_balance(to, chosen);
}

}  // namespace timenode::app
