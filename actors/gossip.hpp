#pragma once

// Floods: every item that is valid and new goes once to every peer but those that sent it, in one encoded
// buffer that all of them share. What is valid, the owner of the item says; gossip itself knows nothing of
// blocks or masternodes.

#include "actors/interfaces.hpp"
#include "actors/node_context.hpp"
#include "actors/rate_limits.hpp"
#include "actors/seen_cache.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <vector>

namespace timenode {

/// Flooded items that a peer may send us: 1,000 masternodes whose heartbeats travel with 16 attestations each
/// make 283 a second. More are dropped, not punished.
inline constexpr double flood_items_per_second = 500;
/// A peer that we just connected to, or that was stalled, sends what it has in one go.
inline constexpr double flood_burst = 2000;

/// How long a judge may take: applying a block waits for the disk; no request of ours lives longer.
inline constexpr std::chrono::seconds judge_timeout{15};
/// What is with the judges at one time, and its share of one peer: mailboxes have no bound of their own. Items
/// beyond it are dropped and not remembered, so that they count when they come again.
inline constexpr std::size_t max_judging = 1024;
inline constexpr std::size_t max_judging_per_peer = 128;
/// The same in bytes of encoded lines: a line may have 8 MiB.
inline constexpr std::size_t max_judging_bytes = 64u << 20;
inline constexpr std::size_t max_judging_bytes_per_peer = 16u << 20;

class gossip_state {
public:
  static constexpr auto name = "timenode.gossip";

  /// @param registry Tells of peers, and is told of violations.
  /// @param blocks Judges announced blocks.
  /// @param masternodes Judges heartbeats and attestations.
  gossip_state(gossip_actor::pointer self, node_context context, connection_registry_actor registry,
               judge_actor blocks, judge_actor masternodes);

  gossip_actor::behavior_type make_behavior();

private:
  struct peer {
    peer_connection_actor connection;
    link_id link = 0;
    token_bucket limit{flood_items_per_second, flood_burst};
  };

  /// An item that is with its judge.
  struct judged_item {
    wire::shared_line line;
    std::vector<ip_address> senders; ///< The one that it is judged for first, then all others who sent it.
    link_id link = 0;                ///< That it came over first; 0: unknown.
  };

  void on_peer_up(const peer_info& info, const peer_connection_actor& connection);
  void on_item(const ip_address& from, wire::message& item);
  void on_judgement(const hash256& hash, const flood_judgement& judgement);
  void on_no_judgement(const hash256& hash);
  void flood(const wire::message& item);

  const judge_actor* judge_of(const wire::message& item) const noexcept;
  bool within_limit(const ip_address& from);
  bool has_room(const ip_address& from, std::size_t bytes) const;
  void send(const wire::shared_line& line, const std::vector<ip_address>& except);
  gossip_snapshot snapshot() const;

  gossip_actor::pointer self_;
  node_context context_;
  connection_registry_actor registry_;
  judge_actor blocks_;
  judge_actor masternodes_;

  std::map<ip_address, peer> peers_; ///< As many as the registry has established.
  /// For those whose messages come before their peer_up or after their peer_down.
  token_bucket strangers_{flood_items_per_second, flood_burst};
  seen_cache seen_;
  std::map<hash256, judged_item> judging_; ///< Bounded by the limits above.
  gossip_snapshot counts_;
};

using gossip = gossip_actor::stateful_impl<gossip_state>;

} // namespace timenode
