#include "app/rpc_methods_table.hpp"
#include "chain/bincode.hpp"
#include "chain/hashes.hpp"
#include "chain/hex.hpp"
#include "messages/wire_codec.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace timenode {

namespace {

/// How many blocks the median time is of, as in Bitcoin.
constexpr std::uint64_t median_time_span = 11;
/// A node this far below the best claim is downloading; nearer, it is waiting for a block that is
/// about to come.
constexpr std::uint64_t download_margin = 1;

// -- blocks and transactions as JSON ------------------------------------------------

std::int64_t median_time(const chain::chain_reader& chain, std::uint64_t height) {
  std::vector<std::int64_t> times;
  for (std::uint64_t i = 0; i < median_time_span && i <= height; ++i)
    if (const auto block = chain.block_at(height - i))
      times.push_back(block->header.timestamp);
  if (times.empty())
    return 0;
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

json input_json(const tx_input& x) {
  json result;
  result["txid"] = chain::to_hex(x.previous_output.txid);
  result["vout"] = x.previous_output.vout;
  result["scriptSig"]["hex"] = chain::to_hex(x.script_sig);
  result["sequence"] = x.sequence;
  return result;
}

json output_json(const tx_output& x, std::size_t n) {
  json result;
  result["value"] = x.value;
  result["n"] = n;
  result["scriptPubKey"]["hex"] = chain::to_hex(x.script_pubkey);
  const auto is_printable = [](std::uint8_t c) { return c > ' ' && c < 0x7f; };
  // The script is the text of the address (protocol page, section 4).
  if (std::all_of(x.script_pubkey.begin(), x.script_pubkey.end(), is_printable))
    result["scriptPubKey"]["address"] = std::string{x.script_pubkey.begin(), x.script_pubkey.end()};
  return result;
}

json block_json(const rpc_view& view, const block& x, bool with_transactions) {
  const auto height = x.header.height;
  json result;
  result["hash"] = chain::to_hex(chain::block_hash(x.header));
  result["confirmations"] = std::max(view.chain.tip().height, height) - height + 1;
  result["height"] = height;
  result["version"] = x.header.version;
  result["merkleroot"] = chain::to_hex(x.header.merkle_root);
  result["time"] = x.header.timestamp;
  result["mediantime"] = median_time(view.chain, height);
  result["block_reward"] = x.header.block_reward;
  if (height > 0)
    result["previousblockhash"] = chain::to_hex(x.header.previous_hash);
  if (const auto next = view.chain.hash_at(height + 1))
    result["nextblockhash"] = chain::to_hex(*next);
  result["size"] = chain::encoded_size(x);
  result["nTx"] = x.transactions.size();
  auto& transactions = result["tx"] = json::array();
  for (const auto& tx : x.transactions)
    transactions.push_back(with_transactions ? transaction_json(tx)
                                             : json(chain::to_hex(chain::txid(tx))));
  auto& rewards = result["masternode_rewards"] = json::array();
  for (const auto& [address, units] : x.masternode_rewards)
    rewards.push_back({{"address", address}, {"amount", units}});
  return result;
}

// -- arguments ----------------------------------------------------------------------

tl::expected<std::uint64_t, rpc_error> height_argument(const rpc_view& view, const json& x) {
  if (!x.is_number_integer())
    return rpc_fail(rpc_code::invalid_params, "The height must be an integer");
  if (!x.is_number_unsigned() || x.get<std::uint64_t>() > view.chain.tip().height)
    return rpc_fail(rpc_code::invalid_parameter, "Block height out of range");
  return x.get<std::uint64_t>();
}

/// By its hash or its height.
tl::expected<block_ptr, rpc_error> block_argument(const rpc_view& view, const json& x) {
  const auto not_found = rpc_fail(rpc_code::not_found, "Block not found");
  auto height = std::uint64_t{0};
  if (x.is_string()) {
    const auto hash = chain::from_hex<hash256>(x.get<std::string>());
    if (!hash)
      return rpc_fail(rpc_code::invalid_params, "A block hash has 64 hexadecimal digits");
    const auto found = view.chain.height_of(*hash);
    if (!found)
      return not_found;
    height = *found;
  } else if (x.is_number_integer()) {
    const auto found = height_argument(view, x);
    if (!found)
      return tl::unexpected{found.error()};
    height = *found;
  } else {
    return rpc_fail(rpc_code::invalid_params, "The block is named by its hash or its height");
  }
  // It may have been rolled back since.
  if (auto block = view.chain.block_at(height))
    return block;
  return not_found;
}

tl::expected<std::int64_t, rpc_error> verbosity_argument(const json& x) {
  if (x.is_null())
    return 1;
  if (x.is_boolean())
    return x.get<bool>() ? 1 : 0;
  if (!x.is_number_integer())
    return rpc_fail(rpc_code::invalid_params, "The verbosity must be 0, 1 or 2");
  if (!x.is_number_unsigned() || x.get<std::uint64_t>() > 2)
    return rpc_fail(rpc_code::invalid_parameter, "The verbosity must be 0, 1 or 2");
  return x.get<std::int64_t>();
}

// -- methods ------------------------------------------------------------------------

json sync_json(const sync_snapshot& x) {
  json result;
  result["state"] = x.state;
  result["target"] = x.target;
  result["peers"] = x.peers;
  result["outstanding"] = x.outstanding;
  result["buffered_blocks"] = x.buffered_blocks;
  result["blocks_per_second"] = x.blocks_per_second;
  result["eta_seconds"] = x.eta_seconds;
  return result;
}

rpc_result getblockchaininfo(const rpc_view& view, const rpc_args&) {
  const auto tip = view.chain.tip();
  const auto& sync = view.snapshot->sync;
  const auto headers = std::max(tip.height, sync.target);
  json result;
  result["chain"] = std::string{to_string(view.facts.network)};
  result["blocks"] = tip.height;
  result["headers"] = headers;
  result["bestblockhash"] = chain::to_hex(tip.hash);
  result["time"] = tip.timestamp;
  result["mediantime"] = median_time(view.chain, tip.height);
  result["verificationprogress"] =
      headers == 0 ? 1.0 : static_cast<double>(tip.height) / static_cast<double>(headers);
  result["initialblockdownload"] = headers - tip.height > download_margin;
  result["utxo_count"] = tip.utxo_count;
  // What the nodes of a network have to agree on.
  result["block_time"] = view.facts.rules.block_time;
  result["require_signatures"] = view.facts.rules.require_signatures;
  result["sync"] = sync_json(sync);
  result["warnings"] = warnings_json(*view.snapshot);
  return result;
}

rpc_result getblockcount(const rpc_view& view, const rpc_args&) {
  return json(view.chain.tip().height);
}

rpc_result getbestblockhash(const rpc_view& view, const rpc_args&) {
  return json(chain::to_hex(view.chain.tip().hash));
}

rpc_result getblockhash(const rpc_view& view, const rpc_args& args) {
  const auto height = height_argument(view, args[0]);
  if (!height)
    return tl::unexpected{height.error()};
  if (const auto hash = view.chain.hash_at(*height))
    return json(chain::to_hex(*hash));
  return rpc_fail(rpc_code::invalid_parameter, "Block height out of range");
}

rpc_result getblock(const rpc_view& view, const rpc_args& args) {
  const auto verbosity = verbosity_argument(args[1]);
  if (!verbosity)
    return tl::unexpected{verbosity.error()};
  const auto block = block_argument(view, args[0]);
  if (!block)
    return tl::unexpected{block.error()};
  if (*verbosity > 0)
    return block_json(view, **block, *verbosity > 1);
  std::string text;
  wire::encode_block(**block, text);
  return json(std::move(text));
}

constexpr std::array chain_entries{
    rpc_method{"getbestblockhash", "", "The hash of the tip.", false, getbestblockhash},
    rpc_method{"getblock", "blockhash |verbosity:integer",
               "A block by its hash or height. Verbosity 0: the JSON text that peers exchange; 1: "
               "an object "
               "with transaction ids; 2: with whole transactions.",
               false, getblock},
    rpc_method{"getblockchaininfo", "",
               "The chain and its download. 'headers' is the best height that a peer claims.", true,
               getblockchaininfo},
    rpc_method{"getblockcount", "", "The height of the tip.", false, getblockcount},
    rpc_method{"getblockhash", "height:integer", "The hash of the block at that height.", false,
               getblockhash},
};

}  // namespace

std::span<const rpc_method> chain_methods() noexcept {
  return chain_entries;
}

json transaction_json(const transaction& x) {
  json result;
  result["txid"] = chain::to_hex(chain::txid(x));
  result["version"] = x.version;
  result["size"] = chain::encoded_size(x);
  result["locktime"] = x.lock_time;
  result["time"] = x.timestamp;
  auto& inputs = result["vin"] = json::array();
  for (const auto& input : x.inputs)
    inputs.push_back(input_json(input));
  auto& outputs = result["vout"] = json::array();
  for (std::size_t n = 0; n < x.outputs.size(); ++n)
    outputs.push_back(output_json(x.outputs[n], n));
  return result;
}

}  // namespace timenode
