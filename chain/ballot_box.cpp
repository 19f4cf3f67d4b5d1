#include "chain/ballot_box.hpp"

#include <algorithm>
#include <functional>

namespace timenode::chain {

namespace {

std::size_t count_in(const std::map<hash256, std::size_t>& counts, const hash256& block) {
  const auto found = counts.find(block);
  return found != counts.end() ? found->second : 0;
}

std::optional<hash256> reached_in(const std::map<hash256, std::size_t>& counts,
                                  std::size_t needed) {
  for (const auto& [block, count] : counts)
    if (count >= needed)
      return block;
  return std::nullopt;
}

void take_one(std::map<hash256, std::size_t>& counts, const hash256& block) {
  if (const auto found = counts.find(block); found != counts.end() && --found->second == 0)
    counts.erase(found);
}

}  // namespace

// -- one phase of a round -------------------------------------------------------------------

std::size_t ballot_box::phase_ballots::count(const hash256& block) const {
  return count_in(counts, block);
}

void ballot_box::phase_ballots::erase(its_ballots& its, its_ballots::iterator which) {
  take_one(counts, which->block_hash);
  its.erase(which);
}

/// Takes out the ballot for the block that the fewest voted for, if fewer did than for `block`.
bool ballot_box::phase_ballots::make_room(its_ballots& its, const hash256& block) {
  const auto least = std::min_element(its.begin(), its.end(), [this](auto& a, auto& b) {
    return count(a.block_hash) < count(b.block_hash);
  });
  // Its own ballot is among those of the block that it would leave.
  if (count(least->block_hash) > count(block) + 1)
    return false;
  erase(its, least);
  return true;
}

void ballot_box::phase_ballots::add(const wire::block_ballot& x) {
  by_voter[x.voter].push_back(x);
  ++counts[x.block_hash];
}

// -- all of them ------------------------------------------------------------------------------

ballot_fate ballot_box::add(const wire::block_ballot& x, std::uint64_t round) {
  auto& highest = highest_[x.voter];
  highest = std::max(highest, x.round);
  if ((round > x.round && round - x.round > rounds_kept) ||
      (x.round > round && x.round - round > rounds_kept))
    return ballot_fate::out_of_reach;
  auto& ballots = rounds_[x.round];
  auto& all = x.phase == wire::ballot_phase::prepare ? ballots.prepare : ballots.lock;
  auto& its = all.by_voter[x.voter];
  for (const auto& known : its)
    if (known.block_hash == x.block_hash)
      return ballot_fate::known;
  if (its.size() >= ballots_a_member && !all.make_room(its, x.block_hash))
    return ballot_fate::out_of_reach;
  all.add(x);
  return its.size() == 1 ? ballot_fate::counted : ballot_fate::conflicting;
}

ballot_fate ballot_box::add(const wire::block_vote& x) {
  auto& its = votes_[x.voter];
  for (const auto& known : its)
    if (known.block_hash == x.block_hash)
      return ballot_fate::known;
  if (its.size() >= ballots_a_member) {
    const auto least = std::min_element(its.begin(), its.end(), [this](auto& a, auto& b) {
      return votes_for(a.block_hash) < votes_for(b.block_hash);
    });
    if (votes_for(least->block_hash) > votes_for(x.block_hash) + 1)
      return ballot_fate::out_of_reach;
    take_one(vote_counts_, least->block_hash);
    its.erase(least);
  }
  its.push_back(x);
  ++vote_counts_[x.block_hash];
  return its.size() == 1 ? ballot_fate::counted : ballot_fate::conflicting;
}

const ballot_box::phase_ballots* ballot_box::find(std::uint64_t round,
                                                  wire::ballot_phase phase) const {
  const auto found = rounds_.find(round);
  if (found == rounds_.end())
    return nullptr;
  return phase == wire::ballot_phase::prepare ? &found->second.prepare : &found->second.lock;
}

std::size_t ballot_box::votes_for(const hash256& block) const {
  return count_in(vote_counts_, block);
}

std::size_t ballot_box::count(std::uint64_t round, wire::ballot_phase phase,
                              const hash256& block) const {
  const auto* ballots = find(round, phase);
  return ballots != nullptr ? ballots->count(block) : 0;
}

std::size_t ballot_box::count(std::uint64_t round, wire::ballot_phase phase) const {
  const auto* ballots = find(round, phase);
  return ballots != nullptr ? ballots->by_voter.size() : 0;
}

std::optional<hash256> ballot_box::agreed(std::uint64_t round, wire::ballot_phase phase,
                                          std::size_t needed) const {
  const auto* ballots = find(round, phase);
  return ballots != nullptr ? reached_in(ballots->counts, needed) : std::nullopt;
}

std::optional<std::uint64_t> ballot_box::prepared_in(const hash256& block, std::uint64_t last,
                                                     std::size_t needed) const {
  for (auto i = rounds_.rbegin(); i != rounds_.rend(); ++i)
    if (i->first <= last && i->second.prepare.count(block) >= needed)
      return i->first;
  return std::nullopt;
}

std::optional<std::pair<std::uint64_t, hash256>>
ballot_box::latest_agreed(wire::ballot_phase phase, std::uint64_t last, std::size_t needed) const {
  for (auto i = rounds_.rbegin(); i != rounds_.rend(); ++i) {
    if (i->first > last)
      continue;
    if (const auto block = agreed(i->first, phase, needed); block && !block->is_zero())
      return std::pair{i->first, *block};
  }
  return std::nullopt;
}

bool ballot_box::is_wanted(const hash256& block, std::size_t prepared) const {
  return votes_for(block) > 0 || std::any_of(rounds_.begin(), rounds_.end(), [&](const auto& x) {
           return x.second.lock.count(block) > 0 || x.second.prepare.count(block) >= prepared;
         });
}

std::uint64_t ballot_box::round_reached(std::size_t needed) const {
  if (needed == 0 || highest_.size() < needed)
    return 0;
  std::vector<std::uint64_t> rounds;
  rounds.reserve(highest_.size());
  for (const auto& [voter, round] : highest_)
    rounds.push_back(round);
  const auto nth = rounds.begin() + static_cast<std::ptrdiff_t>(needed - 1);
  std::nth_element(rounds.begin(), nth, rounds.end(), std::greater<>{});
  return *nth;
}

std::optional<hash256> ballot_box::voted(std::size_t needed) const {
  return reached_in(vote_counts_, needed);
}

std::vector<std::pair<std::string, byte_string>>
ballot_box::signatures(const hash256& block) const {
  std::vector<std::pair<std::string, byte_string>> result;
  for (const auto& [voter, its] : votes_)
    for (const auto& x : its)
      if (x.block_hash == block)
        result.emplace_back(voter, x.signature);
  return result;
}

std::vector<wire::block_ballot> ballot_box::ballots(std::uint64_t round, wire::ballot_phase phase,
                                                    const std::optional<hash256>& block) const {
  std::vector<wire::block_ballot> result;
  if (const auto* all = find(round, phase))
    for (const auto& [voter, its] : all->by_voter)
      for (const auto& x : its)
        if (!block || x.block_hash == *block)
          result.push_back(x);
  return result;
}

std::optional<wire::block_ballot> ballot_box::ballot_of(const std::string& voter,
                                                        std::uint64_t round,
                                                        wire::ballot_phase phase) const {
  if (const auto* all = find(round, phase))
    if (const auto found = all->by_voter.find(voter);
        found != all->by_voter.end() && !found->second.empty())
      return found->second.front();
  return std::nullopt;
}

std::optional<wire::block_vote> ballot_box::vote_of(const std::string& voter) const {
  const auto found = votes_.find(voter);
  return found != votes_.end() ? std::optional{found->second.front()} : std::nullopt;
}

std::vector<wire::block_vote> ballot_box::votes() const {
  std::vector<wire::block_vote> result;
  for (const auto& [voter, its] : votes_)
    result.insert(result.end(), its.begin(), its.end());
  return result;
}

void ballot_box::forget_before(std::uint64_t round, const std::optional<std::uint64_t>& keep) {
  std::erase_if(rounds_, [&](const auto& x) {
    return x.first < round && round - x.first > rounds_kept && (!keep || x.first != *keep);
  });
}

void ballot_box::keep_voters(const std::set<std::string>& members) {
  const auto is_gone = [&](const auto& x) { return !members.contains(x.first); };
  for (auto& [number, round] : rounds_)
    for (auto* x : {&round.prepare, &round.lock}) {
      for (auto& [voter, its] : x->by_voter)
        while (!members.contains(voter) && !its.empty())
          x->erase(its, its.begin());
      std::erase_if(x->by_voter, is_gone);
    }
  for (const auto& [voter, its] : votes_)
    for (const auto& x : its)
      if (!members.contains(voter))
        take_one(vote_counts_, x.block_hash);
  std::erase_if(votes_, is_gone);
  std::erase_if(highest_, is_gone);
}

}  // namespace timenode::chain
