// What light clients are told of the outputs that they watch.

#include "actors/mempool.hpp"
#include "chain/hashes.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace timenode {

void mempool_state::on_subscribe(const ip_address& from, const wire::subscribe& x) {
  auto done = chain::output_watches::check(x);
  if (done && !peers_.contains(from)) {
    // It came straight from its connection, and that the peer is up comes by way of the registry. Without a peer it
    // could not be told anything, and nothing would end the subscription.
    early_subscriptions_.emplace_back(from, x);
    if (early_subscriptions_.size() > max_early_subscriptions)
      early_subscriptions_.pop_front();
    return;
  }
  if (done)
    done = watches_.subscribe(from, x);
  if (!done)
    spdlog::debug("mempool: a subscription of {} is not taken: {}", from.to_string(),
                  done.error().reason);
}

void mempool_state::take_early_subscriptions(const ip_address& from) {
  for (auto& [who, x] : std::exchange(early_subscriptions_, {}))
    if (who == from)
      on_subscribe(who, x);
    else
      early_subscriptions_.emplace_back(who, std::move(x));
}

/// What state the output is in; none when it is not there, or was spent by a block: who asks cannot tell them apart,
/// and neither can we.
std::optional<wire::utxo_state> mempool_state::state_of(const outpoint& output) const {
  const auto* spender = pool_.spender_of(output);
  if (spender == nullptr) {
    if (parts_.store->coins(output.txid).contains(output.vout))
      return wire::utxo_unspent{};
    return std::nullopt;
  }
  const auto votes = static_cast<std::uint32_t>(votes_.count(spender->txid, voters_.known).approve);
  if (spender->is_final())
    return wire::utxo_spent_finalized{spender->txid, spender->final_since, votes};
  return wire::utxo_spent_pending{spender->txid, votes, static_cast<std::uint32_t>(voters_.size),
                                  spender->since};
}

void mempool_state::tell_watchers(const outpoint& output, const byte_string* script,
                                  const wire::utxo_state& state) const {
  if (watches_.empty())
    return;
  const auto watchers = watches_.watchers_of(output, script);
  if (watchers.empty())
    return;
  const auto line = encoded_line{
      wire::encode_shared(wire::utxo_state_notification{output, state, context_.unix_now()})};
  for (const auto& ip : watchers)
    if (const auto known = peers_.find(ip); known != peers_.end())
      self_->send(known->second.connection, line);
}

/// The outputs that it spends are in another state than before: it came, went, or was agreed on.
void mempool_state::tell_of_inputs(const chain::pooled_transaction& x) const {
  if (watches_.empty())
    return;
  for (std::size_t i = 0; i < x.tx.inputs.size(); ++i) {
    const auto& output = x.tx.inputs[i].previous_output;
    if (const auto state = state_of(output))
      tell_watchers(output, i < x.spent.size() ? &x.spent[i].script_pubkey : nullptr, *state);
  }
}

void mempool_state::tell_of_block(const block& x) const {
  if (watches_.empty())
    return;
  // Whom the spent outputs paid is in the block's undo data; without these, those who watch the outputs are told.
  std::map<outpoint, chain::coin> spent;
  if (const auto undo = parts_.store->undo_at(x.header.height))
    spent.insert(undo->spent.begin(), undo->spent.end());
  for (const auto& tx : x.transactions) {
    const auto txid = chain::txid(tx);
    for (const auto& input : tx.inputs) {
      const auto known = spent.find(input.previous_output);
      tell_watchers(input.previous_output,
                    known == spent.end() ? nullptr : &known->second.script_pubkey,
                    wire::utxo_confirmed{txid, x.header.height, x.header.timestamp});
    }
    for (std::size_t i = 0; i < tx.outputs.size(); ++i) {
      const auto output = outpoint{txid, static_cast<std::uint32_t>(i)};
      if (const auto state = state_of(output))
        tell_watchers(output, &tx.outputs[i].script_pubkey, *state);
    }
  }
}

}  // namespace timenode
