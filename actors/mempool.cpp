// What comes: transactions of peers and of our own user.

#include "actors/mempool.hpp"

#include "actors/metrics.hpp"
#include "actors/seen_cache.hpp"
#include "chain/ballot_box.hpp"
#include "chain/bincode.hpp"
#include "chain/consensus_rules.hpp"
#include "chain/hex.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace timenode {

namespace {

/// How often what is too old is thrown away.
constexpr monotonic_ns tidy_period = to_ns(std::chrono::minutes{1});
/// Approvals are remembered longer than any node waits for a transaction, so that none of those that can still
/// become final is contradicted.
constexpr std::int64_t approvals_outlive = 3600;
/// Who may vote is asked again with the first transaction after so long.
constexpr monotonic_ns view_lasts = to_ns(std::chrono::seconds{10});
/// Transactions of one answer that are looked at: 4 MiB of JSON hold some 9,000 small ones.
constexpr std::size_t max_pending = 10'000;

flood_judgement not_taken(std::string reason) {
  return {flood_verdict::ignore, std::move(reason)};
}

}  // namespace

mempool_state::mempool_state(mempool_actor::pointer self, node_context context, mempool_parts parts)
    : self_{self}, context_{std::move(context)}, parts_{std::move(parts)},
      pool_{context_.rules.spending(context_.network), parts_.limits} {
  if (context_.local_ip)
    on_own_address(*context_.local_ip);
  if (parts_.approvals)
    take_up(parts_.approvals->restore());
}

/// A masternode is its IP: it votes from when that is known, also for what waits, by the next repetition.
void mempool_state::on_own_address(const ip_address& ip) {
  context_.local_ip = ip;
  if (parts_.identity)
    own_address_ = ip.to_string();
}

mempool_actor::behavior_type mempool_state::make_behavior() {
  vote_from_ = now() + to_ns(votes_begin_after);
  set_alarm();
  self_->send(parts_.registry, atom::subscribe_v, peer_listener_actor{self_});
  self_->send(parts_.keeper, atom::subscribe_v, tip_listener_actor{self_});
  return {
      [this](atom::attach, const gossip_actor& floods) { gossip_ = floods; },
      [this](atom::own_address, const ip_address& ip) { on_own_address(ip); },
      [this](atom::offer, const wire::message& x) { return on_own(x); },
      // -- questions ---
      [this](atom::fill, std::uint64_t max_bytes) { return fill(max_bytes); },
      [this](atom::serve, const wire::message& x) { return serve(x); },
      [this](atom::list) { return list(); },
      [this](atom::explain, const hash256& txid) { return detail_of(txid); },
      [this](atom::coins, const std::string& address) { return coins_of(address); },
      [this](atom::save) { write_approvals(); },
      [this](atom::snapshot) { return on_snapshot(); },
      // -- peer listener ---
      [this](atom::peer_up, const peer_info& info, const peer_connection_actor& connection) {
        on_peer_up(info, connection);
      },
      [this](atom::peer_down, const ip_address& ip) {
        peers_.erase(ip);
        watches_.forget(ip);
      },
      // -- messages of peers ---
      [this](const ip_address& from, const wire::message& x) {
        if (const auto* pending = std::get_if<wire::pending_transactions_response>(&x))
          on_pending(from, *pending);
        else if (const auto* wish = std::get_if<wire::subscribe>(&x))
          on_subscribe(from, *wish);
        else if (const auto* end = std::get_if<wire::unsubscribe>(&x))
          watches_.unsubscribe(from, end->id);
      },
      [this](atom::judge, const ip_address& from, wire::message& x) { return judge(from, x); },
      // -- tip listener ---
      [this](atom::tip, const chain_tip&) { on_tip(); },
      // -- time ---
      [this](atom::wake, std::uint64_t token) { on_wake(token); },
  };
}

// -- taking ---------------------------------------------------------------------------------

chain::offer_result mempool_state::offer(const transaction& x) {
  const auto time = context_.unix_now();
  auto result = pool_.offer(x, *parts_.store, time);
  // Masternodes agreed on this one, and not on the one that we met first.
  if (result.fate == chain::offer_fate::conflicts && voters_.size >= chain::least_masternodes &&
      !pool_.find(*result.rival)->is_final() &&
      votes_.count(result.txid, voters_.known).approve >= chain::quorum_of(voters_.size)) {
    for (const auto& gone : pool_.drop(*result.rival)) {
      ++counts_.overtaken;
      leave(gone);
    }
    result = pool_.offer(x, *parts_.store, time);
  }
  switch (result.fate) {
  case chain::offer_fate::added:
    ++counts_.taken;
    break;
  case chain::offer_fate::known:
    return result;
  case chain::offer_fate::conflicts:
    ++counts_.conflicting;
    break;
  case chain::offer_fate::impossible:
  case chain::offer_fate::refused:
    ++counts_.refused;
    break;
  case chain::offer_fate::wrong:
    ++counts_.wrong;
    break;
  }
  if (result.fate != chain::offer_fate::added) {
    spdlog::debug("mempool: transaction {} is not taken: {}", chain::to_hex(result.txid),
                  result.why);
    return result;
  }
  for (const auto& gone : result.evicted) {
    ++counts_.evicted;
    leave(gone);
  }
  spdlog::debug("mempool: transaction {} is taken; {} wait", chain::to_hex(result.txid),
                pool_.size());
  if (viewed_at_ == 0 || now() - viewed_at_ > view_lasts)
    refresh();
  approve(*pool_.find(result.txid));
  tell_of_inputs(*pool_.find(result.txid));
  settle(result.txid);
  count();
  set_alarm();
  return result;
}

offer_reply mempool_state::on_own(const wire::message& x) {
  const auto* broadcast = std::get_if<wire::transaction_broadcast>(&x);
  offer_reply reply;
  if (!broadcast) {
    reply.refused = "it is no transaction";
    return reply;
  }
  on_tip();  // Whoever asks may know of a block that we have not been told of yet.
  const auto result = offer(broadcast->tx);
  reply.txid = result.txid;
  reply.known = result.fate == chain::offer_fate::known;
  reply.conflict = result.fate == chain::offer_fate::conflicts;
  if (result.fate == chain::offer_fate::added)
    flood(*broadcast);
  else if (!reply.known)
    reply.refused = result.why;
  return reply;
}

// -- of peers -------------------------------------------------------------------------------

caf::result<flood_judgement> mempool_state::judge(const ip_address& from, wire::message& x) {
  if (const auto* broadcast = std::get_if<wire::transaction_broadcast>(&x))
    return take(*broadcast);
  if (const auto* vote = std::get_if<wire::transaction_vote>(&x))
    return judge_vote(from, *vote);
  if (const auto* finalized = std::get_if<wire::transaction_finalized>(&x))
    return take(*finalized);
  // That a transaction is rejected is signed by nobody, and what votes say we count ourselves.
  return not_taken("nothing that can be believed");
}

flood_judgement mempool_state::take(const wire::transaction_broadcast& x) {
  auto result = offer(x.tx);
  if (result.fate == chain::offer_fate::added) {
    unpark(result.txid);
    return {flood_verdict::forward, {}};
  }
  if (result.fate == chain::offer_fate::impossible)
    park(x.tx);
  if (result.fate == chain::offer_fate::wrong)
    return {flood_verdict::invalid, "TransactionBroadcast: " + result.why};
  return not_taken(std::move(result.why));
}

void mempool_state::park(const transaction& x) {
  // One that has all and is impossible still will not become possible.
  const auto missing = missing_of(x);
  if (!missing)
    return;
  const auto bytes = chain::encoded_size(x);
  parked_.push_back({x, bytes, context_.unix_now() + parked_for, *missing});
  parked_bytes_ += bytes;
  while (parked_.size() > max_parked || parked_bytes_ > max_parked_bytes) {
    parked_bytes_ -= parked_.front().bytes;
    parked_.pop_front();
  }
}

/// One of the transactions that it spends from and that are neither in the pool nor in the chain.
std::optional<hash256> mempool_state::missing_of(const transaction& x) const {
  for (const auto& input : x.inputs) {
    const auto& from = input.previous_output.txid;
    if (pool_.find(from) == nullptr && parts_.store->coins(from).empty())
      return from;
  }
  return std::nullopt;
}

/// What they spend may be here now: that transaction, or without one whatever a block brought. Only those that missed
/// it are looked at again, for the chain is slow to ask, and strangers decide how many of them are here.
void mempool_state::unpark(std::optional<hash256> come) {
  std::vector<hash256> news;
  if (come)
    news.push_back(*come);
  for (auto all = !come; all || !news.empty(); all = false) {
    if (!all) {
      come = news.back();
      news.pop_back();
    }
    const auto may_be_complete = [&](const parked_transaction& x) {
      return all ? pool_.find(x.misses) != nullptr || !parts_.store->coins(x.misses).empty()
                 : x.misses == *come;
    };
    const auto time = context_.unix_now();
    if (!all && std::none_of(parked_.begin(), parked_.end(), may_be_complete))
      continue;
    parked_bytes_ = 0;
    for (auto& x : std::exchange(parked_, {})) {
      if (may_be_complete(x)) {
        const auto missing = missing_of(x.tx);
        if (!missing) {
          if (const auto made = offer(x.tx); made.fate == chain::offer_fate::added) {
            flood(wire::transaction_broadcast{x.tx});
            news.push_back(made.txid);  // Others may build on it.
          }
          continue;
        }
        x.misses = *missing;
      }
      if (time < x.until) {
        parked_bytes_ += x.bytes;
        parked_.push_back(std::move(x));
      }
    }
  }
}

/// Its vote was on what we do not have, so it, or who it has the vote from, does.
void mempool_state::ask_for_missing(const ip_address& from) {
  const auto time = now();
  const auto known = peers_.find(from);
  if (known == peers_.end() ||
      (missing_asked_at_ != 0 && time - missing_asked_at_ < to_ns(missing_asked_every)))
    return;
  missing_asked_at_ = time;
  known->second.answer_expected = true;
  self_->send(known->second.connection,
              encoded_line{wire::encode_shared(wire::get_pending_transactions{})});
}

void mempool_state::on_peer_up(const peer_info& info, const peer_connection_actor& connection) {
  auto& known = peers_[info.ip];
  const auto asked = !recently_.are_enough(now());
  known = {connection, info.link, asked, info.direction == link_direction::outbound};
  take_early_subscriptions(info.ip);
  if (asked)
    self_->send(connection, encoded_line{wire::encode_shared(wire::get_pending_transactions{})});
  tell_votes(connection);
}

void mempool_state::on_pending(const ip_address& from,
                               const wire::pending_transactions_response& x) {
  const auto known = peers_.find(from);
  if (known == peers_.end() || !std::exchange(known->second.answer_expected, false))
    return;
  recently_.note(known->second.dialed, now());
  const auto count = std::min(x.transactions.size(), max_pending);
  for (std::size_t i = 0; i < count; ++i) {
    const auto result = offer(x.transactions[i]);
    if (result.fate == chain::offer_fate::added) {
      flood(wire::transaction_broadcast{x.transactions[i]});
    } else if (result.fate == chain::offer_fate::impossible) {
      park(x.transactions[i]);
    } else if (result.fate == chain::offer_fate::wrong) {
      // One offence, however many there are; what follows costs us nothing more.
      self_->send(
          parts_.registry,
          violation{from, known->second.link, "PendingTransactionsResponse: " + result.why,
                    evidence_of(wire::to_line(wire::transaction_broadcast{x.transactions[i]}))});
      return;
    }
  }
  unpark();
}

// -- time -----------------------------------------------------------------------------------

void mempool_state::on_wake(std::uint64_t token) {
  if (!alarm_.accept(token))
    return;
  const auto time = now();
  if (repeat_at_ <= time) {
    repeat_at_ = time + to_ns(vote_repeated_every);
    if (pool_.size() > pool_.final_count())
      refresh();
  }
  if (tidy_at_ <= time) {
    tidy_at_ = time + tidy_period;
    const auto unix_time = context_.unix_now();
    for (const auto& gone : pool_.expire(unix_time)) {
      ++counts_.expired;
      leave(gone);
    }
    votes_.forget_strays(unix_time,
                         [this](const hash256& txid) { return pool_.find(txid) != nullptr; });
    approved_.forget_before(unix_time - pool_.limits().patience - approvals_outlive);
    tidy_journal();
    count();
  }
  set_alarm();
}

/// While there is nothing to look after, nothing wakes us.
void mempool_state::set_alarm() {
  if (pool_.size() == 0 && votes_.size() == 0 && approved_.size() == 0)
    return;
  const auto time = now();
  if (repeat_at_ < time)
    repeat_at_ = std::max(time + to_ns(vote_repeated_every) / 4, vote_from_);
  if (tidy_at_ < time)
    tidy_at_ = time + tidy_period;
  alarm_.set(self_, context_.ticker,
             pool_.size() > pool_.final_count() ? std::min(repeat_at_, tidy_at_) : tidy_at_);
}

void mempool_state::flood(wire::message x) {
  if (gossip_)
    self_->send(gossip_, atom::flood_v, std::move(x));
}

void mempool_state::count() {
  if (context_.metrics)
    context_.metrics->mempool(pool_.size(), pool_.final_count(), pool_.bytes());
}

}  // namespace timenode
