#include "app/rpc_amounts.hpp"
#include "app/rpc_methods_table.hpp"
#include "chain/bincode.hpp"
#include "chain/hex.hpp"
#include "chain/keys.hpp"
#include "chain/payment.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <future>
#include <memory>
#include <set>
#include <utility>

namespace timenode {

namespace {

/// The node promises an answer within twelve seconds.
constexpr std::chrono::seconds offer_patience{15};

tl::unexpected<rpc_error> no_wallet(const std::string& why) {
  return rpc_fail(rpc_code::wallet_error, "This node cannot spend: " + why);
}

outcome<std::string> wallet_address_of(const rpc_view& view) {
  if (!view.node)
    return fail("it has no key");
  return view.node->wallet_address();
}

/// The argument; without one the reward address of this masternode, or else that of the node's key.
tl::expected<std::string, rpc_error> address_or_own(const rpc_view& view, const json& x) {
  if (x.is_string())
    return x.get<std::string>();
  if (!x.is_null())
    return rpc_fail(rpc_code::invalid_params, "Parameter 'address' must be a string");
  for (const auto& masternode : view.snapshot->masternodes)
    if (masternode.ours)
      return masternode.reward_address;
  auto own = wallet_address_of(view);
  if (!own)
    return rpc_fail(rpc_code::invalid_params,
                    "Name an address: this node is no masternode and has none "
                    "of its own (" +
                        own.error().reason + ")");
  return std::move(*own);
}

rpc_result getbalance(const rpc_view& view, const rpc_args& args) {
  const auto address = address_or_own(view, args[0]);
  if (!address)
    return tl::unexpected{address.error()};
  const auto coins = all_coins(view);
  if (!coins)
    return tl::unexpected{coins.error()};
  amount total = 0;
  for (const auto& [where, coin] : *coins)
    if (std::equal(coin.script_pubkey.begin(), coin.script_pubkey.end(), address->begin(),
                   address->end()))
      total += coin.value;
  return time_amount(total);
}

// -- spending -----------------------------------------------------------------------

tl::expected<node_question, rpc_error> ask_for_own_coins(const rpc_view& view,
                                                         const rpc_args& args) {
  const auto own = wallet_address_of(view);
  if (!own)
    return no_wallet(own.error().reason);
  if (!args[0].is_string())
    return rpc_fail(rpc_code::invalid_params, "Parameter 'address' must be a string");
  if (const auto valid = chain::check_address(args[0].get<std::string>(), view.facts.network);
      !valid)
    return rpc_fail(rpc_code::not_found, "Invalid address: " + valid.error().reason);
  if (const auto units = amount_of(args[1]); !units)
    return rpc_fail(rpc_code::invalid_params, units.error().reason);
  return about_coins{*own};
}

/// What the address holds in blocks and is not being spent; with `received`, what it gets from transactions
/// that wait, too.
tl::expected<std::vector<chain::spendable>, rpc_error> spendable_coins(const rpc_view& view,
                                                                       const std::string& address,
                                                                       const pending_coins& pending,
                                                                       bool with_received) {
  const auto coins = all_coins(view);
  if (!coins)
    return tl::unexpected{coins.error()};
  std::set<outpoint> spent;
  for (const auto& x : pending.spent)
    spent.insert({x.txid, x.vout});
  std::vector<chain::spendable> result;
  for (const auto& [where, coin] : *coins)
    if (std::equal(coin.script_pubkey.begin(), coin.script_pubkey.end(), address.begin(),
                   address.end()) &&
        !spent.contains(where))
      result.push_back({where, coin.value});
  if (with_received)
    for (const auto& x : pending.received)
      result.push_back({{x.txid, x.vout}, x.value});
  return result;
}

/// Offers it to the node and waits for what becomes of it.
outcome<offer_reply> offer_and_wait(rpc_backend& node, transaction x) {
  auto promise = std::make_shared<std::promise<outcome<node_reply>>>();
  auto answer = promise->get_future();
  node.ask(offered_transaction{std::move(x)},
           [promise](outcome<node_reply> y) { promise->set_value(std::move(y)); });
  if (answer.wait_for(offer_patience) != std::future_status::ready)
    return fail("the node did not answer in time; look at getrawmempool before you send again");
  auto reply = answer.get();
  if (!reply)
    return tl::unexpected{reply.error()};
  return std::get<offer_reply>(std::move(*reply));
}

rpc_result sendtoaddress(const rpc_view& view, const rpc_args& args) {
  const auto own = wallet_address_of(view);
  if (!own || !view.node)
    return no_wallet(own ? "it has no key" : own.error().reason);
  const auto& pending = std::get<pending_coins>(**view.reply);
  const chain::payment wanted{args[0].get<std::string>(), *amount_of(args[1]), *own, view.now};
  // What is in a block first: what waits is worth something when its turn has come.
  outcome<transaction> made = fail("");
  for (const auto with_received : {false, true}) {
    auto coins = spendable_coins(view, *own, pending, with_received);
    if (!coins)
      return tl::unexpected{coins.error()};
    made = chain::make_payment(std::move(*coins), wanted);
    if (made)
      break;
  }
  if (!made)
    return rpc_fail(rpc_code::insufficient_funds, "Address " + *own + ": " + made.error().reason);
  if (const auto done = view.node->sign(*made); !done)
    return no_wallet(done.error().reason);
  const auto reply = offer_and_wait(*view.node, std::move(*made));
  if (!reply)
    return rpc_fail(rpc_code::internal_error, reply.error().reason);
  if (!reply->refused.empty())
    return rpc_fail(rpc_code::rejected, "The transaction is refused: " + reply->refused);
  return json(chain::to_hex(reply->txid));
}

rpc_result signrawtransactionwithwallet(const rpc_view& view, const rpc_args& args) {
  auto tx = transaction_argument(args[0]);
  if (!tx)
    return tl::unexpected{tx.error()};
  const auto own = wallet_address_of(view);
  if (!own || !view.node)
    return no_wallet(own ? "it has no key" : own.error().reason);
  if (const auto done = view.node->sign(*tx); !done)
    return no_wallet(done.error().reason);
  bool complete = !tx->inputs.empty();
  for (const auto& input : tx->inputs) {
    const auto coins = view.chain.coins(input.previous_output.txid);
    const auto found = coins.find(input.previous_output.vout);
    complete = complete && found != coins.end() &&
               std::equal(found->second.script_pubkey.begin(), found->second.script_pubkey.end(),
                          own->begin(), own->end());
  }
  byte_string bytes;
  chain::encode(*tx, bytes);
  json result;
  result["hex"] = chain::to_hex(bytes);
  result["complete"] = complete;
  return result;
}

constexpr std::array wallet_entries{
    rpc_method{"getbalance", "|address:string",
               "What is unspent at an address, in TIME and in blocks; without one, at the reward "
               "address of this masternode, or at the address of this node's key.",
               true, getbalance, "number", true},
    rpc_method{
        "sendtoaddress", "address:string amount:number |comment:string comment_to:string",
        "Pays an amount in TIME out of what the address of this node's key holds; what is left "
        "of the spent outputs goes back there. The fee is a thousandth of what it moves, that "
        "included. "
        "An amount may be a string, too. Comments are not kept.",
        false, sendtoaddress, "string: the transaction's id", true, ask_for_own_coins},
    rpc_method{
        "signrawtransactionwithwallet", "hexstring:string",
        "Signs every input of a transaction with this node's key. Complete: all that it spends "
        "is in a block and belongs to that key.",
        false, signrawtransactionwithwallet, "object: hex, complete", true},
};

}  // namespace

std::span<const rpc_method> wallet_methods() noexcept {
  return wallet_entries;
}

}  // namespace timenode
