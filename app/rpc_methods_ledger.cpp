#include "app/rpc_amounts.hpp"
#include "app/rpc_methods_table.hpp"
#include "chain/bincode.hpp"
#include "chain/hashes.hpp"
#include "chain/hex.hpp"
#include "chain/keys.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace timenode {

namespace {

/// Outputs that a call walks at most: some 200 MB of answer. A larger set is for a database.
constexpr std::size_t max_walked = 1'000'000;
std::string address_in(const byte_string& script) {
  return {script.begin(), script.end()};
}

tl::expected<std::string, rpc_error> text_argument(const json& x, const char* name) {
  if (!x.is_string())
    return rpc_fail(rpc_code::invalid_params,
                    "Parameter '" + std::string{name} + "' must be a string");
  return x.get<std::string>();
}

// -- methods ------------------------------------------------------------------------

rpc_result gettxoutsetinfo(const rpc_view& view, const rpc_args&) {
  const auto coins = all_coins(view);
  if (!coins)
    return tl::unexpected{coins.error()};
  std::set<hash256> transactions;
  amount total = 0;
  for (const auto& [where, coin] : *coins) {
    transactions.insert(where.txid);
    total += coin.value;
  }
  const auto digest = view.chain.utxo_state();
  json result;
  result["height"] = digest.height;
  result["bestblock"] = chain::to_hex(view.chain.tip().hash);
  result["transactions"] = transactions.size();
  result["txouts"] = coins->size();
  result["total_amount"] = time_amount(total);
  result["hash_serialized"] = chain::to_hex(digest.hash);
  result["disk_size"] = view.node ? view.node->disk_bytes() : 0;
  return result;
}

/// The addresses in an argument; null: all.
tl::expected<std::optional<std::set<std::string>>, rpc_error> addresses_argument(const json& x) {
  if (x.is_null())
    return std::nullopt;
  std::set<std::string> result;
  const auto wrong =
      rpc_fail(rpc_code::invalid_params, "Parameter 'addresses' must be an array of addresses");
  if (!x.is_array())
    return wrong;
  for (const auto& address : x) {
    if (!address.is_string())
      return wrong;
    result.insert(address.get<std::string>());
  }
  return result;
}

rpc_result listunspent(const rpc_view& view, const rpc_args& args) {
  const auto wanted = addresses_argument(args[2]);
  if (!wanted)
    return tl::unexpected{wanted.error()};
  const auto coins = all_coins(view);
  if (!coins)
    return tl::unexpected{coins.error()};
  auto result = json::array();
  for (const auto& [where, coin] : *coins) {
    const auto address = address_in(coin.script_pubkey);
    if (*wanted && !(*wanted)->contains(address))
      continue;
    result.push_back({{"txid", chain::to_hex(where.txid)},
                      {"vout", where.vout},
                      {"address", address},
                      {"amount", time_amount(coin.value)}});
  }
  return result;
}

rpc_result validateaddress(const rpc_view& view, const rpc_args& args) {
  const auto address = text_argument(args[0], "address");
  if (!address)
    return tl::unexpected{address.error()};
  const auto valid = chain::check_address(*address, view.facts.network);
  json result;
  result["isvalid"] = valid.has_value();
  result["address"] = *address;
  if (valid) {
    result["scriptPubKey"] = chain::to_hex(byte_string{address->begin(), address->end()});
    result["isscript"] = result["iswitness"] = false;
  } else {
    result["error"] = valid.error().reason;
  }
  return result;
}

rpc_result getconsensusinfo(const rpc_view& view, const rpc_args&) {
  const auto& x = view.snapshot->consensus;
  json result;
  result["type"] = "BFT";
  result["masternodes"] = x.size;
  result["quorum"] = x.quorum;
  result["height"] = x.height;
  result["round"] = x.round;
  result["state"] = x.state;
  if (!x.why.empty())
    result["why"] = x.why;
  result["leader"] = x.leader;
  result["due"] = x.due_at;
  result["members"] = x.members;
  result["takes_part"] = x.takes_part;
  if (!x.signs_nothing.empty())
    result["signs_nothing"] = x.signs_nothing;
  result["prepared"] = x.prepared;
  result["locked"] = x.locked;
  result["votes"] = x.votes;
  result["final_height"] = x.final_height;
  result["clock_offset"] = x.clock_offset;
  result["blocks_proposed"] = x.proposed;
  result["blocks_committed"] = x.committed;
  result["failed_rounds"] = x.failed_rounds;
  result["contradictions"] = x.liars;
  return result;
}

constexpr std::array ledger_entries{
    rpc_method{
        "getconsensusinfo", "",
        "Who decides on the next block, and how far they are. 'masternodes' counts all who "
        "decide, 'members' names those that are known.",
        true, getconsensusinfo,
        "object: type, masternodes, quorum, height, round, state, leader, due, members, ..."},
    rpc_method{"gettxoutsetinfo", "", "The unspent outputs: how many, their sum, their hash.",
               false, gettxoutsetinfo,
               "object: height, bestblock, transactions, txouts, total_amount, hash_serialized, "
               "disk_size",
               true},
    rpc_method{"listunspent", "|minconf:integer maxconf:integer addresses:array",
               "The unspent outputs of the addresses, or of all. Confirmations are not looked at: "
               "every output here is in a block.",
               false, listunspent, "array: txid, vout, address, amount", true},
    rpc_method{"validateaddress", "address:string",
               "Whether that is an address of this network, and if not, why.", false,
               validateaddress, "object: isvalid, address, scriptPubKey"},
};

}  // namespace

std::span<const rpc_method> ledger_methods() noexcept {
  return ledger_entries;
}

tl::expected<std::vector<std::pair<outpoint, chain::coin>>, rpc_error>
all_coins(const rpc_view& view) {
  auto coins = view.chain.unspent(max_walked);
  if (!coins)
    return rpc_fail(rpc_code::internal_error,
                    "The unspent outputs cannot be listed: the store does not, or there are more "
                    "than a million");
  return std::move(*coins);
}

}  // namespace timenode
