#include "actors/block_server.hpp"

#include "chain/hashes.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace timenode {

namespace {

encoded_line encoded(const wire::message& x) {
  return {wire::encode_shared(x)};
}

caf::error refusal(std::string why) {
  return caf::make_error(caf::sec::runtime_error, std::move(why));
}

/// A script_pubkey is an address's text (protocol page, section 4); other scripts have no address.
std::string address_of(const byte_string& script) {
  const auto printable = [](std::uint8_t x) { return x > 0x20 && x < 0x7f; };
  if (!std::all_of(script.begin(), script.end(), printable))
    return {};
  return {script.begin(), script.end()};
}

}  // namespace

block_server_state::block_server_state(block_server_actor::pointer,
                                       std::shared_ptr<const chain::chain_reader> chain)
    : chain_{std::move(chain)} {}

block_server_actor::behavior_type block_server_state::make_behavior() {
  return {
      [this](atom::serve, const wire::message& x) {
        return std::visit([this](const auto& question) { return answer(question); }, x);
      },
  };
}

template <class Other>
caf::result<encoded_line> block_server_state::answer(const Other& x) {
  return refusal(std::string{wire::kind_name(wire::message{x})} +
                 " is no question about the chain");
}

// -- blocks -----------------------------------------------------------------------------

caf::result<encoded_line> block_server_state::answer(const wire::get_block_height&) {
  return encoded(wire::block_height_response{chain_->tip().height});
}

caf::result<encoded_line> block_server_state::answer(const wire::get_blocks& x) {
  return range(x.start, x.end, range_kind::blocks);
}

caf::result<encoded_line> block_server_state::answer(const wire::get_block_range& x) {
  return range(x.start_height, x.end_height, range_kind::block_range);
}

/// At most 101 blocks and 4 MiB from `first` on; empty when there are none.
encoded_line block_server_state::range(std::uint64_t first, std::uint64_t last, range_kind kind) {
  const auto encode =
      kind == range_kind::blocks ? wire::encode_blocks_response : wire::encode_block_range_response;
  const auto tip = chain_->tip().height;
  if (first > last || first > tip)
    return {encode({})};
  // Saturates: `last` may be 2^64 - 1.
  last = first + std::min<std::uint64_t>(last - first, wire::max_blocks_per_response - 1);
  const auto key = range_key{first, last, kind};
  const auto hash_at = [this](std::uint64_t height) { return chain_->hash_at(height); };
  if (auto line = cache_.find(key, hash_at))
    return {std::move(line)};
  // The text of a block is longer than its bincode, so more are never needed.
  const auto blocks = chain_->blocks(first, last, wire::max_blocks_response_bytes);
  auto line = encode(blocks);
  // What the tip cut short will be longer soon.
  if (!blocks.empty() && last <= tip) {
    const auto& header = blocks.back()->header;
    cache_.insert(key, header.height, chain::block_hash(header), line);
  }
  return {std::move(line)};
}

caf::result<encoded_line> block_server_state::answer(const wire::block_request& x) {
  auto block = chain_->block_at(x.height);
  if (!block)
    return refusal("there is no block " + std::to_string(x.height));
  return encoded(wire::block_response{std::move(block)});
}

// -- hashes -----------------------------------------------------------------------------

caf::result<encoded_line> block_server_state::answer(const wire::get_block_hash& x) {
  return encoded(wire::block_hash_response{x.height, chain_->hash_at(x.height)});
}

caf::result<encoded_line> block_server_state::answer(const wire::get_genesis_hash&) {
  const auto hash = chain_->hash_at(0);
  if (!hash)
    return refusal("the genesis block cannot be read");
  return encoded(wire::genesis_hash_response{*hash});
}

caf::result<encoded_line> block_server_state::answer(const wire::consensus_query& x) {
  const auto ours = chain_->hash_at(x.height);
  return encoded(
      wire::consensus_query_response{ours == x.block_hash, x.height, ours.value_or(hash256{})});
}

// -- unspent outputs --------------------------------------------------------------------

caf::result<encoded_line> block_server_state::answer(const wire::get_utxo_state_hash&) {
  const auto digest = chain_->utxo_state();
  return encoded(wire::utxo_state_hash_response{digest.hash, digest.height, digest.count});
}

caf::result<encoded_line> block_server_state::answer(const wire::get_utxo_set&) {
  constexpr auto max_count = wire::max_blocks_response_bytes / least_utxo_bytes;
  const auto too_large = "the set of unspent outputs does not fit into one answer";
  if (chain_->tip().utxo_count > max_count)
    return refusal(too_large);
  const auto coins = chain_->unspent(max_count);
  if (!coins)
    return refusal("the set of unspent outputs cannot be listed");
  wire::utxo_set_response response;
  response.utxos.reserve(coins->size());
  for (const auto& [output, coin] : *coins)
    response.utxos.push_back(
        {output, coin.value, coin.script_pubkey, address_of(coin.script_pubkey)});
  auto line = encoded(response);
  if (line.bytes->size() > wire::max_blocks_response_bytes)
    return refusal(too_large);
  return line;
}

}  // namespace timenode
