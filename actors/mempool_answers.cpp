// What the mempool is asked: by the block producer, by peers, and by whoever looks at this node.

#include "actors/mempool.hpp"
#include "chain/ballot_box.hpp"
#include "chain/consensus_rules.hpp"

#include <algorithm>
#include <limits>

namespace timenode {

namespace {

constexpr auto everything = std::numeric_limits<std::size_t>::max();

encoded_line encoded(const wire::message& x) {
  return {wire::encode_shared(x)};
}

bool is_for(const byte_string& script, const std::string& address) {
  return std::equal(script.begin(), script.end(), address.begin(), address.end(),
                    [](std::uint8_t l, char r) { return l == static_cast<std::uint8_t>(r); });
}

}  // namespace

block_filling mempool_state::fill(std::uint64_t max_bytes) {
  // The producer may know of a block that we have not been told of yet.
  on_tip();
  block_filling result;
  const auto chosen = pool_.select(max_bytes, true);
  result.transactions.reserve(chosen.transactions.size());
  for (const auto* x : chosen.transactions)
    result.transactions.push_back(x->tx);
  result.fees = chosen.fees;
  return result;
}

// -- peers ----------------------------------------------------------------------------------

caf::result<encoded_line> mempool_state::serve(const wire::message& x) {
  if (std::holds_alternative<wire::get_pending_transactions>(x))
    return pending_transactions();
  if (const auto* query = std::get_if<wire::utxo_state_query>(&x))
    return states_of(*query);
  return caf::make_error(caf::sec::runtime_error,
                         std::string{wire::kind_name(x)} + " is no question about transactions");
}

encoded_line mempool_state::pending_transactions() {
  wire::pending_transactions_response response;
  for (const auto* x : pool_.select(pending_answer_bytes, false).transactions)
    response.transactions.push_back(x->tx);
  return encoded(response);
}

encoded_line mempool_state::states_of(const wire::utxo_state_query& x) const {
  wire::utxo_state_response response;
  const auto count = std::min(x.outpoints.size(), max_queried_outpoints);
  for (std::size_t i = 0; i < count; ++i)
    if (auto state = state_of(x.outpoints[i]))
      response.states.emplace_back(x.outpoints[i], std::move(*state));
  return encoded(response);
}

// -- whoever looks at this node -------------------------------------------------------------

mempool_entry mempool_state::entry_of(const chain::pooled_transaction& x) const {
  const auto votes = votes_.count(x.txid, voters_.known);
  return {.txid = x.txid,
          .bytes = x.bytes,
          .fee = x.fee,
          .since = x.since,
          .final_since = x.final_since,
          .approvals = votes.approve,
          .rejections = votes.reject,
          .depends = {x.parents.begin(), x.parents.end()},
          .spent_by = {x.children.begin(), x.children.end()}};
}

std::vector<mempool_entry> mempool_state::list() const {
  std::vector<mempool_entry> result;
  for (const auto* x : pool_.select(everything, false).transactions)
    result.push_back(entry_of(*x));
  return result;
}

transaction_detail mempool_state::detail_of(const hash256& txid) const {
  const auto* found = pool_.find(txid);
  if (found == nullptr)
    return {};
  transaction_detail result{.known = true, .entry = entry_of(*found), .tx = found->tx, .spent = {}};
  for (const auto& coin : found->spent)
    result.spent.push_back(coin.value);
  return result;
}

pending_coins mempool_state::coins_of(const std::string& address) const {
  pending_coins result;
  pool_.for_each([&](const chain::pooled_transaction& x) {
    for (std::size_t i = 0; i < x.spent.size(); ++i)
      if (is_for(x.spent[i].script_pubkey, address)) {
        const auto& where = x.tx.inputs[i].previous_output;
        result.spent.push_back({where.txid, where.vout, x.spent[i].value});
      }
    for (std::size_t i = 0; i < x.tx.outputs.size(); ++i) {
      const auto vout = static_cast<std::uint32_t>(i);
      if (is_for(x.tx.outputs[i].script_pubkey, address) && !pool_.spender_of({x.txid, vout}))
        result.received.push_back({x.txid, vout, x.tx.outputs[i].value});
    }
  });
  return result;
}

/// Nobody needs to know who votes while nothing waits, but whoever looks at us wants to.
caf::result<mempool_snapshot> mempool_state::on_snapshot() {
  if (viewed_at_ != 0 || !knows_tip_)
    return snapshot();
  auto promise = self_->make_response_promise<mempool_snapshot>();
  when_fresh([this, promise]() mutable { promise.deliver(snapshot()); });
  return promise;
}

mempool_snapshot mempool_state::snapshot() const {
  auto result = counts_;
  result.size = pool_.size();
  result.final_count = pool_.final_count();
  result.bytes = pool_.bytes();
  result.max_bytes = pool_.limits().max_bytes;
  result.max_size = pool_.limits().max_count;
  pool_.for_each([&](const chain::pooled_transaction& x) { result.fees += x.fee; });
  result.subscriptions = watches_.subscriptions();
  result.votes = votes_.size();
  result.voters = voters_.size;
  result.quorum = voters_.size >= chain::least_masternodes ? chain::quorum_of(voters_.size) : 0;
  result.we_vote = we_vote();
  return result;
}

}  // namespace timenode
