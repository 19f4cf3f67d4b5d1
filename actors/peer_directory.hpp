#pragma once

// The address book and the dialing plan: carries what peers, registry and masternode table say to
// the book, and the book's plan to the registry.

#include "actors/address_book.hpp"
#include "actors/alarm.hpp"
#include "actors/interfaces.hpp"
#include "actors/node_context.hpp"
#include "net/random.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace timenode {

/// How often one peer, chosen by chance, is asked for addresses again, give or take a tenth. Asking
/// is what new addresses come from; a book needs few of them.
inline constexpr monotonic_ns ask_peers_period = 600'000'000'000;
inline constexpr double ask_peers_jitter = 0.1;
/// Addresses that we name to a peer: an answer of 3 KiB.
inline constexpr std::size_t sample_size = 100;

struct directory_config {
  std::vector<endpoint> configured; ///< Connected always, and never given up.
  /// Peers to be connected, configured ones apart; the same as the registry's.
  std::size_t max_peers = 125;
};

class peer_directory_state {
public:
  static constexpr auto name = "timenode.peer-directory";

  /// @param registry Tells of peers and dials, and is told which to connect.
  peer_directory_state(peer_directory_actor::pointer self, node_context context,
                       connection_registry_actor registry, directory_config config);

  peer_directory_actor::behavior_type make_behavior();

private:
  struct peer {
    peer_connection_actor connection;
    std::size_t allowed = 0; ///< Addresses that it may still name in answer to our questions.
  };

  void on_dial_report(const dial_report& report);
  void on_want(const endpoint& to, dial_purpose purpose);
  void on_peer_up(const peer_info& info, const peer_connection_actor& connection);
  void on_peer_down(const ip_address& ip);
  void on_message(const ip_address& from, const wire::message& x);
  void on_wake(std::uint64_t token);
  void ask(peer& x);
  void follow_plan();

  peer_directory_actor::pointer self_;
  node_context context_;
  connection_registry_actor registry_;
  address_book book_;
  random_source random_;
  alarm_clock alarm_;
  std::map<ip_address, peer> peers_; ///< As many as the registry has established.
  monotonic_ns ask_at_ = 0;
};

using peer_directory = peer_directory_actor::stateful_impl<peer_directory_state>;

} // namespace timenode
