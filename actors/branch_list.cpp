#include "actors/branch_list.hpp"

#include <algorithm>
#include <tuple>

namespace timenode::sync {

known_branch& branch_list::at(std::uint64_t fork_height, const hash256& first) {
  if (auto* known = find(first)) {
    known->fork_height = fork_height;
    return *known;
  }
  if (branches_.size() >= max_branches) {
    // Who has it counts most: a liar can make up any number, each with itself alone.
    const auto interest = [](const known_branch& x) {
      return std::tuple{x.votes.theirs, x.peers.size(), x.state == branch_state::left};
    };
    branches_.erase(
        std::min_element(branches_.begin(), branches_.end(),
                         [&](const auto& x, const auto& y) { return interest(x) < interest(y); }));
  }
  known_branch result;
  result.first = first;
  result.fork_height = fork_height;
  result.height = fork_height + 1;
  result.tip = first;
  return branches_.emplace_back(std::move(result));
}

known_branch* branch_list::find(const hash256& first) {
  const auto i = std::find_if(branches_.begin(), branches_.end(),
                              [&first](const auto& x) { return x.first == first; });
  return i == branches_.end() ? nullptr : &*i;
}

void branch_list::erase(const hash256& first) {
  branches_.remove_if([&first](const auto& x) { return x.first == first; });
}

known_branch* branch_list::of(const ip_address& peer) {
  for (auto& x : branches_)
    if (std::find(x.peers.begin(), x.peers.end(), peer) != x.peers.end())
      return &x;
  return nullptr;
}

void branch_list::joins(const ip_address& peer, known_branch& branch) {
  if (of(peer) == &branch)
    return;
  leaves(peer);
  branch.peers.push_back(peer);
}

void branch_list::leaves(const ip_address& peer) {
  for (auto& x : branches_)
    std::erase(x.peers, peer);
}

void branch_list::forget_peers() {
  for (auto& x : branches_)
    x.peers.clear();
}

known_branch* branch_list::due(monotonic_ns now) {
  known_branch* result = nullptr;
  for (auto& x : branches_)
    if (!x.peers.empty() && x.next_look <= now && (!result || x.next_look < result->next_look))
      result = &x;
  return result;
}

std::optional<monotonic_ns> branch_list::next_look() const {
  std::optional<monotonic_ns> result;
  for (const auto& x : branches_)
    if (!x.peers.empty() && (!result || x.next_look < *result))
      result = x.next_look;
  return result;
}

void branch_list::rest(known_branch& x, monotonic_ns now) {
  const auto doublings = std::min(x.failures++, 10u);
  x.next_look = now + std::min(first_branch_rest << doublings, max_branch_rest);
}

void branch_list::settle(const hash256& block, monotonic_ns until) {
  std::erase_if(settled_, [&block](const auto& x) { return x.first == block; });
  if (settled_.size() >= max_settled)
    settled_.pop_front();
  settled_.emplace_back(block, until);
}

bool branch_list::settled(const hash256& block, monotonic_ns now) const {
  return std::any_of(settled_.begin(), settled_.end(),
                     [&](const auto& x) { return x.first == block && x.second > now; });
}

}  // namespace timenode::sync
