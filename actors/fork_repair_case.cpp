// The second half of the repair of forks: the steps of one case, from the suspicion to the other chain.

#include "actors/fork_repair.hpp"
#include "chain/hashes.hpp"
#include "chain/hex.hpp"
#include "chain/validation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace timenode::sync {

namespace {

std::string short_hash(const hash256& x) {
  return chain::to_hex(x).substr(0, 12);
}

/// Puts a branch into that state; true when it was in another one, which is worth a line.
bool enter(known_branch& x, branch_state state, std::string why) {
  const auto news = x.state != state;
  x.state = state;
  x.why = std::move(why);
  return news;
}

}  // namespace

// -- running ----------------------------------------------------------------------------

void fork_repair::advance(monotonic_ns now, fork_step& out) {
  while (advance_once(now, out)) {
  }
}

/// Does one step; false when there is nothing to do but to wait.
bool fork_repair::advance_once(monotonic_ns now, fork_step& out) {
  if (!case_)
    return begin(now, out);
  switch (case_->at) {
  case phase::listing:
    if (!knows_masternodes(now) && now < case_->deadline)
      return false;
    return choose(now, out);
  case phase::polling_tip:
    if (!case_->poll->done(now))
      return false;
    judge_tip(now, out);
    return true;
  case phase::searching:
    if (!case_->search->next()) {
      located(now, out);
      return true;
    }
    search(now, out);
    return !case_;
  case phase::polling_fork:
    if (!case_->poll->done(now))
      return false;
    judge_fork(now, out);
    return true;
  case phase::fetching:
    work_on_download(now, out);
    return !case_ || case_->at != phase::fetching;
  case phase::switching:
    return false;
  }
  return false;
}

void fork_repair::close(monotonic_ns now) {
  case_.reset();
  next_case_ = now + case_interval;
}

/// Is there anything to find out? Then the masternodes must be known first.
bool fork_repair::begin(monotonic_ns now, fork_step& out) {
  if (now < next_case_ || (suspects_.empty() && !branches_.due(now)))
    return false;
  case_.emplace();
  case_->deadline = now + listing_patience;
  out.list_masternodes = !knows_masternodes(now);
  return true;
}

/// What to work on: what masternodes have goes before what others say, for only that can win.
bool fork_repair::choose(monotonic_ns now, fork_step& out) {
  std::vector<ip_address> by_voters;
  std::vector<ip_address> by_others;
  for (const auto& [ip, x] : suspects_) {
    if (voters_.contains(ip))
      by_voters.push_back(ip);
    else if (!branches_.settled(x.hash, now) && now >= next_hint_)
      by_others.push_back(ip);
  }
  const auto* due = branches_.due(now);
  branches_first_ = !branches_first_;
  if (due && (branches_first_ || by_voters.empty())) {
    open(*due, now, out);
    return true;
  }
  auto& from = by_voters.empty() ? by_others : by_voters;
  if (from.empty()) {
    close(now);
    next_case_ = now + stalemate_interval;  // nothing but what is settled
    return false;
  }
  if (by_voters.empty())
    next_hint_ = now + hint_interval;
  const auto ip = from[random_.below(from.size())];
  open(ip, suspicion{suspects_.at(ip)}, now, out);
  return true;
}

void fork_repair::open(const known_branch& x, monotonic_ns now, fork_step& out) {
  const auto ancestor = chain_.block_at(x.fork_height);
  const auto ours = chain_.hash_at(x.fork_height + 1);
  if (!ancestor || !ours || *ours == x.first) {
    branches_.erase(hash256{x.first});  // our chain has it now, or is not that long any more
    close(now);
    return;
  }
  case_->branch = x.first;
  case_->ancestor = {x.fork_height, chain::block_hash(ancestor->header), ancestor->header.timestamp,
                     0};
  case_->our_first = *ours;
  case_->at = phase::polling_fork;
  poll(x.fork_height + 1, {x.peers.begin(), x.peers.end()}, now, out);
}

void fork_repair::open(const ip_address& ip, const suspicion& x, monotonic_ns now, fork_step& out) {
  const auto ours = chain_.hash_at(x.height);
  if (!ours || *ours == x.hash) {
    suspects_.erase(ip);
    close(now);
    return;
  }
  case_->height = x.height;
  case_->theirs = x.hash;
  case_->at = phase::polling_tip;
  poll(x.height, {ip}, now, out);
  if (!voters_.contains(ip))
    case_->poll->answered(ip, x.hash);  // it told already
}

std::set<ip_address> fork_repair::voters_here() const {
  std::set<ip_address> result;
  for (const auto& [ip, _] : peers_)
    if (voters_.contains(ip))
      result.insert(ip);
  return result;
}

void fork_repair::poll(std::uint64_t height, const std::set<ip_address>& guests, monotonic_ns now,
                       fork_step& out) {
  case_->poll.emplace(height, voters_here(), guests, now);
  for (const auto& ip : case_->poll->asked())
    ask({ip, height}, now, out);
}

// -- who is right at the height of the suspicion -----------------------------------------

void fork_repair::judge_tip(monotonic_ns now, fork_step& out) {
  auto& x = *case_;
  const auto ours = chain_.hash_at(x.height);
  const auto other = ours ? x.poll->top_other(*ours) : std::nullopt;
  if (!other) {
    branches_.settle(x.theirs, now + settled_rest);  // nobody stands by it
    return close(now);
  }
  fork_question question;
  question.votes = x.poll->count(*ours, *other);
  question.electorate = voters_.size();
  question.depth = 1;
  question.ours_certified = chain_.final_height() >= x.height;
  const auto verdict = decide(question);
  if (verdict.choice == fork_choice::keep_ours && !verdict.stalemate) {
    const auto rest =
        question.votes.theirs + question.votes.others == 0 ? hopeless_rest : settled_rest;
    for (const auto& hash : {x.theirs, *other})
      branches_.settle(hash, now + rest);
    std::erase_if(suspects_, [&](const auto& y) {
      return y.second.hash == x.theirs || y.second.hash == *other;
    });
    return close(now);
  }
  x.theirs = *other;
  x.witnesses = x.poll->holders(*other);
  std::reverse(x.witnesses.begin(), x.witnesses.end());  // the last one is asked, voters first
  x.search.emplace(x.height, x.theirs, chain_.tip().height, chain::max_reorg_depth);
  x.at = phase::searching;
  x.deadline = now + search_patience;
  static_cast<void>(out);
}

// -- where the branch parts from ours ------------------------------------------------------

void fork_repair::search(monotonic_ns now, fork_step& out) {
  auto& x = *case_;
  if (now >= x.deadline && !x.witnesses.empty()) {
    x.witnesses.pop_back();
    x.deadline = now + search_patience;
  }
  if (x.witnesses.empty()) {
    branches_.settle(x.theirs, now + settled_rest);
    return close(now);
  }
  ask({x.witnesses.back(), *x.search->next()}, now, out);
}

void fork_repair::located(monotonic_ns now, fork_step& out) {
  auto& x = *case_;
  const auto deep = x.search->too_deep();
  const auto fork = deep ? x.search->lowest_different() - 1 : *x.search->found();
  auto& branch = branches_.at(fork, x.search->first_different());
  if (x.height >= branch.height) {
    branch.height = x.height;
    branch.tip = x.theirs;
  }
  for (const auto& ip : x.witnesses)
    branches_.joins(ip, branch);
  std::erase_if(suspects_, [this](const auto& y) { return branches_.of(y.first) != nullptr; });
  if (deep) {
    const auto news = enter(branch, branch_state::too_deep,
                            fmt::format("it parts from ours more than {} blocks below our tip",
                                        chain::max_reorg_depth));
    branch.next_look = now + hopeless_rest;
    if (news)
      out.notes.push_back(
          {true, fmt::format("{} (and {} more) have a chain that parted from ours more than {} "
                             "blocks ago, which is too far to change over by itself. If most "
                             "masternodes have it, ours is the odd one: stop the node, move the "
                             "data directory's 'chain' away, start again",
                             branch.peers.front().to_string(), branch.peers.size() - 1,
                             chain::max_reorg_depth)});
    return close(now);
  }
  const auto ancestor = chain_.block_at(fork);
  const auto ours = chain_.hash_at(fork + 1);
  if (!ancestor || !ours)
    return close(now);
  if (branch.state == branch_state::looking && branch.votes.answers() == 0)
    out.notes.push_back({false, fmt::format("{} has another chain than we above height {}: its "
                                            "block there is {}, ours {}; asking the masternodes",
                                            branch.peers.front().to_string(), fork,
                                            short_hash(branch.first), short_hash(*ours))});
  x.branch = branch.first;
  x.ancestor = {fork, chain::block_hash(ancestor->header), ancestor->header.timestamp, 0};
  x.our_first = *ours;
  x.at = phase::polling_fork;
  if (x.poll->height() != fork + 1)
    poll(fork + 1, {branch.peers.begin(), branch.peers.end()}, now, out);
}

// -- which one it shall be -------------------------------------------------------------------

/// False when our chain has changed so that the case is about nothing any more.
bool fork_repair::still_ours() const {
  return chain_.hash_at(case_->ancestor.height) == case_->ancestor.hash &&
         chain_.hash_at(case_->ancestor.height + 1) == case_->our_first;
}

void fork_repair::judge_fork(monotonic_ns now, fork_step& out) {
  auto& x = *case_;
  auto* branch = branches_.find(x.branch);
  if (!branch || !still_ours())
    return close(now);
  for (const auto& ip : x.poll->holders(branch->first))
    branches_.joins(ip, *branch);
  std::erase_if(branch->peers,
                [&](const auto& ip) { return x.poll->has_other(ip, branch->first); });
  std::erase_if(suspects_, [this](const auto& y) { return branches_.of(y.first) != nullptr; });

  fork_question question;
  question.votes = x.poll->count(x.our_first, branch->first);
  question.electorate = voters_.size();
  question.depth = chain_.tip().height - x.ancestor.height;
  question.our_first = x.our_first;
  question.their_first = branch->first;
  question.stalemates = branch->stalemates + 1;
  question.ours_certified = chain_.final_height() > x.ancestor.height;
  const auto verdict = decide(question);
  branch->votes = question.votes;
  branch->electorate = question.electorate;
  branch->stalemates = verdict.stalemate ? branch->stalemates + 1 : 0;
  const auto worth_a_line = branch->votes.theirs > 0;
  const auto subject = fmt::format("the branch of {} peers above height {}", branch->peers.size(),
                                   branch->fork_height);
  switch (verdict.choice) {
  case fork_choice::take_theirs:
    if (branch->state == branch_state::invalid && now < branch->next_look)
      return close(now);
    x.why = verdict.why;
    x.decided_at = now;
    if (!x.download)
      out.notes.push_back({false, fmt::format("taking over {}: {}", subject, verdict.why)});
    return fetch(*branch, now);
  case fork_choice::keep_ours:
    branch->next_look = now + (worth_a_line ? settled_rest : hopeless_rest);
    branch->failures = 0;
    if (enter(*branch, branch_state::lost, verdict.why) && worth_a_line)
      out.notes.push_back(
          {false, fmt::format("keeping our chain against {}: {}", subject, verdict.why)});
    return close(now);
  case fork_choice::too_deep:
    branch->next_look = now + hopeless_rest;
    if (enter(*branch, branch_state::too_deep, verdict.why))
      out.notes.push_back(
          {true, fmt::format("not taking over {}: {}. Stop the node, move the data directory's "
                             "'chain' away, start again",
                             subject, verdict.why)});
    return close(now);
  case fork_choice::ask_again:
    if (verdict.stalemate)
      branch->next_look = now + stalemate_interval;
    else
      branch_list::rest(*branch, now);
    if (enter(*branch, branch_state::undecided, verdict.why))
      out.notes.push_back({worth_a_line, fmt::format("undecided about {}: {}; asking again",
                                                     subject, verdict.why)});
    return close(now);
  }
}

// -- fetching it -----------------------------------------------------------------------------

/// What the lower half of them reaches: who claims more than it has cannot make us wait for it.
std::uint64_t fork_repair::median_height(const std::vector<ip_address>& of,
                                         std::uint64_t least) const {
  std::vector<std::uint64_t> heights;
  for (const auto& ip : of)
    if (const auto i = peers_.find(ip); i != peers_.end())
      heights.push_back(std::max(i->second.height, least));
  if (heights.empty())
    return least;
  const auto middle = heights.begin() + static_cast<std::ptrdiff_t>((heights.size() - 1) / 2);
  std::nth_element(heights.begin(), middle, heights.end());
  return *middle;
}

void fork_repair::fetch(known_branch& branch, monotonic_ns now) {
  auto& x = *case_;
  x.at = phase::fetching;
  if (x.download)
    return;  // it was there already, and the decision stands
  const auto least = x.ancestor.height + 1;
  x.download.emplace(x.ancestor, branch.first, median_height(branch.peers, least), checks_,
                     random_(), now, max_bytes_);
  for (const auto& ip : branch.peers)
    if (const auto i = peers_.find(ip); i != peers_.end())
      x.download->add_peer(ip, i->second.direction, std::max(i->second.height, least), now);
  x.download->offer(from_shelf(branch.first), unix_now_, now);
}

/// What we had of a branch that was our chain once: a change back costs no download.
std::vector<block_ptr> fork_repair::from_shelf(const hash256& first) const {
  std::map<hash256, hash256> children;
  for (const auto& x : chain_.shelved())
    children.emplace(x.previous_hash, x.hash);
  std::vector<block_ptr> result;
  for (auto hash = std::optional{first}; hash;) {
    auto block = chain_.block_on_shelf(*hash);
    if (!block)
      break;
    result.push_back(std::move(block));
    const auto next = children.find(*hash);
    hash = next == children.end() ? std::nullopt : std::optional{next->second};
  }
  return result;
}

void fork_repair::work_on_download(monotonic_ns now, fork_step& out) {
  auto& x = *case_;
  auto* branch = branches_.find(x.branch);
  if (!branch || !still_ours())
    return close(now);
  if (x.download->complete()) {
    if (now - x.decided_at < decision_keep)
      return hand_over(now, out);
    x.at = phase::polling_fork;
    return poll(x.ancestor.height + 1, {branch->peers.begin(), branch->peers.end()}, now, out);
  }
  if (x.download->failed(now) && !x.download->invalid().empty()) {
    const auto news = enter(*branch, branch_state::invalid, std::string{x.download->invalid()});
    branch->next_look = now + hopeless_rest;
    if (news)
      out.notes.push_back({true, fmt::format("the branch above height {} is invalid: {}",
                                             branch->fork_height, branch->why)});
    return close(now);
  }
  if (x.download->failed(now)) {
    branch_list::rest(*branch, now);
    if (enter(*branch, branch_state::failed, "nobody delivered it; " + x.why))
      out.notes.push_back({true, fmt::format("cannot fetch the branch above height {}: {} peers "
                                             "have it and none delivers; trying again",
                                             branch->fork_height, branch->peers.size())});
    return close(now);
  }
  auto ranges = x.download->step(now);
  std::move(ranges.begin(), ranges.end(), std::back_inserter(out.ranges));
}

void fork_repair::hand_over(monotonic_ns now, fork_step& out) {
  static_cast<void>(now);
  auto& x = *case_;
  x.at = phase::switching;
  x.left = chain_.tip();
  out.reorganise = chain_branch{x.ancestor.height, x.ancestor.hash, x.download->blocks()};
}

// -- what came of it ---------------------------------------------------------------------------

std::optional<bad_block> fork_repair::switched(const apply_reply& reply, monotonic_ns now) {
  std::optional<bad_block> result;
  if (!case_ || case_->at != phase::switching)
    return result;
  auto& x = *case_;
  auto* branch = branches_.find(x.branch);
  if (reply.applied > 0) {
    const auto peers = branch ? branch->peers : std::vector<ip_address>{};
    const auto votes = branch ? branch->votes : fork_votes{};
    branches_.erase(x.branch);
    auto& former = branches_.at(x.ancestor.height, x.our_first);
    former.state = branch_state::left;
    former.why = "it was our chain; " + x.why;
    former.height = x.left.height;
    former.tip = x.left.hash;
    former.votes = {votes.theirs, votes.ours, votes.others, votes.none};
    former.next_look = now + settled_rest;
    chain_changed(now);
    return result;
  }
  if (branch && !reply.rejected.empty() && reply.rejected_height != 0) {
    enter(*branch, branch_state::invalid, reply.rejected);
    branch->next_look = now + hopeless_rest;
    if (const auto from = x.download->sender_of(reply.rejected_height)) {
      const auto index = reply.rejected_height - x.ancestor.height - 1;
      const auto& block = x.download->blocks()[index].block;
      result = bad_block{{block, *from, memory_of(*block)}, reply.rejected, false};
    }
  } else if (branch) {
    branch_list::rest(*branch, now);
  }
  close(now);
  return result;
}

void fork_repair::chain_changed(monotonic_ns now) {
  suspects_.clear();
  branches_.forget_peers();
  watch_.start_over(now);
  close(now);
}

}  // namespace timenode::sync
