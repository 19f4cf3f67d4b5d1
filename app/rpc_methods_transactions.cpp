#include "app/rpc_amounts.hpp"
#include "app/rpc_methods_table.hpp"
#include "chain/bincode.hpp"
#include "chain/hashes.hpp"
#include "chain/hex.hpp"
#include "chain/keys.hpp"
#include "chain/payment.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace timenode {

namespace {

/// Blocks that are looked through for a transaction: a second or two of reading. There is no index; whoever
/// knows the block names it.
constexpr std::uint64_t max_searched = 20'000;

// -- arguments ----------------------------------------------------------------------

tl::expected<hash256, rpc_error> txid_argument(const json& x) {
  if (x.is_string())
    if (const auto txid = chain::from_hex<hash256>(x.get<std::string>()))
      return *txid;
  return rpc_fail(rpc_code::invalid_params, "A transaction id has 64 hexadecimal digits");
}

tl::expected<node_question, rpc_error> ask_about_txid(const rpc_view&, const rpc_args& args) {
  const auto txid = txid_argument(args[0]);
  if (!txid)
    return tl::unexpected{txid.error()};
  return about_transaction{*txid};
}

tl::expected<node_question, rpc_error> ask_for_pool(const rpc_view&, const rpc_args&) {
  return about_mempool{};
}

tl::expected<node_question, rpc_error> offer_to_pool(const rpc_view&, const rpc_args& args) {
  auto tx = transaction_argument(args[0]);
  if (!tx)
    return tl::unexpected{tx.error()};
  return offered_transaction{std::move(*tx)};
}

// -- where a transaction is ---------------------------------------------------------

/// A transaction of the chain, and its block.
struct placed_transaction {
  transaction tx;
  block_ptr block;
};

std::optional<placed_transaction> find_in(const block_ptr& block, const hash256& txid) {
  if (block)
    for (const auto& x : block->transactions)
      if (chain::txid(x) == txid)
        return placed_transaction{x, block};
  return std::nullopt;
}

tl::expected<placed_transaction, rpc_error> find_on_chain(const rpc_view& view, const hash256& txid,
                                                          const json& blockhash) {
  if (!blockhash.is_null()) {
    const auto hash = blockhash.is_string() ? chain::from_hex<hash256>(blockhash.get<std::string>())
                                            : std::nullopt;
    const auto height = hash ? view.chain.height_of(*hash) : std::nullopt;
    if (!height)
      return rpc_fail(rpc_code::not_found, "Block not found");
    if (auto found = find_in(view.chain.block_at(*height), txid))
      return std::move(*found);
    return rpc_fail(rpc_code::not_found, "No such transaction in that block");
  }
  const auto tip = view.chain.tip().height;
  for (std::uint64_t i = 0; i <= tip && i < max_searched; ++i)
    if (auto found = find_in(view.chain.block_at(tip - i), txid))
      return std::move(*found);
  return rpc_fail(rpc_code::not_found,
                  tip < max_searched
                      ? "No such transaction: it waits for no block, and is in none"
                      : "No such transaction: it waits for no block, and is in none of the last " +
                            std::to_string(max_searched) + "; name its block");
}

void add_its_block(const rpc_view& view, const block& x, json& to) {
  const auto height = x.header.height;
  to["blockhash"] = chain::to_hex(chain::block_hash(x.header));
  to["blockheight"] = height;
  to["confirmations"] = std::max(view.chain.tip().height, height) - height + 1;
  to["blocktime"] = x.header.timestamp;
}

void add_waiting(const mempool_entry& x, json& to) {
  to["confirmations"] = 0;
  to["time"] = x.since;
  to["finalized"] = x.final_since != 0;
  to["approvals"] = x.approvals;
}

/// As of a block, but with its outputs in TIME, as the deployed daemon has them here.
json with_amounts(const transaction& x) {
  auto result = transaction_json(x);
  for (std::size_t i = 0; i < x.outputs.size(); ++i)
    result["vout"][i]["value"] = time_amount(x.outputs[i].value);
  byte_string bytes;
  chain::encode(x, bytes);
  result["hex"] = chain::to_hex(bytes);
  return result;
}

// -- methods ------------------------------------------------------------------------

rpc_result getrawtransaction(const rpc_view& view, const rpc_args& args) {
  const auto& waiting = std::get<transaction_detail>(**view.reply);
  const auto verbose = args[1].is_boolean()          ? args[1].get<bool>()
                       : args[1].is_number_integer() ? args[1].get<std::int64_t>() > 0
                                                     : false;
  if (waiting.known && args[2].is_null()) {
    auto result = with_amounts(waiting.tx);
    add_waiting(waiting.entry, result);
    return verbose ? result : result["hex"];
  }
  const auto found = find_on_chain(view, *txid_argument(args[0]), args[2]);
  if (!found)
    return tl::unexpected{found.error()};
  auto result = with_amounts(found->tx);
  add_its_block(view, *found->block, result);
  return verbose ? result : result["hex"];
}

/// What it pays to whom.
json details_of(const transaction& x) {
  auto result = json::array();
  for (std::size_t i = 0; i < x.outputs.size(); ++i)
    result.push_back({{"address", std::string{x.outputs[i].script_pubkey.begin(),
                                              x.outputs[i].script_pubkey.end()}},
                      {"category", x.inputs.empty() ? "generate" : "receive"},
                      {"amount", time_amount(x.outputs[i].value)},
                      {"vout", i}});
  return result;
}

rpc_result gettransaction(const rpc_view& view, const rpc_args& args) {
  const auto& waiting = std::get<transaction_detail>(**view.reply);
  const auto txid = *txid_argument(args[0]);
  std::optional<placed_transaction> placed;
  if (!waiting.known) {
    auto found = find_on_chain(view, txid, {});
    if (!found)
      return tl::unexpected{found.error()};
    placed = std::move(*found);
  }
  const auto& x = placed ? placed->tx : waiting.tx;
  amount out = 0;
  for (const auto& output : x.outputs)
    out += output.value;
  auto result = with_amounts(x);
  result["amount"] = time_amount(out);
  if (placed)
    add_its_block(view, *placed->block, result);
  else {
    add_waiting(waiting.entry, result);
    result["fee"] = time_amount(waiting.entry.fee);
  }
  result["details"] = details_of(x);
  return result;
}

rpc_result sendrawtransaction(const rpc_view& view, const rpc_args&) {
  const auto& done = std::get<offer_reply>(**view.reply);
  if (!done.refused.empty())
    return rpc_fail(rpc_code::rejected, "The transaction is refused: " + done.refused);
  return json(chain::to_hex(done.txid));
}

tl::expected<tx_input, rpc_error> input_of(const json& x) {
  const auto bad = rpc_fail(rpc_code::invalid_params,
                            "An input is an object with 'txid' and 'vout', and perhaps 'sequence'");
  if (!x.is_object() || !x.contains("txid") || !x.contains("vout"))
    return bad;
  const auto txid = txid_argument(x["txid"]);
  if (!txid)
    return tl::unexpected{txid.error()};
  constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
  const auto sequence = x.contains("sequence") ? x["sequence"] : json(most);
  for (const auto& number : {x["vout"], sequence})
    if (!number.is_number_unsigned() || number.get<std::uint64_t>() > most)
      return bad;
  return tx_input{{*txid, x["vout"].get<std::uint32_t>()}, {}, sequence.get<std::uint32_t>()};
}

tl::expected<void, rpc_error> add_outputs(const rpc_view& view, const json& x, transaction& to) {
  if (!x.is_object())
    return rpc_fail(rpc_code::invalid_params, "Outputs are an object: addresses and amounts");
  for (const auto& [address, value] : x.items()) {
    if (const auto valid = chain::check_address(address, view.facts.network); !valid)
      return rpc_fail(rpc_code::not_found,
                      "'" + address.substr(0, 64) + "': " + valid.error().reason);
    const auto units = amount_of(value);
    if (!units)
      return rpc_fail(rpc_code::invalid_params, units.error().reason);
    to.outputs.push_back({*units, {address.begin(), address.end()}});
  }
  return {};
}

rpc_result createrawtransaction(const rpc_view& view, const rpc_args& args) {
  transaction result;
  result.version = 1;
  result.timestamp = view.now;
  if (!args[0].is_array())
    return rpc_fail(rpc_code::invalid_params, "Inputs are an array of objects");
  for (const auto& x : args[0]) {
    auto input = input_of(x);
    if (!input)
      return tl::unexpected{input.error()};
    result.inputs.push_back(std::move(*input));
  }
  const auto outputs = args[1].is_array() ? args[1] : json::array({args[1]});
  for (const auto& x : outputs)
    if (const auto added = add_outputs(view, x, result); !added)
      return tl::unexpected{added.error()};
  if (!args[2].is_null()) {
    if (!args[2].is_number_unsigned() ||
        args[2].get<std::uint64_t>() > std::numeric_limits<std::uint32_t>::max())
      return rpc_fail(rpc_code::invalid_params, "The lock time is a number below 2^32");
    result.lock_time = args[2].get<std::uint32_t>();
  }
  byte_string bytes;
  chain::encode(result, bytes);
  return json(chain::to_hex(bytes));
}

rpc_result getmempoolinfo(const rpc_view& view, const rpc_args&) {
  const auto& x = view.snapshot->mempool;
  // What a kilobyte costs at least depends on what is paid; this is for the cheapest of one.
  const auto least = time_amount(chain::least_fee);
  json result;
  result["loaded"] = true;
  result["size"] = x.size;
  result["bytes"] = x.bytes;
  result["usage"] = x.bytes;
  result["total_fee"] = time_amount(x.fees);
  result["maxmempool"] = x.max_bytes;
  result["mempoolminfee"] = least;
  result["minrelaytxfee"] = least;
  result["finalized"] = x.final_count;
  result["pending"] = x.size - x.final_count;
  result["subscriptions"] = x.subscriptions;
  result["votes"] = x.votes;
  // Asked of the masternode table when there is something to vote on; 0 before that.
  result["voters"] = x.voters;
  result["quorum"] = x.quorum;
  result["votes_here"] = x.we_vote;
  auto& since = result["since_start"];
  since["taken"] = x.taken;
  since["refused"] = x.refused;
  since["conflicting"] = x.conflicting;
  since["wrong"] = x.wrong;
  since["evicted"] = x.evicted;
  since["finalized"] = x.finalized;
  since["confirmed"] = x.confirmed;
  since["overtaken"] = x.overtaken;
  since["expired"] = x.expired;
  since["returned"] = x.returned;
  return result;
}

json ids_json(const std::vector<hash256>& x) {
  auto result = json::array();
  for (const auto& txid : x)
    result.push_back(chain::to_hex(txid));
  return result;
}

rpc_result getrawmempool(const rpc_view& view, const rpc_args& args) {
  const auto& all = std::get<std::vector<mempool_entry>>(**view.reply);
  if (!args[0].is_boolean() || !args[0].get<bool>()) {
    auto result = json::array();
    for (const auto& x : all)
      result.push_back(chain::to_hex(x.txid));
    return result;
  }
  auto result = json::object();
  for (const auto& x : all) {
    json entry;
    entry["vsize"] = x.bytes;
    entry["fee"] = time_amount(x.fee);
    entry["fees"]["base"] = time_amount(x.fee);
    entry["time"] = x.since;
    entry["depends"] = ids_json(x.depends);
    entry["spentby"] = ids_json(x.spent_by);
    entry["finalized"] = x.final_since != 0;
    entry["finalized_at"] = x.final_since;
    entry["approvals"] = x.approvals;
    entry["rejections"] = x.rejections;
    result[chain::to_hex(x.txid)] = std::move(entry);
  }
  return result;
}

constexpr std::array transaction_entries{
    rpc_method{
        "createrawtransaction", "inputs:array outputs:object |locktime:integer",
        "A transaction that spends these outputs ({\"txid\", \"vout\"}) into those (address: "
        "amount in TIME), not signed. What the outputs leave over is the fee: a thousandth of "
        "what they add up to, at least 0.00001 TIME.",
        false, createrawtransaction, "string: the transaction's bytes, hexadecimal"},
    rpc_method{
        "getmempoolinfo", "", "The transactions that are in no block yet.", true, getmempoolinfo,
        "object: loaded, size, bytes, usage, total_fee, maxmempool, finalized, pending, ..."},
    rpc_method{
        "getrawmempool", "|verbose:boolean",
        "The ids of the transactions that are in no block yet, those that pay most for their "
        "length first; or an object with more about each.",
        false, getrawmempool, "array, or object by id: vsize, fee, time, depends, spentby, ...",
        false, ask_for_pool},
    rpc_method{
        "getrawtransaction", "txid:string |verbose:boolean blockhash:string",
        "A transaction that waits, or is in one of the last 20,000 blocks or in the one that "
        "is named.",
        false, getrawtransaction, "string: its bytes, hexadecimal; or an object", true,
        ask_about_txid},
    rpc_method{"gettransaction", "txid:string", "The same with what it pays to whom.", false,
               gettransaction,
               "object: txid, amount, fee, confirmations, blockhash, details, hex, ...", true,
               ask_about_txid},
    rpc_method{"sendrawtransaction", "hexstring:string",
               "Takes a signed transaction, keeps it for a block and tells all peers.", false,
               sendrawtransaction, "string: its id", false, offer_to_pool},
};

}  // namespace

std::span<const rpc_method> transaction_methods() noexcept {
  return transaction_entries;
}

tl::expected<transaction, rpc_error> transaction_argument(const json& x) {
  if (!x.is_string())
    return rpc_fail(rpc_code::invalid_params, "Parameter 'hexstring' must be a string");
  const auto bytes = chain::bytes_from_hex(x.get_ref<const std::string&>());
  if (!bytes)
    return rpc_fail(rpc_code::bad_transaction, "The transaction is not hexadecimal");
  auto result = chain::decode_transaction(*bytes);
  if (!result)
    return rpc_fail(rpc_code::bad_transaction, "That is no transaction: " + result.error().reason);
  return std::move(*result);
}

}  // namespace timenode
