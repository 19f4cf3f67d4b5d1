#pragma once

// Downloads what is missing and changes over to the network's branch (architecture, sections 3 and
// 6). The policy of downloading is in `sync::sync_plan`, the way of blocks into the chain in
// `sync::block_pipeline`, that of forks in `sync::fork_repair`; this actor carries messages between
// them, the peers, the checkers, the masternode table and the chain keeper.

#include "actors/alarm.hpp"
#include "actors/block_pipeline.hpp"
#include "actors/fork_repair.hpp"
#include "actors/interfaces.hpp"
#include "actors/line_limit.hpp"
#include "actors/node_context.hpp"
#include "actors/sync_plan.hpp"
#include "actors/sync_progress.hpp"
#include "chain/block_store.hpp"

#include <boost/unordered/unordered_flat_map.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace timenode {

/// All that is needed of the connection registry.
using violation_taker_actor = caf::typed_actor<
    // A peer sent bytes that are provably wrong.
    auto(violation)->caf::result<void>>;

/// Nothing in here says "syncing": what it is at follows from where we are and what peers claim, so
/// a restart goes on from the tip. Each thing that is waited for has a deadline in the alarm: CAF's
/// own request timeouts are not used, since those of answered requests stay in its clock until they
/// fire, hundreds a second when the chain grows fast.
class sync_engine_state {
 public:
  static constexpr auto name = "timenode.sync-engine";

  /// @param keeper     Applies blocks.
  /// @param checkers   At least one: as many checks run at once.
  /// @param chain      What the keeper stores; of it only the tip and hashes are read.
  /// @param registry   The connection registry: is told of violations; null: nobody is.
  /// @param max_waiting_bytes  See `sync::max_waiting_bytes`; less in tests.
  sync_engine_state(sync_engine_actor::pointer self, node_context context,
                    chain_keeper_actor keeper, std::vector<block_checker_actor> checkers,
                    std::shared_ptr<const chain::chain_reader> chain,
                    violation_taker_actor registry,
                    std::size_t max_waiting_bytes = sync::max_waiting_bytes);

  sync_engine_actor::behavior_type make_behavior();

 private:
  /// What the chain keeper is at, as we see it. All but `ready` end at `keeper_deadline_`.
  enum class keeper_phase : std::uint8_t {
    ready,
    applying,    ///< Has a batch; next: asks for the tip, since it is unknown what became of the
                 ///< batch.
    switching,   ///< Has a branch; the same.
    asking_tip,  ///< Next: asks again.
    resting,     ///< The store failed, or the keeper did not answer; next: tries again.
  };

  struct connected_peer {
    link_id link = 0;
    peer_connection_actor connection;
    monotonic_ns tip_shown_at = 0;  ///< 0: never.
  };

  /// Whose blocks a checker has.
  enum class check_of : std::uint8_t { our_chain, branch };
  using check_id = std::pair<check_of, std::uint64_t>;

  // -- peers
  void peer_up(const peer_info& info, const peer_connection_actor& connection);
  void peer_down(const ip_address& ip);
  void take(const ip_address& ip, const wire::message& x);
  void blocks_came(const ip_address& ip, std::span<const block_ptr> blocks);
  bool height_came(const ip_address& ip, std::uint64_t height, monotonic_ns now);
  void claims_changed(const ip_address& ip);
  void show_tip(const ip_address& ip, monotonic_ns now);
  std::uint64_t capped(std::uint64_t height) const;

  // -- announced blocks
  caf::result<flood_judgement> judge(const ip_address& ip, const wire::message& x);
  caf::result<flood_judgement> judge_block(const ip_address& ip, const block_ptr& x);
  bool have(const block_header& header) const;

  // -- blocks on their way (sync_engine_blocks.cpp)
  void drive();
  void feed();
  void add_run(std::int64_t latest);
  void start_checks();
  void check(check_of whose, sync::check_job job);
  void check_done(check_of whose, std::uint64_t run, check_reply& reply);
  void check_lost(check_of whose, std::uint64_t run);
  void start_apply();
  void on_applied(const apply_reply& reply);
  void on_tip(const chain_tip& tip);
  void settle(sync::pipeline_news news);
  void reward(const sync::sourced_blocks& applied);
  void report(const sync::bad_block& bad);
  void flood_if_caught_up(const sync::pipeline_news& news);
  void too_early(const sync::sourced_block& x);

  // -- forks (sync_engine_forks.cpp)
  /// The peer's block at that height, which we hold, is another one than ours.
  void on_other_branch(const ip_address& ip, std::uint64_t height, const hash256& hash);
  void on_our_branch(const ip_address& ip);
  bool hash_came(const ip_address& ip, const wire::block_hash_response& x);
  void repair_forks(monotonic_ns now);
  void ask_for_masternodes();
  void start_switch();
  void on_switched(const apply_reply& reply);
  void tip_moved(const chain_tip& from);
  fork_snapshot forks_snapshot(monotonic_ns now) const;

  // -- the keeper (sync_engine_blocks.cpp)
  void enter(keeper_phase phase, monotonic_ns patience);
  void ask_tip();
  void rest_keeper();
  void keeper_overdue();

  // -- time
  void wake();
  void arm(monotonic_ns now);
  void send(const sync::plan_step& step);
  void log_progress(monotonic_ns now);
  sync::plan_position position() const;
  sync::progress_point progress() const;
  sync_progress progress_so_far() const;
  sync_snapshot snapshot() const;
  std::string state_text() const;

  sync_engine_actor::pointer self_;
  node_context context_;
  chain_keeper_actor keeper_;
  std::vector<block_checker_actor> checkers_;
  std::shared_ptr<const chain::chain_reader> chain_;
  violation_taker_actor registry_;
  gossip_actor gossip_;  ///< Null until attached: it is made after us, since it asks us to judge.

  /// Established ones: the registry's slots bound them. For look-ups only.
  boost::unordered_flat_map<ip_address, connected_peer, std::hash<ip_address>> peers_;
  masternode_list_actor masternodes_;  ///< Null until attached: there is nobody to ask.
  sync::sync_plan plan_;
  sync::block_pipeline pipeline_;
  sync::fork_repair forks_;
  std::optional<chain_branch> waiting_branch_;  ///< For the keeper, when it has done what it has.
  std::uint64_t switches_ = 0;
  sync::sync_progress progress_;
  alarm_clock alarm_;
  encoded_line height_question_;  ///< Shared by all who are asked.

  keeper_phase keeper_phase_ = keeper_phase::ready;
  monotonic_ns keeper_deadline_ = 0;
  std::uint64_t keeper_turn_ = 0;   ///< An answer of another turn is dropped.
  std::uint32_t keeper_rests_ = 0;  ///< In a row.

  /// When a check is overdue; twice as many at most as there are checkers.
  std::map<check_id, monotonic_ns> check_deadlines_;
  std::size_t next_checker_ = 0;
  monotonic_ns checks_from_ = 0;  ///< No check before this moment: a checker has just failed.

  /// Who waits for a verdict; at most one for each run of the pipeline.
  std::map<sync::verdict_token, caf::typed_response_promise<flood_judgement>> verdicts_;
  sync::verdict_token last_token_ = 0;
  monotonic_ns clock_warning_from_ = 0;  ///< No warning about clocks before this moment.
  line_limit bad_block_lines_{5, std::chrono::minutes{1}};
  line_limit fork_lines_{10, std::chrono::minutes{1}};
};

using sync_engine = sync_engine_actor::stateful_impl<sync_engine_state>;

}  // namespace timenode
