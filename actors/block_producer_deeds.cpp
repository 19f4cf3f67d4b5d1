// What this node does about the heights that are being decided: proposes, casts, votes, commits.

#include "actors/block_producer.hpp"
#include "chain/block_maker.hpp"
#include "chain/block_schedule.hpp"
#include "chain/hashes.hpp"
#include "chain/hex.hpp"
#include "chain/signed_messages.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace timenode {

namespace {

using deed = chain::signed_record::deed;

/// Transactions of a block have room for so many bytes: the rest of 2,000,000 is for header, coinbase and
/// rewards, which take some 150 bytes a masternode.
constexpr std::size_t max_filling_bytes = 1'500'000;
/// A block without transactions is better than a missed round.
constexpr std::chrono::seconds filling_patience{2};
/// Peers that are told everything that we know of a height when it takes long: enough that all hear of it soon,
/// and the cost of it does not grow with the number of peers.
constexpr std::size_t peers_told = 8;
/// A commit that the keeper refused is tried again after this.
constexpr auto commit_period = to_ns(std::chrono::seconds{5});
/// ... and an operator is told of it again after this, if the reason is the same.
constexpr auto not_stored_period = to_ns(std::chrono::minutes{1});

}  // namespace

/// Does all that can be done now. Called after everything that happens.
void block_producer_state::drive() {
  const auto time = now();
  if (ask_again_at_ != 0 && ask_again_at_ <= time)
    refresh();
  for (auto& [height, x] : behind_) {
    // A block may be there before it is due, and another one be voted for.
    begin_if_due(x);
    x.machine.tick(time);
    act(x);
  }
  if (current_) {
    auto& x = *current_;
    begin_if_due(x);
    x.machine.tick(time);
    act(x);
    if (x.machine.round() != x.round_seen) {
      // The round failed, perhaps because not all saw the same masternodes: look again.
      ++counts_.failed_rounds;
      x.round_seen = x.machine.round();
      refresh();
    }
  }
  if (is_deciding() && repeat_at_ <= time) {
    repeat_at_ = time + repeat_period();
    for (const auto& [height, x] : behind_)
      repeat(x);
    if (current_ && current_->machine.begun())
      repeat(*current_);
    // It takes long, perhaps since somebody who belongs to it was not known when it began.
    refresh();
  }
  set_alarm();
}

void block_producer_state::begin_if_due(work& x) {
  if (x.machine.begun() || catching_up_ || !knows_enough(x) ||
      (context_.unix_now() < x.due && !x.machine.others_have_begun()))
    return;
  x.machine.begin(now());
  x.begun_at = now();
  repeat_at_ = now() + repeat_period();
}

void block_producer_state::act(work& x) {
  // The machine holds these for cast, and would wait for ever: with the clock right again, or room on the disk, they are.
  for (const auto& action : std::exchange(x.held_back, {}))
    if (const auto* ballot = std::get_if<chain::ballot_action>(&action))
      cast(x, *ballot);
    else if (const auto* vote_for = std::get_if<chain::vote_action>(&action))
      vote(x, *vote_for);
  for (auto actions = x.machine.take_actions(); !actions.empty();
       actions = x.machine.take_actions())
    for (const auto& action : actions) {
      if (const auto* what = std::get_if<chain::propose_action>(&action))
        propose(x, *what);
      else if (const auto* ballot = std::get_if<chain::ballot_action>(&action))
        cast(x, *ballot);
      else if (const auto* vote_for = std::get_if<chain::vote_action>(&action))
        vote(x, *vote_for);
    }
  if (x.machine.committed() && !x.committing && now() >= x.commit_again_at)
    commit(x);
}

// -- proposals --------------------------------------------------------------------------------

block_ptr block_producer_state::content_of(const work& x, const hash256& block) const {
  const auto known = x.blocks.find(block);
  if (known != x.blocks.end() && known->second.judged.checked.block)
    return known->second.judged.checked.block;
  return parts_.journal ? parts_.journal->block_of(block) : nullptr;
}

void block_producer_state::propose(work& x, const chain::propose_action& what) {
  if (!why_silent().empty())
    return;
  const auto height = x.machine.height();
  for (const auto& record : parts_.journal->signed_for(height))
    if (record.what == deed::propose && record.round == what.round) {
      if (const auto block = content_of(x, record.block))
        send_proposal(x, what.round, block);
      return;
    }
  if (what.block) {
    if (const auto block = content_of(x, *what.block))
      send_proposal(x, what.round, block);
    return;
  }
  if (parts_.transactions)
    fill_block(height, what.round);
  else
    make_proposal(x, what.round, {});
}

void block_producer_state::fill_block(std::uint64_t height, std::uint64_t round) {
  const auto make = [this, height, round](block_filling filling) {
    if (!current_ || current_->machine.height() != height || current_->machine.round() != round)
      return;
    make_proposal(*current_, round, std::move(filling));
    drive();
  };
  self_
      ->request(parts_.transactions, filling_patience, atom::fill_v,
                static_cast<std::uint64_t>(max_filling_bytes))
      .then([make](block_filling& filling) { make(std::move(filling)); },
            [make](const caf::error&) {
              spdlog::warn("consensus: no transactions came for the block in time; it has none");
              make({});
            });
}

void block_producer_state::make_proposal(work& x, std::uint64_t round, block_filling filling) {
  auto rewards = view_.rewards();
  if (rewards.size() < chain::least_masternodes) {
    spdlog::debug("consensus: no block is proposed, since {} masternodes are active",
                  rewards.size());
    x.unproposed = chain::propose_action{round, std::nullopt};
    return;
  }
  chain::block_parts made;
  made.parent = x.parent;
  made.timestamp = chain::due_time(context_.rules, context_.network, x.parent, context_.unix_now());
  made.rewards = std::move(rewards);
  made.transactions = std::move(filling.transactions);
  made.fees = filling.fees;
  if (send_proposal(x, round, chain::make_block(made)) || made.transactions.empty())
    return;
  // Whatever is wrong with the transactions must not stop the chain.
  made.transactions.clear();
  made.fees = 0;
  send_proposal(x, round, chain::make_block(std::move(made)));
}

/// False when the block breaks a rule, so that another one can be made in its place.
bool block_producer_state::send_proposal(work& x, std::uint64_t round, const block_ptr& block) {
  const auto hash = chain::block_hash(block->header);
  auto& known = x.blocks[hash];
  if (!known.judged.checked.block)
    known.judged =
        judge_proposal(block, {context_.rules, context_.network, x.parent, context_.unix_now()},
                       *parts_.store, view_);
  if (known.judged.quality == chain::block_quality::impossible) {
    spdlog::error("consensus: the block that this node made for height {} is refused: {}. Please "
                  "report it",
                  x.machine.height(), known.judged.why);
    return false;
  }
  if (!write_down(x, {deed::propose, round, hash}, block))
    return true;
  wire::block_proposal proposal{block, *own_address_, {}, round};
  chain::sign(proposal, parts_.identity->keys);
  known.proposal = proposal;
  const auto quality = known.judged.quality;
  ++counts_.proposed;
  spdlog::debug("consensus: proposing block {} {} in round {}, {} transactions", x.machine.height(),
                chain::to_hex(hash).substr(0, 16), round, block->transactions.size() - 1);
  flood(proposal);
  x.machine.block_is(hash, quality, now());
  x.machine.proposed(round, hash, now());
  return true;
}

// -- ballots and votes --------------------------------------------------------------------------

/// Nothing is sent that is not written down.
bool block_producer_state::write_down(work& x, const chain::signed_record& record,
                                      const block_ptr& block) {
  const auto written = parts_.journal->write_down(x.machine.height(), record, block);
  if (written)
    return true;
  constexpr auto warning_period = to_ns(std::chrono::minutes{1});
  if (silence_warned_at_ == 0 || now() - silence_warned_at_ >= warning_period)
    spdlog::warn("consensus: this masternode does not sign: {}", written.error().reason);
  silence_warned_at_ = now();
  return false;
}

void block_producer_state::cast(work& x, const chain::ballot_action& what) {
  const auto is_lock = what.phase == wire::ballot_phase::lock;
  const auto block = is_lock && !what.block.is_zero() ? content_of(x, what.block) : nullptr;
  if (!why_silent().empty() ||
      !write_down(x, {is_lock ? deed::lock : deed::prepare, what.round, what.block}, block)) {
    // Of a round that is long over it would help nobody.
    if (own_address_ && what.round + chain::ballot_box::rounds_kept >= x.machine.round())
      x.held_back.push_back(what);
    return;
  }
  wire::block_ballot ballot{x.machine.height(), what.round,    what.phase,
                            what.block,         *own_address_, {}};
  chain::sign(ballot, parts_.identity->keys);
  flood(ballot);
  x.machine.take(ballot, now());
}

void block_producer_state::vote(work& x, const chain::vote_action& what) {
  if (!why_silent().empty() || !write_down(x, {deed::vote, 0, what.block}, nullptr)) {
    if (own_address_)
      x.held_back.push_back(what);
    return;
  }
  wire::block_vote made{what.block, x.machine.height(), *own_address_, {}, true};
  chain::sign(made, parts_.identity->keys);
  flood(made);
  x.machine.take(made, now());
}

// -- commits --------------------------------------------------------------------------------------

void block_producer_state::commit(work& x) {
  const auto height = x.machine.height();
  const auto hash = *x.machine.committed();
  const auto known = x.blocks.find(hash);
  checked_batch batch;
  if (known != x.blocks.end() && known->second.judged.checked.block)
    batch.blocks.push_back(known->second.judged.checked);
  else if (parts_.store->hash_at(height) != hash)
    return;  // It comes from a peer, as every block does; this is tried again then.
  x.committing = true;
  commitment made{.block = batch.blocks.empty() ? nullptr : batch.blocks.front().block,
                  .certificate = {hash, height, x.machine.ballots().signatures(hash)},
                  .members = x.machine.size(),
                  .round = x.machine.round(),
                  .we_led = own_address_ && x.machine.leader(x.machine.round()) == *own_address_};
  auto certificate = wire::message{made.certificate};
  self_
      ->request(parts_.keeper, caf::infinite, atom::commit_v, std::move(batch),
                std::move(certificate))
      .then([this, made = std::move(made)](const apply_reply& reply) { on_committed(made, reply); },
            [this, height](const caf::error& reason) {
              spdlog::warn("consensus: the chain keeper did not take block {}: {}", height,
                           to_string(reason));
              if (auto* again = find(height))
                again->committing = false;
            });
}

void block_producer_state::on_committed(const commitment& x, const apply_reply& reply) {
  const auto height = x.certificate.height;
  if (!reply.rejected.empty() || reply.storage_failed) {
    const auto why = reply.rejected.empty() ? "the store failed" : reply.rejected;
    if (why != not_stored_ || now() - not_stored_told_at_ >= not_stored_period) {
      spdlog::error("consensus: block {} is committed, but cannot be stored: {}", height, why);
      not_stored_ = why;
      not_stored_told_at_ = now();
    }
    // The parent may have been taken off meanwhile, the disk may have room again, or the clock be right.
    ask_again_at_ = now() + commit_period;
    if (auto* again = find(height)) {
      again->committing = false;
      again->commit_again_at = ask_again_at_;
    }
    set_alarm();
    return;
  }
  ++counts_.committed;
  spdlog::info("consensus: block {} is final: {} of {} masternodes, round {}, {} transactions",
               height, x.certificate.signatures.size(), x.members, x.round,
               x.block ? x.block->transactions.size() - 1 : 0);
  if (x.block && reply.applied > 0)
    flood(wire::block_announcement{x.block});
  // One such message a height is enough; each node's own would have other votes in it.
  if (x.we_led)
    flood(x.certificate);
  behind_.erase(height);
}

void block_producer_state::flood(const wire::message& x) {
  if (gossip_)
    self_->send(gossip_, atom::flood_v, x);
}

/// What was sent may not have come: what we cast goes to all again, and all that we know to some.
void block_producer_state::repeat(const work& x) {
  if (peers_.empty() || x.machine.committed())
    return;
  for (const auto& message : x.machine.ours())
    for (const auto& [ip, to] : peers_)
      send(to.connection, message);
  const auto start = random_.below(peers_.size());
  const auto count = std::min(peers_told, peers_.size());
  for (std::size_t i = 0; i < count; ++i) {
    const auto place = (start + i) % peers_.size();
    auto room = blocks_told_at_once;
    bring_up_to_date(std::next(peers_.begin(), static_cast<std::ptrdiff_t>(place))->second, x,
                     room);
  }
}

}  // namespace timenode
