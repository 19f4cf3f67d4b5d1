#include "chain/height_consensus.hpp"

#include "chain/leader.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace timenode::chain {

namespace {

using wire::ballot_phase;

constexpr monotonic_ns second = 1'000'000'000;
constexpr hash256 no_block{};

}  // namespace

round_times times_for(std::int64_t block_time) noexcept {
  const auto part = [block_time](std::int64_t parts, monotonic_ns least, monotonic_ns most) {
    return std::clamp(block_time * second / parts, least, most);
  };
  return {part(20, 2 * second, max_proposal_wait), part(40, second, max_ballot_wait)};
}

height_consensus::height_consensus(setup x, const std::vector<signed_record>& history)
    : setup_(std::move(x)) {
  std::sort(setup_.members.begin(), setup_.members.end());
  takes_part_ = setup_.self && is_member(*setup_.self);
  resume(history);
}

// After a restart we are where we were: what we signed binds us.
void height_consensus::resume(const std::vector<signed_record>& history) {
  using deed = signed_record::deed;
  for (const auto& x : history) {
    if (x.what == deed::vote) {
      decided_ = x.block;
      voted_ = true;
      continue;
    }
    first_round_ = std::max(first_round_, x.round);
    if (x.what != deed::propose)
      cast_.emplace(x.round, x.what == deed::prepare ? ballot_phase::prepare : ballot_phase::lock);
    if (x.what == deed::lock && !x.block.is_zero() && (!locked_ || locked_->first <= x.round))
      locked_ = valid_ = std::pair{x.round, x.block};
  }
  for (const auto& x : history) {
    if (x.what == deed::vote)
      again_.push_back(vote_action{x.block});
    else if (x.what != deed::propose && x.round + ballot_box::rounds_kept >= first_round_)
      again_.push_back(ballot_action{
          x.round, x.what == deed::prepare ? ballot_phase::prepare : ballot_phase::lock, x.block});
  }
}

// -- reading -----------------------------------------------------------------------------

bool height_consensus::is_member(const std::string& address) const {
  return std::binary_search(setup_.members.begin(), setup_.members.end(), address);
}

std::optional<std::string> height_consensus::leader(std::uint64_t round) const {
  const auto first = leader_of(setup_.height, setup_.members);
  if (!first)
    return std::nullopt;
  const auto& all = setup_.members;
  const auto place = std::lower_bound(all.begin(), all.end(), *first) - all.begin();
  return all[(static_cast<std::size_t>(place) + round % all.size()) % all.size()];
}

std::optional<monotonic_ns> height_consensus::deadline() const {
  if (step_ == step::waiting || decided_ || !takes_part_)
    return std::nullopt;
  std::optional<monotonic_ns> result;
  const auto consider = [&](monotonic_ns at) {
    if (at != 0)
      result = std::min(result.value_or(at), at);
  };
  if (step_ == step::proposal)
    consider(proposal_until_);
  if (step_ == step::prepared)
    consider(prepare_until_);
  consider(lock_until_);
  return result;
}

std::optional<block_quality> height_consensus::quality_of(const hash256& block) const {
  const auto found = blocks_.find(block);
  return found != blocks_.end() ? std::optional{found->second} : std::nullopt;
}

std::optional<hash256> height_consensus::missing_block() const {
  if (decided_)
    return blocks_.contains(*decided_) ? std::nullopt : decided_;
  const auto agreed = box_.latest_agreed(ballot_phase::prepare, round_, quorum());
  if (agreed && !blocks_.contains(agreed->second))
    return agreed->second;
  return std::nullopt;
}

bool height_consensus::is_binding(const hash256& block) const {
  return block == decided_ || (locked_ && locked_->second == block) ||
         (valid_ && valid_->second == block) || missing_block() == block;
}

bool height_consensus::is_current(const hash256& block) const {
  const auto proposed_in = [&](std::uint64_t round) {
    const auto found = proposals_.find(round);
    return found != proposals_.end() &&
           std::find(found->second.begin(), found->second.end(), block) != found->second.end();
  };
  const auto more_than_a_third = setup_.size / 3 + 1;
  return is_binding(block) || proposed_in(round_) || (round_ > 0 && proposed_in(round_ - 1)) ||
         box_.is_wanted(block, more_than_a_third);
}

bool height_consensus::needs(const hash256& block) const {
  if (is_binding(block))
    return true;
  return std::any_of(proposals_.begin(), proposals_.end(), [&](const auto& x) {
    return std::find(x.second.begin(), x.second.end(), block) != x.second.end();
  });
}

std::vector<hash256> height_consensus::proposals(std::uint64_t round) const {
  const auto found = proposals_.find(round);
  return found != proposals_.end() ? found->second : std::vector<hash256>{};
}

std::vector<wire::message> height_consensus::ours() const {
  std::vector<wire::message> result;
  if (!takes_part_ || !setup_.self)
    return result;
  const auto previous = round_ - std::min<std::uint64_t>(round_, 1);
  for (auto round = previous; round <= round_; ++round)
    for (const auto phase : {ballot_phase::prepare, ballot_phase::lock})
      if (const auto x = box_.ballot_of(*setup_.self, round, phase))
        result.emplace_back(*x);
  if (const auto x = box_.vote_of(*setup_.self))
    result.emplace_back(*x);
  return result;
}

std::vector<wire::message> height_consensus::standing() const {
  std::vector<wire::message> result;
  const auto add = [&](const auto& all) { result.insert(result.end(), all.begin(), all.end()); };
  // Not only ours: a liar's ballot that took us on may have been sent to us alone.
  if (round_ > 0)
    add(box_.ballots(round_ - 1, ballot_phase::lock));
  add(box_.ballots(round_, ballot_phase::prepare));
  add(box_.ballots(round_, ballot_phase::lock));
  const auto any_round = round_ + ballot_box::rounds_kept;
  const auto proof = box_.latest_agreed(ballot_phase::lock, any_round, quorum());
  if (proof && proof->first != round_)
    add(box_.ballots(proof->first, ballot_phase::lock, proof->second));
  if (!proof && valid_ && valid_->first != round_)
    add(box_.ballots(valid_->first, ballot_phase::prepare, valid_->second));
  add(box_.votes());
  return result;
}

// -- what happens ---------------------------------------------------------------------------

void height_consensus::begin(monotonic_ns now) {
  if (step_ != step::waiting)
    return;
  enter(first_round_, now);
  for (auto& x : std::exchange(again_, {})) {
    if (const auto* ballot = std::get_if<ballot_action>(&x); ballot && ballot->round == round_)
      step_ =
          ballot->phase == ballot_phase::prepare ? std::max(step_, step::prepared) : step::locked;
    if (takes_part_)
      actions_.push_back(x);
  }
  evaluate(now);
}

void height_consensus::block_is(const hash256& block, block_quality quality, monotonic_ns now) {
  blocks_[block] = quality;
  evaluate(now);
}

bool height_consensus::proposed(std::uint64_t round, const hash256& block, monotonic_ns now) {
  if (round + ballot_box::rounds_kept < round_ ||
      (round > round_ && round - round_ > ballot_box::rounds_kept))
    return false;
  auto& known = proposals_[round];
  if (std::find(known.begin(), known.end(), block) != known.end())
    return true;
  if (known.size() >= proposals_a_round)
    return false;
  known.push_back(block);
  evaluate(now);
  return true;
}

ballot_fate height_consensus::take(const wire::block_ballot& x, monotonic_ns now) {
  const auto result = box_.add(x, round_);
  if (result == ballot_fate::counted && x.round < round_)
    abstain(x.round);
  evaluate(now);
  return result;
}

ballot_fate height_consensus::take(const wire::block_vote& x, monotonic_ns now) {
  const auto result = box_.add(x);
  evaluate(now);
  return result;
}

void height_consensus::tick(monotonic_ns now) {
  evaluate(now);
}

void height_consensus::members_are(std::vector<std::string> members, std::size_t size,
                                   monotonic_ns now) {
  std::sort(members.begin(), members.end());
  if (members == setup_.members && size == setup_.size)
    return;
  setup_.members = std::move(members);
  setup_.size = size;
  takes_part_ = setup_.self && is_member(*setup_.self);
  box_.keep_voters({setup_.members.begin(), setup_.members.end()});
  evaluate(now);
}

std::vector<consensus_action> height_consensus::take_actions() {
  return std::exchange(actions_, {});
}

// -- the rules --------------------------------------------------------------------------------

monotonic_ns height_consensus::wait_of(monotonic_ns first, monotonic_ns most) const noexcept {
  // Beyond so many rounds every wait is the longest, and nothing overflows.
  const auto rounds = static_cast<monotonic_ns>(std::min<std::uint64_t>(round_, 60)) + 1;
  return std::max(first, std::min(first * rounds, most));
}

void height_consensus::enter(std::uint64_t round, monotonic_ns now) {
  round_ = round;
  step_ = step::proposal;
  proposal_until_ = now + wait_of(setup_.times.proposal, max_proposal_wait);
  prepare_until_ = lock_until_ = 0;
  forget_old();
  if (takes_part_ && leader(round_) == setup_.self && proposals(round_).empty())
    actions_.push_back(
        propose_action{round_, valid_ ? std::optional{valid_->second} : std::nullopt});
}

void height_consensus::forget_old() {
  box_.forget_before(round_, valid_ ? std::optional{valid_->first} : std::nullopt);
  std::erase_if(proposals_,
                [&](const auto& x) { return x.first + ballot_box::rounds_kept < round_; });
  std::erase_if(blocks_, [&](const auto& x) { return !needs(x.first); });
  std::erase_if(cast_, [&](const auto& x) { return x.first + ballot_box::rounds_kept < round_; });
}

void height_consensus::evaluate(monotonic_ns now) {
  while (advance(now)) {
  }
}

/// One step of whatever can be done now; false when there is nothing.
bool height_consensus::advance(monotonic_ns now) {
  if (committed_)
    return false;
  if (settle())
    return true;
  if (decided_ || step_ == step::waiting)
    return false;
  if (const auto reached = box_.round_reached(third_of(setup_.size)); reached > round_) {
    enter(reached, now);
    return true;
  }
  if (!takes_part_)
    return false;
  const auto agreed = box_.latest_agreed(ballot_phase::prepare, round_, quorum());
  if (agreed && (!valid_ || valid_->first < agreed->first)) {
    const auto quality = quality_of(agreed->second);
    if (quality && *quality != block_quality::impossible) {
      valid_ = agreed;
      return true;
    }
  }
  return (step_ == step::proposal && try_prepare(now)) ||
         (step_ == step::prepared && try_lock(now)) || go_on(now);
}

/// Decisions, our vote, the commit.
bool height_consensus::settle() {
  if (const auto block = box_.voted(quorum())) {
    committed_ = decided_ = block;
    actions_.push_back(commit_action{*block});
    return true;
  }
  if (!decided_) {
    const auto any_round = round_ + ballot_box::rounds_kept;
    if (const auto block = box_.voted(third_of(setup_.size)))
      decided_ = block;
    else if (const auto agreed = box_.latest_agreed(ballot_phase::lock, any_round, quorum()))
      decided_ = agreed->second;
    if (!decided_)
      return false;
  }
  // We vote for what we have seen and what can be ours.
  const auto quality = quality_of(*decided_);
  if (voted_ || !takes_part_ || !quality || *quality == block_quality::impossible)
    return false;
  voted_ = true;
  actions_.push_back(vote_action{*decided_});
  return true;
}

bool height_consensus::may_prepare(const hash256& block) const {
  if (!locked_ || locked_->second == block)
    return true;
  if (round_ == 0)
    return false;
  const auto prepared = box_.prepared_in(block, round_ - 1, quorum());
  return prepared && *prepared >= locked_->first;
}

bool height_consensus::try_prepare(monotonic_ns now) {
  bool wait = false;
  for (const auto& block : proposals(round_)) {
    if (quality_of(block) != block_quality::good)
      continue;
    if (may_prepare(block)) {
      cast(ballot_phase::prepare, block);
      return true;
    }
    // What unlocks us may still be on its way.
    wait = true;
  }
  const auto none_is_good = !proposals(round_).empty() && !wait;
  const auto others_agree = box_.agreed(round_, ballot_phase::prepare, quorum());
  const auto can_lock =
      others_agree && (others_agree->is_zero() || quality_of(*others_agree).has_value());
  if (none_is_good || can_lock || now >= proposal_until_) {
    cast(ballot_phase::prepare, no_block);
    return true;
  }
  return false;
}

bool height_consensus::try_lock(monotonic_ns now) {
  const auto agreed = box_.agreed(round_, ballot_phase::prepare, quorum());
  if (agreed && agreed->is_zero()) {
    cast(ballot_phase::lock, no_block);
    return true;
  }
  if (agreed) {
    // That two thirds found it right outweighs that we would have made another one.
    const auto quality = quality_of(*agreed);
    if (quality && *quality != block_quality::impossible) {
      locked_ = valid_ = std::pair{round_, *agreed};
      cast(ballot_phase::lock, *agreed);
      return true;
    }
  }
  if (prepare_until_ == 0 && box_.count(round_, ballot_phase::prepare) >= quorum())
    prepare_until_ = now + wait_of(setup_.times.ballots, max_ballot_wait);
  if (prepare_until_ != 0 && now >= prepare_until_) {
    cast(ballot_phase::lock, no_block);
    return true;
  }
  return false;
}

/// The next round, when this one came to nothing. Never alone: who went on while the others cannot be heard
/// would be far from them when they can.
bool height_consensus::go_on(monotonic_ns now) {
  if (box_.count(round_, ballot_phase::lock) < quorum())
    return false;
  const auto agreed = box_.agreed(round_, ballot_phase::lock, quorum());
  if (lock_until_ == 0)
    lock_until_ = now + wait_of(setup_.times.ballots, max_ballot_wait);
  if (!(agreed && agreed->is_zero()) && now < lock_until_)
    return false;
  enter(round_ + 1, now);
  return true;
}

void height_consensus::cast(ballot_phase phase, const hash256& block) {
  step_ = phase == ballot_phase::prepare ? step::prepared : step::locked;
  cast_.emplace(round_, phase);
  actions_.push_back(ballot_action{round_, phase, block});
}

/// Somebody is in a round that we have left, perhaps with what only we had seen, before a restart. For none
/// we can always be, where we were for nothing yet: it lets the others come to where we are.
void height_consensus::abstain(std::uint64_t round) {
  if (!takes_part_ || decided_ || step_ == step::waiting)
    return;
  for (const auto phase : {ballot_phase::prepare, ballot_phase::lock})
    if (cast_.emplace(round, phase).second)
      actions_.push_back(ballot_action{round, phase, no_block});
}

}  // namespace timenode::chain
