#include "actors/masternode_view.hpp"

#include "chain/keys.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace timenode {

masternode_view::masternode_view(std::vector<masternode_entry> entries, std::int64_t now,
                                 network_id network) {
  for (auto& x : entries) {
    // What we only heard of is nothing to us. Who has no address of this network cannot be paid.
    if (x.hearsay || !chain::is_valid_address(x.reward_address, network))
      continue;
    candidate made;
    made.address = x.ip.to_string();
    const auto recent = x.ours || x.connected || x.last_seen >= now - surely_heard_within;
    if (x.active && recent && (x.ours || x.active_since <= now - surely_active_for))
      made.there = presence::surely_active;
    else if (!x.active && x.last_seen < now - surely_gone_after)
      made.there = presence::surely_gone;
    made.entry = std::move(x);
    all_.push_back(std::move(made));
  }
  std::sort(all_.begin(), all_.end(),
            [](const candidate& a, const candidate& b) { return a.address < b.address; });
}

std::vector<const masternode_view::candidate*> masternode_view::payable() const {
  std::vector<const candidate*> result;
  for (const auto& x : all_)
    if (x.entry.active)
      result.push_back(&x);
  return result;
}

std::size_t masternode_view::active() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(all_.begin(), all_.end(), [](const candidate& x) { return x.entry.active; }));
}

chain::reward_list masternode_view::rewards() const {
  std::vector<chain::payee> payees;
  for (const auto* x : payable())
    payees.push_back({x->entry.reward_address, x->entry.tier});
  return chain::rewards_of(payees);
}

std::string masternode_view::dispute(const chain::reward_list& paid) const {
  std::map<std::string, std::vector<const candidate*>> by_reward;
  for (const auto& x : all_)
    if (x.there != presence::surely_gone)
      by_reward[x.entry.reward_address].push_back(&x);
  std::map<std::string, std::vector<amount>> amounts;
  for (const auto& [address, value] : paid)
    amounts[address].push_back(value);

  // Who of those with one reward address is meant: the surely active first, then by address. What each gets
  // follows from all of them together.
  std::vector<chain::payee> payees;
  std::vector<amount> values;
  for (auto& [address, its] : amounts) {
    auto& known = by_reward[address];
    if (its.size() > known.size())
      return "it pays " + address + " more often than masternodes with that address live";
    std::stable_sort(known.begin(), known.end(),
                     [](auto* a, auto* b) { return a->there > b->there; });
    known.resize(its.size());
    std::stable_sort(known.begin(), known.end(),
                     [](auto* a, auto* b) { return a->entry.tier > b->entry.tier; });
    std::sort(its.rbegin(), its.rend());
    for (std::size_t i = 0; i < its.size(); ++i) {
      payees.push_back({address, known[i]->entry.tier});
      values.push_back(its[i]);
    }
  }
  const auto shares = chain::rewards_of(payees);
  for (std::size_t i = 0; i < shares.size(); ++i)
    if (shares[i].second != values[i])
      return "it pays " + shares[i].first + " " + std::to_string(values[i]) +
             " units, its share is " + std::to_string(shares[i].second);

  for (const auto& x : all_) {
    if (x.there != presence::surely_active)
      continue;
    const auto found = amounts.find(x.entry.reward_address);
    const auto& meant = by_reward[x.entry.reward_address];
    if (found == amounts.end() || std::find(meant.begin(), meant.end(), &x) == meant.end())
      return "it does not pay " + x.address + ", which is active";
  }
  return {};
}

member_set masternode_view::paid_by(const chain::reward_list& paid) const {
  member_set result;
  result.size = paid.size();
  std::map<std::string, std::vector<const candidate*>> by_reward;
  for (const auto& x : all_)
    by_reward[x.entry.reward_address].push_back(&x);
  // Anybody may announce any reward address. Who came when the block was made already does not have it, so of those who
  // are here the one that was known first is who was paid.
  for (auto& [address, known] : by_reward)
    std::stable_sort(known.begin(), known.end(), [](auto* a, auto* b) {
      return std::pair{!a->entry.active, a->entry.first_seen} <
             std::pair{!b->entry.active, b->entry.first_seen};
    });
  for (const auto& [address, value] : paid) {
    auto& known = by_reward[address];
    if (known.empty())
      continue;
    result.known.emplace(known.front()->address, known.front()->entry.key);
    known.erase(known.begin());
  }
  return result;
}

member_set masternode_view::present() const {
  member_set result;
  for (const auto* x : payable())
    result.known.emplace(x->address, x->entry.key);
  result.size = result.known.size();
  return result;
}

}  // namespace timenode
