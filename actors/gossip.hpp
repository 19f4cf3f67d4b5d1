#pragma once

// Floods: every item that is valid and new goes once to every peer but those that sent it, in one
// encoded buffer that all of them share. What is valid, the owner of the item says; gossip itself
// knows nothing of blocks or masternodes.

#include "actors/interfaces.hpp"
#include "actors/node_context.hpp"
#include "actors/seen_cache.hpp"
#include "net/random.hpp"
#include "net/token_bucket.hpp"

#include <boost/container/flat_map.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace timenode {

/// Flooded items that a peer may send us: 1,000 masternodes whose heartbeats travel with 16
/// attestations each make 283 a second. More are dropped, not punished.
inline constexpr double flood_items_per_second = 500;
/// A peer that we just connected to, or that was stalled, sends what it has in one go.
inline constexpr double flood_burst = 2000;

/// How long the judge of a block may take: applying it waits for the disk. No request of ours lives
/// longer.
inline constexpr std::chrono::seconds block_judge_timeout{15};
/// The same for what is judged from memory or by a few reads, and of which there are many: CAF
/// keeps a timer for each request until its time is over, answered or not, and its timers cost
/// O(number of timers).
inline constexpr std::chrono::seconds beat_judge_timeout{3};
/// What is with the judges at one time, and its share of one peer: mailboxes have no bound of their
/// own. A connection hands over up to 256 lines at once. Items beyond this are dropped and not
/// remembered, so that they count when they come again.
inline constexpr std::size_t max_judging = 4096;
inline constexpr std::size_t max_judging_per_peer = 512;
/// The same in bytes of encoded lines: a line may have 8 MiB.
inline constexpr std::size_t max_judging_bytes = 64u << 20;
inline constexpr std::size_t max_judging_bytes_per_peer = 16u << 20;

/// That a peer was the first to give us something valid is told to the registry this often: it counts for two hours
/// there (net/slots.hpp).
inline constexpr monotonic_ns useful_told_every = 600'000'000'000;

/// Heartbeats and attestations of others go on to so many peers, chosen by chance. Who made one sends it to all of its
/// own peers, each of whom sends it on once: with five a node that is no peer of who made it is left out once in 150 times (e to the
/// power of -5), and the three in a row that it would hold a masternode inactive for once in three million. Sent on to all, each would
/// come from every peer of a network in which all know each other: of 283 a second (above) 35,000 lines with 125 peers.
inline constexpr std::size_t beats_go_on_to = 5;

/// Who judges which items; of kinds whose judge is null, none is sent on.
struct flood_judges {
  judge_actor blocks;             ///< Announced blocks.
  judge_actor masternodes;        ///< Heartbeats and attestations.
  judge_actor consensus = {};     ///< Proposals, ballots, votes and commits.
  judge_actor transactions = {};  ///< Transactions, votes on them and what came of that.
};

class gossip_state {
 public:
  static constexpr auto name = "timenode.gossip";

  /// @param registry Tells of peers, and is told of violations.
  gossip_state(gossip_actor::pointer self, node_context context, connection_registry_actor registry,
               flood_judges judges);

  gossip_actor::behavior_type make_behavior();

 private:
  struct peer {
    peer_connection_actor connection;
    link_id link = 0;
    monotonic_ns useful_told_at = 0;  ///< 0: never.
    net::token_bucket limit{flood_items_per_second, flood_burst};
  };

  /// An item that is with its judge.
  struct judged_item {
    encoded_line line;
    std::vector<ip_address> senders;  ///< First the one that it is judged for, then all others.
    std::string_view capability;      ///< That peers need to be sent it; empty: none.
    link_id link = 0;                 ///< That it came over first; 0: unknown.
    std::size_t most = 0;             ///< Goes on to so many peers.
  };

  static constexpr auto everybody = std::numeric_limits<std::size_t>::max();

  /// What is with the judges.
  struct load {
    std::size_t items = 0;
    std::size_t bytes = 0;
  };

  void on_peer_up(const peer_info& info, const peer_connection_actor& connection);
  void on_item(const ip_address& from, wire::message& item);
  void on_judgement(const hash256& hash, const flood_judgement& judgement);
  void note_useful(const ip_address& ip);
  void on_no_judgement(const hash256& hash);
  void flood(const wire::message& item);

  /// Who judges the item, and how long that may take; null when nobody here can.
  std::pair<const judge_actor*, std::chrono::seconds>
  judge_of(const wire::message& item) const noexcept;
  bool within_limit(const ip_address& from);
  bool has_room(const ip_address& from, std::size_t bytes) const;
  void hold(const hash256& hash, judged_item item);
  std::optional<judged_item> release(const hash256& hash);
  void send(const encoded_line& line, std::string_view capability,
            const std::vector<ip_address>& except, std::size_t most = everybody);
  gossip_snapshot snapshot() const;

  gossip_actor::pointer self_;
  node_context context_;
  connection_registry_actor registry_;
  flood_judges judges_;

  /// As many as the registry has established, side by side: each item goes to some of them.
  boost::container::flat_map<ip_address, peer> peers_;
  /// For those whose messages come before their peer_up or after their peer_down.
  net::token_bucket strangers_{flood_items_per_second, flood_burst};
  seen_cache seen_;
  std::map<hash256, judged_item> judging_;  ///< Bounded by the limits above.
  random_source random_;
  load load_;                                ///< Of `judging_` ...
  std::map<ip_address, load> load_by_peer_;  ///< ... and by who sent it first.
  gossip_snapshot counts_;
};

using gossip = gossip_actor::stateful_impl<gossip_state>;

}  // namespace timenode
