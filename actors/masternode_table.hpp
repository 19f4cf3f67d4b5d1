#pragma once

// The table of masternodes: carries what peers say to the masternode book and what it rules back,
// and sends our own announcement, heartbeats and attestations when we are a masternode.

#include "actors/alarm.hpp"
#include "actors/interfaces.hpp"
#include "actors/masternode_book.hpp"
#include "actors/masternode_identity.hpp"
#include "actors/node_context.hpp"
#include "actors/peer_archive.hpp"
#include "actors/recent_answers.hpp"
#include "chain/keys.hpp"
#include "net/random.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace timenode {

/// A heartbeat every 60 s (protocol page, section 3) give or take a tenth, so that masternodes that
/// started together do not beat together. Our announcement is repeated with it, as the deployed
/// daemon expects.
inline constexpr monotonic_ns heartbeat_period = 60'000'000'000;
/// The first one: soon, but when there are peers to hear it.
inline constexpr monotonic_ns first_heartbeat_after = 5'000'000'000;
/// How often one peer is asked for its list: what one peer told us at first another may know better
/// by now.
inline constexpr monotonic_ns list_period = 600'000'000'000;
inline constexpr double masternode_jitter = 0.1;
/// Lists that a peer may send without being asked again: the answers to the question that a
/// connection begins with and to ours. More are dropped.
inline constexpr int lists_at_first = 2;

/// The table is written this often, if something worth a line changed; it costs a file of at most some MB.
inline constexpr monotonic_ns table_saved_every = 60'000'000'000;
/// Numbers of heartbeats that are kept ahead: after a crash they go on above all that was sent since the table
/// was written last, at the latest an hour before.
inline constexpr std::uint64_t sequences_ahead = 1'000;
/// The table is written at least this often, for the sake of that.
inline constexpr monotonic_ns table_saved_at_least = 3'600'000'000'000;

/// What a table remembers over restarts.
struct masternode_memory {
  std::vector<std::string> kept;  ///< What the last run wrote.
  archive_actor archive;          ///< Where it goes; null: a restart forgets it.
};

/// All that is needed of the peer directory.
using dial_wish_actor = caf::typed_actor<
    // A masternode is said to be there.
    auto(atom::want, endpoint, dial_purpose)->caf::result<void>>;

/// A masternode that does not know its address by then says so: its first dials show an address of its own, if the machine has
/// a public one, and others tell it with their introductions.
inline constexpr monotonic_ns address_known_within = 60'000'000'000;

class masternode_table_state {
 public:
  static constexpr auto name = "timenode.masternode-table";

  /// @param registry Tells of peers.
  /// @param directory Is told of masternodes to be dialed.
  /// @param identity None: this node is no masternode. A masternode is its IP: while that is
  ///                 unknown (`context.local_ip`), the identity has no effect.
  masternode_table_state(masternode_table_actor::pointer self, node_context context,
                         connection_registry_actor registry, dial_wish_actor directory,
                         std::optional<masternode_identity> identity,
                         masternode_memory memory = {});

  masternode_table_actor::behavior_type make_behavior();

 private:
  struct peer {
    peer_connection_actor connection;
    bool dialed = false;  ///< By us.
    int lists_expected = lists_at_first;
  };

  bool is_masternode() const noexcept { return identity_ && context_.local_ip; }
  void become_ourselves();
  void on_own_address(const ip_address& ip);
  void begin_beating();
  void on_peer_up(const peer_info& info, const peer_connection_actor& connection);
  void on_peer_down(const ip_address& ip);
  void on_message(const ip_address& from, const wire::message& x);
  void on_announcement(const ip_address& from, const wire::masternode_announcement& x);
  void on_list(const ip_address& from, const wire::masternodes_response& x);
  caf::result<flood_judgement> judge(const ip_address& from, const wire::message& x);
  caf::result<flood_judgement> judge_heartbeat(const ip_address& from,
                                               const wire::heartbeat_broadcast& x);
  void want(const std::vector<ip_address>& masternodes);
  encoded_line active_masternodes();

  // -- ourselves --
  void attest(const wire::heartbeat_broadcast& x);
  void beat();
  std::vector<wire::message> introduction() const;

  // -- time --
  void on_attached(const gossip_actor& gossip);
  void on_wake(std::uint64_t token);
  void ask_somebody();
  void changed();
  void set_alarm();
  moment now() const;

  // -- over restarts --
  void restore(const std::vector<std::string>& lines);
  caf::result<void> save();
  template <class F>
  void write_table(F then);

  masternode_table_actor::pointer self_;
  node_context context_;
  connection_registry_actor registry_;
  dial_wish_actor directory_;
  gossip_actor gossip_;  ///< Null until attached.
  std::optional<masternode_identity> identity_;
  random_source random_;
  alarm_clock alarm_;

  masternode_book book_;
  std::map<ip_address, peer> peers_;  ///< As many as the registry has established.
  /// Lists. What a list has that we have not, heartbeats tell within a minute or two, too.
  recent_answers recently_{list_period};
  std::uint64_t next_sequence_ = 0;
  monotonic_ns expire_at_ = 0;    ///< 0: never.
  monotonic_ns nameless_at_ = 0;  ///< When it is told that our address is still unknown; 0: not.
  monotonic_ns beat_at_ = 0;      ///< 0: never.
  monotonic_ns ask_at_ = 0;

  wire::shared_line active_line_;     ///< The answer to GetMasternodes; null: to be made ...
  std::uint64_t active_line_of_ = 0;  ///< ... for that revision of the book.

  archive_actor archive_;
  monotonic_ns save_at_ = 0;  ///< 0: never.
  monotonic_ns saved_at_ = 0;
  std::uint64_t saved_revision_ = 0;
  std::string not_kept_;  ///< Why the last writing failed.
};

using masternode_table = masternode_table_actor::stateful_impl<masternode_table_state>;

}  // namespace timenode
