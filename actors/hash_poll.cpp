#include "actors/hash_poll.hpp"

#include <algorithm>
#include <utility>

namespace timenode::sync {

hash_poll::hash_poll(std::uint64_t height, std::set<ip_address> voters, std::set<ip_address> guests,
                     monotonic_ns now)
    : height_{height}, voters_{std::move(voters)}, guests_{std::move(guests)}, deadline_{
                                                                                   now +
                                                                                   poll_patience} {
  for (const auto& x : voters_)
    guests_.erase(x);
}

std::vector<ip_address> hash_poll::asked() const {
  std::vector<ip_address> result{voters_.begin(), voters_.end()};
  result.insert(result.end(), guests_.begin(), guests_.end());
  return result;
}

void hash_poll::answered(const ip_address& peer, const std::optional<hash256>& hash) {
  if (voters_.erase(peer) > 0)
    votes_.emplace(peer, hash);
  else if (guests_.erase(peer) > 0)
    hints_.emplace(peer, hash);
}

void hash_poll::left(const ip_address& peer) {
  voters_.erase(peer);
  guests_.erase(peer);
}

bool hash_poll::done(monotonic_ns now) const noexcept {
  return now >= deadline_ || (voters_.empty() && guests_.empty());
}

fork_votes hash_poll::count(const hash256& ours, const hash256& theirs) const {
  fork_votes result;
  for (const auto& [_, hash] : votes_) {
    if (!hash)
      ++result.none;
    else if (*hash == ours)
      ++result.ours;
    else if (*hash == theirs)
      ++result.theirs;
    else
      ++result.others;
  }
  return result;
}

std::optional<hash256> hash_poll::top_other(const hash256& ours) const {
  const auto best = [&ours](const answer_map& answers) {
    std::map<hash256, std::size_t> counts;
    for (const auto& [_, hash] : answers)
      if (hash && *hash != ours)
        ++counts[*hash];
    const auto top =
        std::max_element(counts.begin(), counts.end(),
                         [](const auto& x, const auto& y) { return x.second < y.second; });
    return top == counts.end() ? std::nullopt : std::optional{top->first};
  };
  const auto result = best(votes_);
  return result ? result : best(hints_);
}

std::vector<ip_address> hash_poll::holders(const hash256& hash) const {
  std::vector<ip_address> result;
  for (const auto* answers : {&votes_, &hints_})
    for (const auto& [peer, x] : *answers)
      if (x == hash)
        result.push_back(peer);
  return result;
}

bool hash_poll::has_other(const ip_address& peer, const hash256& hash) const {
  for (const auto* answers : {&votes_, &hints_})
    if (const auto i = answers->find(peer); i != answers->end())
      return i->second != hash;
  return false;
}

}  // namespace timenode::sync
