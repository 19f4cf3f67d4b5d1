#pragma once

// Decides on the next block with the other masternodes, and takes part if we are one: the rules are in
// `chain::height_consensus`; this actor brings it the messages and the time, signs what it casts (after the
// vote journal has it) and gives what was committed to the chain keeper. Waits for the disk, so a running node
// spawns it detached.

#include "actors/alarm.hpp"
#include "actors/interfaces.hpp"
#include "actors/masternode_identity.hpp"
#include "actors/masternode_view.hpp"
#include "actors/node_context.hpp"
#include "actors/peer_clocks.hpp"
#include "actors/proposal_judge.hpp"
#include "chain/height_consensus.hpp"
#include "chain/vote_journal.hpp"
#include "net/random.hpp"
#include "net/transport.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace timenode {

/// All that is needed of the sync engine.
using sync_status_actor = caf::typed_actor<
    // Tells how far it is; `ahead` is how many of these have more than we and are believed.
    auto(atom::progress, std::vector<ip_address>)->caf::result<sync_progress>>;

/// What the block producer works with.
struct producer_parts {
  chain_keeper_actor keeper;
  masternode_table_actor masternodes;
  connection_registry_actor registry;
  sync_status_actor sync;                 ///< Null: we are never behind.
  transaction_source_actor transactions;  ///< Null: blocks have none.
  std::shared_ptr<const chain::block_store> store;
  std::shared_ptr<chain::vote_journal> journal;  ///< Null: we sign nothing.
  std::optional<masternode_identity> identity;   ///< None: we only watch.
};

/// Bytes of blocks that a peer is told of at one time when it comes or a height takes long, or one block: a quarter of what may wait
/// to be sent to it, so that blocks are never what ends a connection.
inline constexpr std::size_t blocks_told_at_once = net::max_send_queue_bytes / 4;

class block_producer_state {
 public:
  static constexpr auto name = "timenode.block-producer";

  block_producer_state(block_producer_actor::pointer self, node_context context,
                       producer_parts parts);

  block_producer_actor::behavior_type make_behavior();

 private:
  /// A proposed block.
  struct known_block {
    judged_block judged;
    std::optional<wire::block_proposal>
        proposal;  ///< How it came last; none of one that we made before a crash.
  };

  /// A height that is being decided.
  struct work {
    chain_tip parent;
    chain::height_consensus machine;
    std::map<std::string, public_key> keys;  ///< Of the members that are known.
    bool by_presence = false;  ///< Its members are who is there, for no block says who they are.
    std::int64_t due = 0;      ///< Unix seconds.
    std::map<hash256, known_block> blocks = {};
    std::uint64_t round_seen = 0;  ///< For which we asked who is there.
    monotonic_ns begun_at = 0;     ///< 0: not yet.
    bool committing = false;       ///< The keeper has it.
    /// Ballots and votes of ours that could not be signed when they were due.
    std::vector<chain::consensus_action> held_back = {};
    /// The keeper refused it: it is not asked again before.
    monotonic_ns commit_again_at = 0;
    /// What we were to propose when too few masternodes were there to be paid.
    std::optional<chain::propose_action> unproposed = {};
  };

  struct peer {
    peer_connection_actor connection;
    monotonic_ns helped_at = 0;  ///< 0: never.
    /// Proposals by block and round that went over this connection, either way, and when last; of `proposal_again_after`.
    std::map<std::pair<hash256, std::uint64_t>, monotonic_ns> proposals = {};
  };

  // -- the heights (block_producer.cpp) --
  void on_tip(const chain_tip& tip);
  void on_own_address(const ip_address& ip);
  void refresh();
  void on_masternodes(std::vector<masternode_entry>& entries);
  void make_work();
  std::optional<member_set> members_for(const chain_tip& parent, bool& by_presence);
  void update_members(work& x);
  work* find(std::uint64_t height);
  static bool knows_enough(const work& x) noexcept;
  void replay_early();
  void ask_if_behind();

  // -- messages of others (block_producer_messages.cpp) --
  flood_judgement judge(const ip_address& from, const wire::message& x);
  flood_judgement take(const ip_address& from, const wire::block_proposal& x);
  flood_judgement take(const ip_address& from, const wire::block_ballot& x);
  flood_judgement take(const ip_address& from, const wire::block_vote& x);
  flood_judgement take(const ip_address& from, const wire::block_commit& x);
  flood_judgement too_early(const ip_address& from, std::uint64_t height, const wire::message& x);
  flood_judgement of_old_height(const ip_address& from, std::uint64_t height);
  flood_judgement verdict_of(chain::ballot_fate fate, const std::string& voter,
                             std::uint64_t height);
  flood_judgement certify_stored(const wire::block_commit& x);
  bool is_proven(const wire::block_commit& x) const;
  void compare_with_ours(const wire::block_commit& x);
  void help(const ip_address& ip, std::uint64_t height);
  void on_peer_up(const peer_info& info, const peer_connection_actor& connection);
  void bring_up_to_date(peer& to, const work& x, std::size_t& room);
  void has_proposal(const ip_address& ip, const hash256& block, std::uint64_t round);
  void send(const peer_connection_actor& to, const wire::message& x);
  void send(const peer_connection_actor& to, const wire::message& x, encoded_line line);

  // -- what we do (block_producer_deeds.cpp) --
  void drive();
  void begin_if_due(work& x);
  void act(work& x);
  void propose(work& x, const chain::propose_action& what);
  void fill_block(std::uint64_t height, std::uint64_t round);
  void make_proposal(work& x, std::uint64_t round, block_filling filling);
  bool send_proposal(work& x, std::uint64_t round, const block_ptr& block);
  void cast(work& x, const chain::ballot_action& what);
  void vote(work& x, const chain::vote_action& what);
  void commit(work& x);
  /// A block that was given to the keeper as final, and how it came to be: its height may be gone from here
  /// when the keeper answers.
  struct commitment {
    block_ptr block;  ///< Null: it was on our chain already.
    wire::block_commit certificate;
    std::size_t members = 0;
    std::uint64_t round = 0;
    bool we_led = false;
  };
  void on_committed(const commitment& x, const apply_reply& reply);
  bool write_down(work& x, const chain::signed_record& record, const block_ptr& block);
  void flood(const wire::message& x);
  block_ptr content_of(const work& x, const hash256& block) const;
  void repeat(const work& x);

  // -- time --
  void on_clock(const ip_address& ip, std::int64_t ahead);
  std::set<ip_address> deciders() const;
  std::int64_t clock_offset() const;
  bool clock_may_sign() const;
  std::string why_silent() const;
  void set_alarm();
  monotonic_ns now() const { return monotonic_now(*self_); }
  bool is_deciding() const noexcept;
  monotonic_ns repeat_period() const noexcept;
  monotonic_ns proposal_again_after() const noexcept;
  consensus_snapshot snapshot() const;

  block_producer_actor::pointer self_;
  node_context context_;
  producer_parts parts_;
  std::optional<std::string> own_address_;  ///< As messages name us; none: we only watch.
  gossip_actor gossip_;                     ///< Null until attached.
  random_source random_;
  alarm_clock alarm_;

  chain_tip tip_;
  bool knows_tip_ = false;
  masternode_view view_;
  bool asking_ = false;            ///< The table for its masternodes.
  monotonic_ns ask_again_at_ = 0;  ///< 0: not needed.
  monotonic_ns idle_pause_ =
      0;  ///< The last one that there were too few masternodes for; 0: none, or much has changed.
  std::string idle_because_;
  /// Blocks come from peers that our tip's successors are among: what is long due here is not to be decided.
  bool catching_up_ = false;
  std::optional<work> current_;  ///< On our tip.
  std::map<std::uint64_t, work>
      behind_;  ///< Heights at or below our tip whose commit is not complete.

  struct early_message {
    ip_address from;
    std::uint64_t height = 0;
    wire::message what;
    std::size_t bytes = 0;
  };
  std::deque<early_message> early_;  ///< For the next heights; bounded, see too_early.
  std::size_t early_bytes_ = 0;

  std::map<ip_address, peer> peers_;     ///< As many as the registry has established.
  std::string not_stored_;               ///< Why the keeper refused a commit last ...
  monotonic_ns not_stored_told_at_ = 0;  ///< ... and when that was told.
  std::uint64_t split_told_ = 0;  ///< The last height of which two certificates were reported.
  peer_clocks clocks_;
  monotonic_ns clock_warned_at_ = 0;
  monotonic_ns repeat_at_ = 0;
  monotonic_ns silence_warned_at_ = 0;
  consensus_snapshot counts_;  ///< Only its counters are kept up to date.
};

using block_producer = block_producer_actor::stateful_impl<block_producer_state>;

}  // namespace timenode
