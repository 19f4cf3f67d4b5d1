#include "chain/transaction_votes.hpp"

#include <algorithm>

namespace timenode::chain {

vote_fate transaction_votes::add(const wire::transaction_vote& x, std::int64_t now) {
  const auto at = by_transaction_.find(x.txid);
  if (at != by_transaction_.end())
    if (const auto known = at->second.votes.find(x.voter); known != at->second.votes.end()) {
      auto& its = known->second;
      if (its.approve != x.approve)
        return vote_fate::contradicts;
      if (x.timestamp < its.timestamp + repeated_after)
        return vote_fate::known;
      its.timestamp = x.timestamp;
      its.signed_by_voter = x.signature;
      return vote_fate::repeated;
    }
  if (kept_ >= max_kept_votes)
    return vote_fate::no_room;
  auto& its = at != by_transaction_.end() ? at->second : by_transaction_[x.txid];
  if (its.votes.empty())
    its.since = now;
  its.votes.emplace(x.voter, kept_vote{x.approve, x.timestamp, x.signature});
  ++kept_;
  return vote_fate::added;
}

vote_count transaction_votes::count(const hash256& txid,
                                    const std::map<std::string, public_key>& voters) const {
  vote_count result;
  const auto at = by_transaction_.find(txid);
  if (at == by_transaction_.end())
    return result;
  for (const auto& [voter, x] : at->second.votes)
    if (voters.contains(voter))
      ++(x.approve ? result.approve : result.reject);
  return result;
}

std::vector<wire::transaction_vote> transaction_votes::of(const hash256& txid) const {
  std::vector<wire::transaction_vote> result;
  const auto at = by_transaction_.find(txid);
  if (at == by_transaction_.end())
    return result;
  for (const auto& [voter, x] : at->second.votes)
    result.push_back({txid, voter, x.approve, x.timestamp, x.signed_by_voter});
  return result;
}

void transaction_votes::forget(const hash256& txid) {
  const auto at = by_transaction_.find(txid);
  if (at == by_transaction_.end())
    return;
  kept_ -= at->second.votes.size();
  by_transaction_.erase(at);
}

// -- our own ------------------------------------------------------------------------------

bool approved_spends::may_approve(const transaction& x, const hash256& txid) const {
  if (by_output_.size() + x.inputs.size() > most_)
    return false;
  return std::all_of(x.inputs.begin(), x.inputs.end(), [&](const tx_input& input) {
    const auto i = by_output_.find(input.previous_output);
    return i == by_output_.end() || i->second.txid == txid;
  });
}

bool approved_spends::approve(const transaction& x, const hash256& txid, std::int64_t now) {
  auto is_new = false;
  for (const auto& input : x.inputs)
    if (by_output_.try_emplace(input.previous_output, spender{txid, now}).second) {
      by_time_.emplace(now, input.previous_output);
      is_new = true;
    }
  return is_new;
}

void approved_spends::restore(std::span<const approval> some) {
  for (const auto& x : some)
    for (const auto& output : x.outputs)
      if (by_output_.try_emplace(output, spender{x.txid, x.at}).second)
        by_time_.emplace(x.at, output);
}

std::vector<approval> approved_spends::list() const {
  std::vector<approval> result;
  std::map<hash256, std::size_t> places;
  for (const auto& [at, output] : by_time_) {
    const auto& txid = by_output_.at(output).txid;
    const auto [place, is_new] = places.try_emplace(txid, result.size());
    if (is_new)
      result.push_back({txid, at, {}, {}});
    result[place->second].outputs.push_back(output);
  }
  return result;
}

void approved_spends::forget(const transaction& x) {
  for (const auto& input : x.inputs)
    if (const auto i = by_output_.find(input.previous_output); i != by_output_.end()) {
      by_time_.erase({i->second.at, i->first});
      by_output_.erase(i);
    }
}

void approved_spends::forget_before(std::int64_t time) {
  while (!by_time_.empty() && by_time_.begin()->first < time) {
    by_output_.erase(by_time_.begin()->second);
    by_time_.erase(by_time_.begin());
  }
}

}  // namespace timenode::chain
