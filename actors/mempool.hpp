#pragma once

// The transactions that are in no block yet. Which are kept is in `chain::transaction_pool`, what masternodes
// say of them in `chain::transaction_votes`; this actor brings them the messages and the blocks, votes if we
// are a masternode, and gives those that are final to the block producer. Reads the store, so a running node
// spawns it detached.

#include "actors/alarm.hpp"
#include "actors/interfaces.hpp"
#include "actors/masternode_identity.hpp"
#include "actors/masternode_view.hpp"
#include "actors/node_context.hpp"
#include "actors/recent_answers.hpp"
#include "chain/approval_journal.hpp"
#include "chain/output_watches.hpp"
#include "chain/transaction_pool.hpp"
#include "chain/transaction_votes.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace timenode {

/// A masternode that has just started votes for nothing so long: peers tell it what waits, and what it said of
/// that itself before, should it have lost the disk that it wrote that down on.
inline constexpr std::chrono::seconds votes_begin_after{5};
/// A masternode says again that it approves of a transaction which is not final: a vote is lost when a link
/// breaks. A little more than `chain::repeated_after`, or nobody would send it on.
inline constexpr std::chrono::seconds vote_repeated_every{16};
/// Votes that are said again at one time: 60 µs for each signature, and each goes to all.
inline constexpr std::size_t votes_repeated_at_once = 200;
/// What a peer is told of votes when it comes: half of what its gossip takes at once.
inline constexpr std::size_t votes_told_to_peer = 1000;
/// Bincode of the transactions in an answer to GetPendingTransactions: as JSON it is some four times that,
/// and answers are cut at 4 MiB (protocol page, section 1).
inline constexpr std::size_t pending_answer_bytes = 900'000;
/// Outpoints of one query that are answered, as long an answer as one with blocks.
inline constexpr std::size_t max_queried_outpoints = 10'000;

/// Transactions that spend what is not here yet wait for it: a block may come later than what builds on it,
/// by a second or by as long as a chain is downloaded. So many, and for so many seconds; a flood of them pushes
/// out only others of their kind.
inline constexpr std::size_t max_parked = 500;
inline constexpr std::size_t max_parked_bytes = 1u << 20;
inline constexpr std::int64_t parked_for = 60;
/// When masternodes vote on what we do not have, a peer is asked what waits, at most so often: as often as peers
/// answer that.
inline constexpr std::chrono::seconds missing_asked_every{12};
/// When enough peers have said within that time what waits with them, those that come are not asked. Short, for two halves of a
/// network that meet again have other transactions; each node is asked by some of its many new peers.
inline constexpr monotonic_ns pending_asked_within = 60'000'000'000;

/// Subscriptions that wait until we hear that their peer is up: a moment, so these are of peers that come at one time.
inline constexpr std::size_t max_early_subscriptions = 16;

/// What the mempool works with.
struct mempool_parts {
  chain_keeper_actor keeper;
  masternode_list_actor masternodes;
  connection_registry_actor registry;
  std::shared_ptr<const chain::chain_reader> store;
  std::optional<masternode_identity> identity;         ///< None: we do not vote.
  std::shared_ptr<chain::approval_journal> approvals;  ///< Null: the same.
  chain::pool_limits limits = {};
};

class mempool_state {
 public:
  static constexpr auto name = "timenode.mempool";

  mempool_state(mempool_actor::pointer self, node_context context, mempool_parts parts);

  mempool_actor::behavior_type make_behavior();

 private:
  // -- what comes (mempool.cpp) --
  void on_own_address(const ip_address& ip);
  chain::offer_result offer(const transaction& x);
  offer_reply on_own(const wire::message& x);
  caf::result<flood_judgement> judge(const ip_address& from, wire::message& x);
  flood_judgement take(const wire::transaction_broadcast& x);
  void park(const transaction& x);
  std::optional<hash256> missing_of(const transaction& x) const;
  void unpark(std::optional<hash256> come = {});
  void ask_for_missing(const ip_address& from);
  void on_pending(const ip_address& from, const wire::pending_transactions_response& x);
  void on_peer_up(const peer_info& info, const peer_connection_actor& connection);

  // -- what is asked (mempool_answers.cpp) --
  block_filling fill(std::uint64_t max_bytes);
  caf::result<encoded_line> serve(const wire::message& x);
  encoded_line pending_transactions();
  encoded_line states_of(const wire::utxo_state_query& x) const;
  std::vector<mempool_entry> list() const;
  mempool_entry entry_of(const chain::pooled_transaction& x) const;
  transaction_detail detail_of(const hash256& txid) const;
  pending_coins coins_of(const std::string& address) const;
  caf::result<mempool_snapshot> on_snapshot();
  mempool_snapshot snapshot() const;

  // -- the chain (mempool_chain.cpp) --
  void on_tip();
  void follow(std::uint64_t first, std::uint64_t last);
  void change_over(const chain_tip& before);
  void leave(const chain::pooled_transaction& x);
  void forget_votes(const chain::pooled_transaction& x);

  // -- votes (mempool_votes.cpp) --
  caf::result<flood_judgement> judge_vote(const ip_address& from, const wire::transaction_vote& x);
  flood_judgement take(const ip_address& from, const wire::transaction_vote& x);
  flood_judgement take(const wire::transaction_finalized& x) const;
  void approve(const chain::pooled_transaction& x);
  void write_approvals();
  bool write_down(const std::set<hash256>& txids);
  void take_up(const std::vector<chain::approval>& of_last_run);
  void tidy_journal();
  void say_approved(const hash256& txid);
  void vote_again();
  void settle(const hash256& txid);
  void settle_all();
  void when_fresh(std::function<void()> then);
  void refresh();
  void set_voters();
  bool we_vote() const;
  void tell_votes(const peer_connection_actor& to) const;

  // -- light clients (mempool_watches.cpp) --
  void on_subscribe(const ip_address& from, const wire::subscribe& x);
  void take_early_subscriptions(const ip_address& from);
  std::optional<wire::utxo_state> state_of(const outpoint& output) const;
  void tell_watchers(const outpoint& output, const byte_string* script,
                     const wire::utxo_state& state) const;
  void tell_of_inputs(const chain::pooled_transaction& x) const;
  void tell_of_block(const block& x) const;

  // -- time --
  void on_wake(std::uint64_t token);
  void set_alarm();
  void flood(wire::message x);
  void count();
  monotonic_ns now() const { return monotonic_now(*self_); }

  mempool_actor::pointer self_;
  node_context context_;
  mempool_parts parts_;
  std::optional<std::string> own_address_;  ///< As votes name us; none: we do not vote.
  gossip_actor gossip_;                     ///< Null until attached.
  alarm_clock alarm_;

  chain::transaction_pool pool_;
  chain::transaction_votes votes_;
  chain::approved_spends approved_;
  /// Approved, and not written down yet: nobody has heard of it.
  std::set<hash256> unwritten_;
  bool writing_ = false;  ///< We have told ourselves to.
  monotonic_ns unwritten_told_at_ = 0;
  /// When we last voted for what is in the pool, Unix seconds.
  std::map<hash256, std::int64_t> own_votes_;

  chain_tip tip_;
  bool knows_tip_ = false;

  masternode_view view_;
  member_set voters_;                           ///< Who decides on the next block.
  monotonic_ns viewed_at_ = 0;                  ///< 0: the table was not asked yet.
  std::vector<std::function<void()>> waiting_;  ///< For an answer of the table.
  monotonic_ns vote_from_ = 0;                  ///< Until then we listen.
  monotonic_ns repeat_at_ = 0;
  monotonic_ns tidy_at_ = 0;

  struct parked_transaction {
    transaction tx;
    std::size_t bytes = 0;
    std::int64_t until = 0;  ///< Unix seconds.
    hash256 misses{};        ///< One of those that it spends from and that are not here.
  };
  std::deque<parked_transaction> parked_;  ///< Bounded, see above.
  std::size_t parked_bytes_ = 0;
  monotonic_ns missing_asked_at_ = 0;  ///< 0: never.

  struct peer {
    peer_connection_actor connection;
    link_id link = 0;
    bool answer_expected = false;  ///< To GetPendingTransactions.
    bool dialed = false;           ///< By us.
  };
  chain::output_watches watches_;
  std::deque<std::pair<ip_address, wire::subscribe>>
      early_subscriptions_;           ///< Of peers that are not up yet.
  std::map<ip_address, peer> peers_;  ///< As many as the registry has established.
  recent_answers recently_{pending_asked_within};
  mempool_snapshot counts_;  ///< Only its counters are kept up to date.
};

using mempool = mempool_actor::stateful_impl<mempool_state>;

}  // namespace timenode
