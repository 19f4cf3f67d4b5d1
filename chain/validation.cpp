#include "chain/validation.hpp"

#include "chain/bincode.hpp"
#include "chain/hashes.hpp"
#include "chain/hex.hpp"
#include "messages/wire_codec.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace timenode::chain {

namespace {

/// How far the rewards of a block may be from the subsidy: 0.01 % (protocol page, section 7). The
/// reference gives everyone a share that is rounded down, so real sums are a little below.
constexpr amount reward_tolerance = block_subsidy / 10'000;

std::string number(std::uint64_t x) {
  return std::to_string(x);
}

// Rule: the first transaction, and only it, has no inputs.
outcome<void> check_coinbase_place(const block& x) {
  if (x.transactions.empty())
    return fail("there is no transaction, so nothing pays the rewards");
  for (std::size_t i = 0; i < x.transactions.size(); ++i) {
    const auto& inputs = x.transactions[i].inputs;
    if (i == 0 && !inputs.empty())
      return fail("the first transaction has " + number(inputs.size()) +
                  " inputs; it must be the coinbase, which has none");
    if (i != 0 && inputs.empty())
      return fail("transaction " + number(i) + " has no inputs; only the first may have none");
  }
  return {};
}

// Rule: the rewards add up to the subsidy within 0.01 %, and the coinbase pays exactly them, in order.
// `header.block_reward` is no part of it: it says what the producer counted (fees included), nothing is
// paid or checked by it in the reference, and so nothing here.
outcome<void> check_rewards(const block& x) {
  amount sum = 0;
  for (const auto& reward : x.masternode_rewards)
    if (__builtin_add_overflow(sum, reward.second, &sum))
      return fail("the masternode rewards add up to more than 2^64");
  if (sum < block_subsidy - reward_tolerance || sum > block_subsidy + reward_tolerance)
    return fail("the masternode rewards add up to " + number(sum) + " units, not to " +
                number(block_subsidy) + " within " + number(reward_tolerance));

  const auto& outputs = x.transactions.front().outputs;
  if (outputs.size() != x.masternode_rewards.size())
    return fail("the coinbase has " + number(outputs.size()) + " outputs for " +
                number(x.masternode_rewards.size()) + " rewards");
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto& [address, value] = x.masternode_rewards[i];
    if (outputs[i].value != value)
      return fail("coinbase output " + number(i) + " pays " + number(outputs[i].value) +
                  " units, the reward listed is " + number(value));
    if (!std::equal(outputs[i].script_pubkey.begin(), outputs[i].script_pubkey.end(),
                    address.begin(), address.end(),
                    [](std::uint8_t l, char r) { return l == static_cast<std::uint8_t>(r); }))
      return fail("coinbase output " + number(i) + " pays another address than the reward listed");
  }
  return {};
}

// Sums of outputs are taken again where inputs are known; here it is about those that no inputs could
// ever cover.
outcome<void> check_output_sums(const block& x) {
  for (std::size_t i = 0; i < x.transactions.size(); ++i) {
    amount sum = 0;
    for (const auto& output : x.transactions[i].outputs)
      if (__builtin_add_overflow(sum, output.value, &sum))
        return fail("the outputs of transaction " + number(i) + " add up to more than 2^64");
  }
  return {};
}

// Rule: no input is spent twice in the block.
outcome<void> check_double_spends(const block& x) {
  std::size_t count = 0;
  for (const auto& tx : x.transactions)
    count += tx.inputs.size();
  if (count < 2)
    return {};
  std::vector<outpoint> spent;
  spent.reserve(count);
  for (const auto& tx : x.transactions)
    for (const auto& input : tx.inputs)
      spent.push_back(input.previous_output);
  std::sort(spent.begin(), spent.end());
  const auto twice = std::adjacent_find(spent.begin(), spent.end());
  if (twice != spent.end())
    return fail("output " + to_hex(twice->txid) + ":" + number(twice->vout) + " is spent twice");
  return {};
}

// A transaction that comes twice would give the same merkle root as one list without it (see
// `merkle_root`), so two blocks could share a hash of which one is invalid.
outcome<void> check_repeated(const std::vector<hash256>& txids) {
  if (txids.size() < 2)
    return {};
  auto sorted = txids;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end())
    return fail("transaction " + to_hex(*twice) + " is in it twice");
  return {};
}

// A block that no line can hold could be given to nobody (see `wire::max_block_text_bytes`).
outcome<void> check_text(const block& x, std::size_t bytes) {
  // No field has more than six characters for a byte: those are control characters in a string.
  constexpr std::size_t most_characters_a_byte = 6;
  constexpr std::size_t names_of_fields = 1024;
  if (bytes * most_characters_a_byte + names_of_fields <= wire::max_block_text_bytes)
    return {};
  std::string text;
  wire::encode_block(x, text);
  if (text.size() > wire::max_block_text_bytes)
    return fail("its text has " + number(text.size()) + " bytes, more than " +
                number(wire::max_block_text_bytes) + ": it fits into no message");
  return {};
}

outcome<checked_block> check(block_ptr pointer) {
  const auto& x = *pointer;
  checked_block result;
  // First, since it bounds the work of all that follows.
  result.bytes = encoded_size(x);
  if (result.bytes > max_block_bytes)
    return fail("it has " + number(result.bytes) + " bytes, more than " + number(max_block_bytes));
  if (x.header.height == 0)
    return fail("height 0 belongs to the genesis block, which cannot be replaced");
  if (auto travels = check_text(x, result.bytes); !travels)
    return tl::unexpected<failure>{std::move(travels.error())};
  for (const auto rule :
       {check_coinbase_place, check_rewards, check_output_sums, check_double_spends})
    if (auto kept = rule(x); !kept)
      return tl::unexpected<failure>{std::move(kept.error())};

  result.txids.reserve(x.transactions.size());
  for (const auto& tx : x.transactions)
    result.txids.push_back(txid(tx));
  if (auto kept = check_repeated(result.txids); !kept)
    return tl::unexpected<failure>{std::move(kept.error())};
  const auto root = merkle_root(result.txids);
  if (root != x.header.merkle_root)
    return fail("the merkle root is " + to_hex(x.header.merkle_root) + ", its transactions give " +
                to_hex(root));
  result.hash = block_hash(x.header);
  result.block = std::move(pointer);
  return result;
}

tl::unexpected<failure> about_block(std::uint64_t height, const std::string& reason) {
  return fail("block " + number(height) + ": " + reason);
}

}  // namespace

outcome<checked_block> check_block(block_ptr block) {
  if (block == nullptr)
    return fail("there is no block");
  const auto height = block->header.height;
  auto result = check(std::move(block));
  if (!result)
    return about_block(height, result.error().reason);
  return result;
}

outcome<void> check_on_parent(const checked_block& x, const parent_info& parent, std::int64_t now) {
  const auto& header = x.block->header;
  // Not parent.height + 1, which could be 0 for a parent at the end of all heights.
  if (header.height == 0 || header.height - 1 != parent.height)
    return about_block(header.height, "it does not follow on height " + number(parent.height));
  if (header.previous_hash != parent.hash)
    return about_block(header.height, "its previous hash is " + to_hex(header.previous_hash) +
                                          ", block " + number(parent.height) + " is " +
                                          to_hex(parent.hash));
  if (header.timestamp <= parent.timestamp)
    return about_block(header.height, "its timestamp " + std::to_string(header.timestamp) +
                                          " is not above its parent's, " +
                                          std::to_string(parent.timestamp));
  // Unsigned, since a timestamp from a peer may be at either end of the range.
  if (header.timestamp > now &&
      static_cast<std::uint64_t>(header.timestamp) - static_cast<std::uint64_t>(now) >
          static_cast<std::uint64_t>(max_future_seconds))
    return about_block(header.height, "its timestamp " + std::to_string(header.timestamp) +
                                          " is more than " + std::to_string(max_future_seconds) +
                                          " s ahead of our clock, " + std::to_string(now));
  return {};
}

}  // namespace timenode::chain
