// `timenode send` and `timenode balance`.

#include "app/commands.hpp"
#include "app/rpc_amounts.hpp"
#include "app/rpc_client.hpp"
#include "chain/payment.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace timenode::app {

namespace {

/// The node looks through all unspent outputs, and then gives its mempool twelve seconds.
constexpr std::chrono::milliseconds wallet_deadline{30'000};

rpc_outcome<void> send_money(const wallet_command& x, const rpc_target& node) {
  const auto txid =
      ask_node(node, "sendtoaddress", json::array({x.address, x.amount}), wallet_deadline);
  if (!txid)
    return tl::unexpected{txid.error()};
  std::puts(x.as_json ? json{{"txid", *txid}}.dump(2).c_str() : txid->get<std::string>().c_str());
  return {};
}

rpc_outcome<void> show_balance(const wallet_command& x, const rpc_target& node) {
  auto params = json::array();
  if (!x.address.empty())
    params.push_back(x.address);
  const auto answer = ask_node(node, "getbalance", params, wallet_deadline);
  if (!answer)
    return tl::unexpected{answer.error()};
  const auto units = amount_of(*answer);
  if (x.as_json || !units)
    std::puts(answer->dump().c_str());
  else
    std::printf("%s TIME\n", chain::to_decimal(*units).c_str());
  return {};
}

}  // namespace

int run_wallet(const wallet_command& x) {
  const auto node = target_of(x.node);
  if (!node) {
    std::fprintf(stderr, "timenode: %s\n", node.error().reason.c_str());
    return EXIT_FAILURE;
  }
  const auto done = x.send ? send_money(x, *node) : show_balance(x, *node);
  if (done)
    return EXIT_SUCCESS;
  std::fprintf(stderr, "timenode: %s\n", explain(done.error(), node->at).c_str());
  return EXIT_FAILURE;
}

}  // namespace timenode::app
