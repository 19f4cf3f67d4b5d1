#include "chain/coin_overlay.hpp"

#include "chain/hex.hpp"

#include <string>
#include <utility>

namespace timenode::chain {

namespace {

std::string to_text(const outpoint& x) {
  return to_hex(x.txid) + ":" + std::to_string(x.vout);
}

tl::unexpected<failure> pass_on(failure&& x) {
  return tl::unexpected<failure>{std::move(x)};
}

}  // namespace

coin_overlay::coin_overlay(const block_store& store, spending_rules rules)
    : store_(store), rules_(rules) {}

outcome<coin_overlay::cached_group*> coin_overlay::find(const hash256& txid) {
  if (const auto known = entries_.find(txid); known != entries_.end())
    return &known->second;
  auto loaded = store_.load_coins(txid);
  if (!loaded) {
    storage_failed_ = true;
    return pass_on(std::move(loaded.error()));
  }
  auto& result = entries_[txid];
  result.coins = std::move(*loaded);
  result.in_store = !result.coins.empty();
  return &result;
}

outcome<coin> coin_overlay::spend(const outpoint& which) {
  auto found = find(which.txid);
  if (!found)
    return pass_on(std::move(found.error()));
  auto& coins = (*found)->coins;
  const auto position = coins.find(which.vout);
  if (position == coins.end())
    return fail("its input " + to_text(which) + " does not exist or is spent");
  auto result = std::move(position->second);
  coins.erase(position);
  (*found)->changed = true;
  ++removed_;
  return result;
}

outcome<void> coin_overlay::create(const transaction& tx, const hash256& txid) {
  auto found = find(txid);
  if (!found)
    return pass_on(std::move(found.error()));
  auto& entry = **found;
  if (!entry.coins.empty())
    return fail("a transaction with this id has " + std::to_string(entry.coins.size()) +
                " unspent outputs, which would be lost");
  std::uint32_t vout = 0;
  for (const auto& output : tx.outputs)
    entry.coins.emplace_hint(entry.coins.end(), vout++, coin{output.value, output.script_pubkey});
  entry.changed = true;
  added_ += tx.outputs.size();
  return {};
}

outcome<void> coin_overlay::connect_transaction(const transaction& tx, const hash256& txid,
                                                block_undo& undo) {
  const auto to_sign =
      rules_.require_signatures && !tx.inputs.empty() ? signing_hash(tx) : hash256{};
  amount inputs = 0;
  for (const auto& input : tx.inputs) {
    auto spent = spend(input.previous_output);
    if (!spent)
      return pass_on(std::move(spent.error()));
    const bool overflow = __builtin_add_overflow(inputs, spent->value, &inputs);
    const auto& known = undo.spent.emplace_back(input.previous_output, std::move(*spent)).second;
    if (overflow)
      return fail("its inputs add up to more than 2^64");
    if (rules_.require_signatures)
      if (auto owned = check_signature(input, known.script_pubkey, to_sign, rules_.network); !owned)
        return fail("its input " + to_text(input.previous_output) + ": " + owned.error().reason);
  }
  // What the coinbase may pay is a rule without context (`check_block`).
  if (!tx.inputs.empty()) {
    amount outputs = 0;
    for (const auto& output : tx.outputs)
      if (__builtin_add_overflow(outputs, output.value, &outputs))
        return fail("its outputs add up to more than 2^64");
    if (outputs > inputs)
      return fail("its outputs add up to " + std::to_string(outputs) +
                  " units, its inputs only to " + std::to_string(inputs));
  }
  return create(tx, txid);
}

outcome<block_undo> coin_overlay::connect(const checked_block& x) {
  storage_failed_ = false;
  const auto& transactions = x.block->transactions;
  block_undo undo;
  for (std::size_t i = 0; i < transactions.size(); ++i) {
    const auto spent_before = undo.spent.size();
    auto connected = connect_transaction(transactions[i], x.txids[i], undo);
    if (connected)
      continue;
    // Back to where we were: first this transaction's inputs, then the ones before it. None of it can
    // fail, since it touches only what was just changed.
    for (auto count = undo.spent.size(); count > spent_before; --count)
      static_cast<void>(restore(undo.spent[count - 1].first, undo.spent[count - 1].second));
    undo.spent.resize(spent_before);
    for (auto j = i; j-- > 0;) {
      static_cast<void>(erase_outputs(transactions[j], x.txids[j]));
      for (auto count = transactions[j].inputs.size(); count > 0; --count) {
        static_cast<void>(restore(undo.spent.back().first, undo.spent.back().second));
        undo.spent.pop_back();
      }
    }
    return fail("block " + std::to_string(x.block->header.height) + ": transaction " +
                std::to_string(i) + " (" + to_hex(x.txids[i]) + "): " + connected.error().reason);
  }
  return undo;
}

outcome<void> coin_overlay::erase_outputs(const transaction& tx, const hash256& txid) {
  auto found = find(txid);
  if (!found)
    return pass_on(std::move(found.error()));
  auto& entry = **found;
  if (entry.coins.size() != tx.outputs.size())
    return fail("transaction " + to_hex(txid) + " should have " +
                std::to_string(tx.outputs.size()) + " unspent outputs and has " +
                std::to_string(entry.coins.size()));
  removed_ += entry.coins.size();
  entry.coins.clear();
  entry.changed = true;
  return {};
}

outcome<void> coin_overlay::restore(const outpoint& which, const coin& x) {
  auto found = find(which.txid);
  if (!found)
    return pass_on(std::move(found.error()));
  if (!(*found)->coins.emplace(which.vout, x).second)
    return fail("output " + to_text(which) + " should be spent and is not");
  (*found)->changed = true;
  ++added_;
  return {};
}

outcome<void> coin_overlay::disconnect(const block& x, std::span<const hash256> txids,
                                       const block_undo& undo) {
  storage_failed_ = false;
  const auto failed = [&](const std::string& reason) {
    return fail("block " + std::to_string(x.header.height) + " cannot be undone: " + reason);
  };
  auto left = undo.spent.size();
  for (auto i = x.transactions.size(); i-- > 0;) {
    const auto& tx = x.transactions[i];
    if (auto erased = erase_outputs(tx, txids[i]); !erased)
      return failed(erased.error().reason);
    for (auto j = tx.inputs.size(); j-- > 0;) {
      if (left == 0 || undo.spent[left - 1].first != tx.inputs[j].previous_output)
        return failed("its undo data do not belong to it");
      --left;
      if (auto restored = restore(undo.spent[left].first, undo.spent[left].second); !restored)
        return failed(restored.error().reason);
    }
  }
  if (left != 0)
    return failed("its undo data are too many");
  return {};
}

std::map<hash256, coin_group> coin_overlay::take_changes() {
  std::map<hash256, coin_group> result;
  for (auto& [txid, entry] : entries_)
    if (entry.changed && (entry.in_store || !entry.coins.empty()))
      result.emplace(txid, std::move(entry.coins));
  return result;
}

}  // namespace timenode::chain
