// What masternodes say of transactions, and what we say as one.

#include "actors/masternode_book.hpp"
#include "actors/mempool.hpp"
#include "chain/ballot_box.hpp"
#include "chain/consensus_rules.hpp"
#include "chain/hex.hpp"
#include "chain/signed_messages.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace timenode {

namespace {

/// A vote of a masternode that we do not know is held against a table that is no older.
constexpr monotonic_ns view_is_fresh = to_ns(std::chrono::seconds{1});
/// A vote's time may be this far from ours, in seconds: one that was sent a day ago says nothing now.
constexpr std::int64_t vote_time_tolerance = 3600;

flood_judgement not_counted(std::string reason) {
  return {flood_verdict::ignore, std::move(reason)};
}

flood_judgement counted() {
  return {flood_verdict::forward, {}};
}

}  // namespace

// -- of others --------------------------------------------------------------------------------

caf::result<flood_judgement> mempool_state::judge_vote(const ip_address& from,
                                                       const wire::transaction_vote& x) {
  if (x.voter == own_address_ || voters_.known.contains(x.voter) ||
      (viewed_at_ != 0 && now() - viewed_at_ < view_is_fresh))
    return take(from, x);
  auto promise = self_->make_response_promise<flood_judgement>();
  when_fresh([this, promise, from, x]() mutable { promise.deliver(take(from, x)); });
  return promise;
}

flood_judgement mempool_state::take(const ip_address& from, const wire::transaction_vote& x) {
  const auto is_own = x.voter == own_address_;
  const auto voter = voters_.known.find(x.voter);
  if (voter == voters_.known.end() && !is_own)
    return not_counted("its voter is none of the masternodes that decide");
  if (const auto time = context_.unix_now();
      x.timestamp < time - vote_time_tolerance || x.timestamp > time + vote_time_tolerance)
    return not_counted("its time is far from ours");
  if (!chain::verify(x, is_own ? parts_.identity->keys.public_key() : voter->second))
    return not_counted("its signature is not one of the key that we know of its voter");
  switch (votes_.add(x, context_.unix_now())) {
  case chain::vote_fate::added:
    break;
  case chain::vote_fate::repeated:
    // It is said for the second time: the transaction itself is no more on its way.
    if (pool_.find(x.txid) == nullptr && parts_.store->coins(x.txid).empty())
      ask_for_missing(from);
    return counted();
  case chain::vote_fate::known:
    return not_counted("we have it");
  case chain::vote_fate::contradicts:
    return not_counted("its voter has said the opposite");
  case chain::vote_fate::no_room:
    return not_counted("too many votes are kept");
  }
  // What we said before a restart, and have to stand by.
  if (const auto* about = pool_.find(x.txid);
      about && is_own && x.approve && parts_.approvals &&
      approved_.approve(about->tx, about->txid, context_.unix_now()))
    unwritten_.insert(about->txid);
  settle(x.txid);
  set_alarm();
  return counted();
}

/// Nobody has signed it: it is worth what we know ourselves.
flood_judgement mempool_state::take(const wire::transaction_finalized& x) const {
  const auto* about = pool_.find(x.txid);
  if (about == nullptr || !about->is_final() || x.votes > voters_.size)
    return not_counted("we do not know it for final");
  return counted();
}

void mempool_state::tell_votes(const peer_connection_actor& to) const {
  std::size_t told = 0;
  pool_.for_each([&](const chain::pooled_transaction& x) {
    for (const auto& vote : votes_.of(x.txid)) {
      if (told++ >= votes_told_to_peer)
        return;
      self_->send(to, encoded_line{wire::encode_shared(vote)});
    }
  });
}

// -- our own ------------------------------------------------------------------------------------

bool mempool_state::we_vote() const {
  return own_address_ && parts_.approvals && voters_.known.contains(*own_address_);
}

void mempool_state::approve(const chain::pooled_transaction& x) {
  if (!we_vote() || now() < vote_from_ || !approved_.may_approve(x.tx, x.txid))
    return;
  if (approved_.approve(x.tx, x.txid, context_.unix_now()))
    unwritten_.insert(x.txid);
  if (!unwritten_.contains(x.txid))
    return say_approved(x.txid);
  // Behind what waits in our mailbox: a sync of the disk takes longer than to look at a hundred transactions.
  if (!std::exchange(writing_, true))
    self_->send(self_, atom::save_v);
}

void mempool_state::write_approvals() {
  writing_ = false;
  if (!write_down(unwritten_))
    return;  // tried again with the next repetition
  for (const auto& txid : std::exchange(unwritten_, {})) {
    if (pool_.find(txid) == nullptr || !we_vote())
      continue;
    say_approved(txid);
    settle(txid);
  }
}

/// Nothing is sent that is not written down.
bool mempool_state::write_down(const std::set<hash256>& txids) {
  std::vector<chain::approval> some;
  const auto time = context_.unix_now();
  for (const auto& txid : txids)
    if (const auto* x = pool_.find(txid)) {
      auto& made = some.emplace_back(chain::approval{txid, time, {}, x->tx});
      for (const auto& input : x->tx.inputs)
        made.outputs.push_back(input.previous_output);
    }
  if (some.empty())
    return true;
  const auto written = parts_.approvals->write_down(some);
  if (written)
    return true;
  constexpr auto warning_period = to_ns(std::chrono::minutes{1});
  if (unwritten_told_at_ == 0 || now() - unwritten_told_at_ >= warning_period) {
    unwritten_told_at_ = now();
    spdlog::warn("mempool: this masternode approves no transaction: {}", written.error().reason);
  }
  return false;
}

/// What an earlier run approved binds this one, and waits again: should all masternodes have stopped at one time, it would be
/// nowhere else, and people were told that it is final.
void mempool_state::take_up(const std::vector<chain::approval>& of_last_run) {
  approved_.restore(of_last_run);
  const auto time = context_.unix_now();
  for (const auto& x : of_last_run)
    if (x.tx && x.at > time - pool_.limits().patience)
      pool_.offer(*x.tx, *parts_.store, time);
  if (pool_.size() > 0)
    spdlog::info("mempool: {} transactions that were approved before the restart wait again",
                 pool_.size());
}

/// What counts no more goes out of the journal now and then.
void mempool_state::tidy_journal() {
  if (!parts_.approvals || !parts_.approvals->is_long())
    return;
  auto kept = approved_.list();
  for (auto& x : kept)
    if (const auto* waits = pool_.find(x.txid))
      x.tx = waits->tx;
  if (const auto done = parts_.approvals->keep_only(kept); !done)
    spdlog::warn("mempool: what it approved cannot be tidied: {}", done.error().reason);
}

void mempool_state::say_approved(const hash256& txid) {
  const auto time = context_.unix_now();
  own_votes_[txid] = time;
  wire::transaction_vote vote{txid, *own_address_, true, time, {}};
  chain::sign(vote, parts_.identity->keys);
  votes_.add(vote, time);
  flood(std::move(vote));
}

void mempool_state::vote_again() {
  const auto time = context_.unix_now();
  std::vector<const chain::pooled_transaction*> silent;
  pool_.for_each([&](const chain::pooled_transaction& x) {
    const auto voted = own_votes_.find(x.txid);
    if (!x.is_final() && silent.size() < votes_repeated_at_once &&
        (voted == own_votes_.end() || time - voted->second >= chain::repeated_after))
      silent.push_back(&x);
  });
  for (const auto* x : silent) {
    const auto txid = x->txid;
    approve(*x);
    settle(txid);
  }
}

// -- counting -------------------------------------------------------------------------------------

void mempool_state::settle(const hash256& txid) {
  const auto* x = pool_.find(txid);
  if (x == nullptr || x->is_final() || voters_.size < chain::least_masternodes)
    return;
  const auto quorum = chain::quorum_of(voters_.size);
  if (votes_.count(txid, voters_.known).approve < quorum)
    return;
  pool_.make_final(txid, context_.unix_now());
  ++counts_.finalized;
  tell_of_inputs(*x);
  spdlog::debug("mempool: transaction {} is final: {} of {} masternodes approve",
                chain::to_hex(txid), quorum, voters_.size);
  // With the number that it needed: the same of every node, so that it goes round once.
  flood(wire::transaction_finalized{txid, static_cast<std::uint32_t>(quorum)});
  count();
}

void mempool_state::settle_all() {
  std::vector<hash256> open;
  pool_.for_each([&](const chain::pooled_transaction& x) {
    if (!x.is_final())
      open.push_back(x.txid);
  });
  for (const auto& txid : open)
    settle(txid);
}

// -- who votes ------------------------------------------------------------------------------------

/// Does it when the table of masternodes was asked again. All who want that at one time share one answer; they
/// are no more than what gossip has judged at one time.
void mempool_state::when_fresh(std::function<void()> then) {
  waiting_.push_back(std::move(then));
  if (waiting_.size() > 1)
    return;
  const auto go_on = [this] {
    for (const auto& next : std::exchange(waiting_, {}))
      next();
  };
  self_->request(parts_.masternodes, caf::infinite, atom::believed_v)
      .then(
          [this, go_on](std::vector<masternode_entry>& entries) {
            view_ = masternode_view{std::move(entries), context_.unix_now(), context_.network};
            viewed_at_ = now();
            set_voters();
            go_on();
          },
          [go_on](const caf::error&) { go_on(); });
}

void mempool_state::refresh() {
  when_fresh([this] { vote_again(); });
}

/// Those who decide on the next block: whom the tip paid, or who is there where it paid too few.
void mempool_state::set_voters() {
  if (!knows_tip_ || viewed_at_ == 0)
    return;
  const auto block = parts_.store->block_at(tip_.height);
  if (!block)
    return;
  const auto by_presence = block->masternode_rewards.size() < chain::least_masternodes ||
                           context_.rules.present_set_at == tip_.height + 1;
  auto voters = by_presence ? view_.present() : view_.paid_by(block->masternode_rewards);
  if (voters == voters_)
    return;
  voters_ = std::move(voters);
  settle_all();
}

}  // namespace timenode
