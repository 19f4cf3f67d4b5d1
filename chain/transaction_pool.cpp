#include "chain/transaction_pool.hpp"

#include "chain/bincode.hpp"
#include "chain/hashes.hpp"
#include "chain/hex.hpp"

#include <algorithm>
#include <limits>

namespace timenode::chain {

namespace {

std::string to_text(const outpoint& x) {
  return to_hex(x.txid) + ":" + std::to_string(x.vout);
}

offer_result fate_of(const pooled_transaction& x, offer_fate fate, std::string why) {
  offer_result result;
  result.fate = fate;
  result.why = std::move(why);
  result.txid = x.txid;
  return result;
}

}  // namespace

std::uint64_t pooled_transaction::fee_rate() const noexcept {
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  if (bytes == 0)
    return 0;
  const auto whole = fee / bytes;
  return whole >= most / 1000 - 1 ? most : whole * 1000 + fee % bytes * 1000 / bytes;
}

transaction_pool::transaction_pool(spending_rules rules, pool_limits limits)
    : rules_{rules}, limits_{limits} {}

// -- taking -------------------------------------------------------------------------------

offer_result transaction_pool::offer(transaction x, const chain_reader& chain, std::int64_t now) {
  pooled_transaction made;
  made.txid = txid(x);
  made.bytes = encoded_size(x);
  made.since = now;
  made.tx = std::move(x);
  auto result = judge(made, chain);
  if (result.fate != offer_fate::added)
    return result;
  const auto added = made.txid;
  insert(std::move(made));
  make_room(added, result);
  return result;
}

/// Those that pay least for their length go; if the new one is among them, all others stay.
void transaction_pool::make_room(const hash256& added, offer_result& result) {
  std::vector<pooled_transaction> gone;
  while (is_over_limits()) {
    const auto worst = evictable_.begin()->second;
    gone.push_back(take_out(entries_.find(worst)));
    if (worst != added)
      continue;
    gone.pop_back();
    for (auto i = gone.rbegin(); i != gone.rend(); ++i)  // what they build on first
      insert(std::move(*i));
    result.fate = offer_fate::refused;
    result.why = "there is no room: those that wait pay more for their length";
    return;
  }
  result.evicted = std::move(gone);
}

/// Fills in what it spends, pays and builds on.
offer_result transaction_pool::judge(pooled_transaction& x, const chain_reader& chain) const {
  if (entries_.contains(x.txid))
    return fate_of(x, offer_fate::known, "it is known");
  // What no chain could make right is told from what only is not handed on.
  if (x.tx.inputs.empty())
    return fate_of(x, offer_fate::wrong,
                   "it has no inputs; only the first of a block may have none");
  const auto outputs = check_for_relay(x.tx, rules_.network);
  if (!outputs)
    return fate_of(x, offer_fate::refused, outputs.error().reason);
  if (!chain.coins(x.txid).empty())
    return fate_of(x, offer_fate::known, "it is in a block");
  for (const auto& input : x.tx.inputs)
    if (const auto* rival = spender_of(input.previous_output)) {
      auto result = fate_of(x, offer_fate::conflicts,
                            "it spends output " + to_text(input.previous_output) +
                                ", which transaction " + to_hex(rival->txid) + " spends");
      result.rival = rival->txid;
      return result;
    }

  amount inputs = 0;
  for (const auto& input : x.tx.inputs) {
    auto spent = find_coin(input.previous_output, chain);
    if (!spent)
      return fate_of(x, offer_fate::impossible,
                     "its input " + to_text(input.previous_output) + " does not exist or is spent");
    if (__builtin_add_overflow(inputs, spent->value, &inputs))
      return fate_of(x, offer_fate::wrong, "its inputs add up to more than 2^64");
    x.spent.push_back(std::move(*spent));
    if (entries_.contains(input.previous_output.txid))
      x.parents.insert(input.previous_output.txid);
  }
  if (*outputs > inputs)
    return fate_of(x, offer_fate::wrong,
                   "its outputs add up to " + std::to_string(*outputs) +
                       " units, its inputs only to " + std::to_string(inputs));
  x.fee = inputs - *outputs;
  if (const auto least = fee_for(*outputs); x.fee < least)
    return fate_of(x, offer_fate::refused,
                   "its fee is " + std::to_string(x.fee) + " units; it has to be " +
                       std::to_string(least) + " or more");
  if (count_ancestors(x) > limits_.max_ancestors)
    return fate_of(x, offer_fate::refused,
                   "it builds on more than " + std::to_string(limits_.max_ancestors) +
                       " transactions that are in no block yet");
  if (rules_.require_signatures) {  // last, since it costs most
    const auto hash = signing_hash(x.tx);
    for (std::size_t i = 0; i < x.spent.size(); ++i) {
      const auto& input = x.tx.inputs[i];
      // All inputs sign the same: what one key spends is checked once.
      if (i > 0 && input.script_sig == x.tx.inputs[i - 1].script_sig &&
          x.spent[i].script_pubkey == x.spent[i - 1].script_pubkey)
        continue;
      if (auto owned = check_signature(input, x.spent[i].script_pubkey, hash, rules_.network);
          !owned)
        return fate_of(x, offer_fate::wrong,
                       "its input " + to_text(input.previous_output) + ": " + owned.error().reason);
    }
  }
  return fate_of(x, offer_fate::added, {});
}

std::optional<coin> transaction_pool::find_coin(const outpoint& x,
                                                const chain_reader& chain) const {
  if (const auto* parent = find(x.txid)) {
    if (x.vout >= parent->tx.outputs.size())
      return std::nullopt;
    const auto& output = parent->tx.outputs[x.vout];
    return coin{output.value, output.script_pubkey};
  }
  auto coins = chain.coins(x.txid);
  const auto found = coins.find(x.vout);
  if (found == coins.end())
    return std::nullopt;
  return std::move(found->second);
}

/// Stops counting above the limit.
std::size_t transaction_pool::count_ancestors(const pooled_transaction& x) const {
  std::set<hash256> seen;
  std::vector<hash256> open{x.parents.begin(), x.parents.end()};
  while (!open.empty() && seen.size() <= limits_.max_ancestors) {
    const auto next = open.back();
    open.pop_back();
    if (!seen.insert(next).second)
      continue;
    const auto& parents = entries_.at(next).parents;
    open.insert(open.end(), parents.begin(), parents.end());
  }
  return seen.size();
}

bool transaction_pool::is_over_limits() const noexcept {
  return (entries_.size() > limits_.max_count || bytes_ > limits_.max_bytes) && !evictable_.empty();
}

// -- keeping ------------------------------------------------------------------------------

void transaction_pool::rank(const pooled_transaction& x) {
  by_rate_.emplace(x.fee_rate(), x.txid);
  if (x.is_final())
    return;
  by_age_.emplace(x.since, x.txid);
  if (x.children.empty())
    evictable_.emplace(x.fee_rate(), x.txid);
}

void transaction_pool::unrank(const pooled_transaction& x) {
  by_rate_.erase({x.fee_rate(), x.txid});
  by_age_.erase({x.since, x.txid});
  evictable_.erase({x.fee_rate(), x.txid});
}

void transaction_pool::insert(pooled_transaction x) {
  for (const auto& input : x.tx.inputs)
    spenders_.emplace(input.previous_output, x.txid);
  for (const auto& parent : x.parents) {
    auto& its = entries_.at(parent);
    its.children.insert(x.txid);
    evictable_.erase({its.fee_rate(), parent});
  }
  bytes_ += x.bytes;
  rank(x);
  const auto key = x.txid;
  entries_.emplace(key, std::move(x));
}

/// Alone: those that build on it stay, as ones that build on a block.
pooled_transaction transaction_pool::take_out(entry_map::iterator at) {
  auto result = std::move(at->second);
  entries_.erase(at);
  unrank(result);
  bytes_ -= result.bytes;
  if (result.is_final())
    --final_;
  for (const auto& input : result.tx.inputs)
    spenders_.erase(input.previous_output);
  for (const auto& parent : result.parents) {
    auto& its = entries_.at(parent);
    its.children.erase(result.txid);
    if (its.children.empty() && !its.is_final())
      evictable_.emplace(its.fee_rate(), parent);
  }
  for (const auto& child : result.children)
    entries_.at(child).parents.erase(result.txid);
  return result;
}

/// With all that build on it.
void transaction_pool::take_family(const hash256& txid, std::vector<pooled_transaction>& out) {
  std::vector<hash256> open{txid};
  while (!open.empty()) {
    const auto at = entries_.find(open.back());
    open.pop_back();
    if (at == entries_.end())
      continue;
    const auto& children = at->second.children;
    open.insert(open.end(), children.begin(), children.end());
    out.push_back(take_out(at));
  }
}

bool transaction_pool::make_final(const hash256& txid, std::int64_t now) {
  const auto at = entries_.find(txid);
  if (at == entries_.end() || at->second.is_final())
    return false;
  unrank(at->second);
  at->second.final_since = now;
  rank(at->second);
  ++final_;
  return true;
}

std::vector<pooled_transaction> transaction_pool::drop(const hash256& txid) {
  std::vector<pooled_transaction> result;
  take_family(txid, result);
  return result;
}

std::vector<pooled_transaction> transaction_pool::expire(std::int64_t now) {
  std::vector<pooled_transaction> result;
  while (!by_age_.empty() && by_age_.begin()->first < now - limits_.patience) {
    const auto oldest = by_age_.begin()->second;
    take_family(oldest, result);
  }
  return result;
}

// -- the chain ----------------------------------------------------------------------------

pool_update transaction_pool::on_block(const block& x) {
  pool_update result;
  if (entries_.empty())
    return result;
  for (const auto& tx : x.transactions)
    if (const auto at = entries_.find(txid(tx)); at != entries_.end())
      result.confirmed.push_back(take_out(at));
  for (const auto& tx : x.transactions)
    for (const auto& input : tx.inputs)
      if (const auto* rival = spender_of(input.previous_output))
        take_family(hash256{rival->txid}, result.overtaken);
  return result;
}

std::vector<pooled_transaction> transaction_pool::recheck(const chain_reader& chain,
                                                          std::vector<transaction> undone,
                                                          std::int64_t now) {
  // Out with all, and in again with those that fit, parents first: what waits may build on what was in a block.
  std::vector<pooled_transaction> all;
  const auto order = select(std::numeric_limits<std::size_t>::max(), false);
  all.reserve(order.transactions.size());
  for (const auto* x : order.transactions)
    all.push_back(*x);
  entries_.clear();
  spenders_.clear();
  by_rate_.clear();
  evictable_.clear();
  by_age_.clear();
  bytes_ = final_ = 0;

  for (auto& x : undone)
    offer(std::move(x), chain, now);
  std::vector<pooled_transaction> dropped;
  for (auto& x : all) {
    auto again = x;
    again.parents.clear();
    again.children.clear();
    again.spent.clear();
    if (judge(again, chain).fate != offer_fate::added) {
      dropped.push_back(std::move(x));
      continue;
    }
    if (again.is_final())
      ++final_;
    insert(std::move(again));
  }
  while (is_over_limits())
    dropped.push_back(take_out(entries_.find(hash256{evictable_.begin()->second})));
  return dropped;
}

// -- looking ------------------------------------------------------------------------------

const pooled_transaction* transaction_pool::find(const hash256& txid) const {
  const auto i = entries_.find(txid);
  return i != entries_.end() ? &i->second : nullptr;
}

const pooled_transaction* transaction_pool::spender_of(const outpoint& x) const {
  const auto i = spenders_.find(x);
  return i != spenders_.end() ? find(i->second) : nullptr;
}

pool_selection transaction_pool::select(std::size_t max_bytes, bool final_only) const {
  pool_selection result;
  std::set<hash256> chosen;
  for (auto i = by_rate_.rbegin(); i != by_rate_.rend(); ++i) {
    // It and what it builds on that is not chosen yet, each behind what it builds on itself: depth first.
    std::vector<const pooled_transaction*> family;
    std::set<hash256> met;
    std::vector<std::pair<const pooled_transaction*, bool>> open{{&entries_.at(i->second), false}};
    std::size_t bytes = 0;
    bool fits = true;
    while (!open.empty() && fits) {
      const auto [x, parents_done] = open.back();
      open.pop_back();
      if (parents_done) {
        family.push_back(x);
        bytes += x->bytes;
        continue;
      }
      if (chosen.contains(x->txid) || !met.insert(x->txid).second)
        continue;
      fits = !final_only || x->is_final();
      open.emplace_back(x, true);
      for (const auto& parent : x->parents)
        open.emplace_back(&entries_.at(parent), false);
    }
    if (!fits || bytes > max_bytes - result.bytes)
      continue;
    for (const auto* x : family) {
      chosen.insert(x->txid);
      result.transactions.push_back(x);
      result.fees += x->fee;
    }
    result.bytes += bytes;
  }
  return result;
}

}  // namespace timenode::chain
