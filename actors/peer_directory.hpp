#pragma once

// The address book and the dialing plan: carries what peers, registry and masternode table say to
// the book, and the book's plan to the registry.

#include "actors/address_book.hpp"
#include "actors/alarm.hpp"
#include "actors/expiring_set.hpp"
#include "actors/interfaces.hpp"
#include "actors/node_context.hpp"
#include "actors/peer_archive.hpp"
#include "actors/recent_answers.hpp"
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
/// A node that knows nobody says so this long after its start, when those who know it may have come, and then with
/// every `ask_peers_period`.
inline constexpr monotonic_ns loneliness_told_after = 10'000'000'000;
inline constexpr double ask_peers_jitter = 0.1;
/// Peers of which it is remembered that they have named others: one that comes again within `ask_peers_period` has hardly anything
/// new to name. Many times as many as are connected at one time; who is forgotten is asked again.
inline constexpr std::size_t answers_remembered = 4096;
/// Addresses that we name to a peer: an answer of 3 KiB.
inline constexpr std::size_t sample_size = 100;

/// How often the book is written when it has changed: as often as Bitcoin Core writes its own. What a crash forgets is what was
/// learned since: peers name it again.
inline constexpr monotonic_ns book_saved_every = 900'000'000'000;
/// The first time after the start, and after a failure to write: sooner.
inline constexpr monotonic_ns book_saved_first = 30'000'000'000;
/// While the book waits for time to pass, a plan is made this often at most.
inline constexpr monotonic_ns plan_period = 5'000'000'000;

struct directory_config {
  std::vector<endpoint> configured;  ///< Connected always, and never given up.
  /// Peers to be connected, configured ones apart; the same as the registry's.
  std::size_t max_peers = 125;
  std::vector<std::string> kept;  ///< The book of the last run (address_book::to_lines).
  archive_actor archive;          ///< Where it goes; null: a restart forgets it.
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
    monotonic_ns since = 0;   ///< When it was established, over whatever connection.
    std::size_t allowed = 0;  ///< Addresses that it may still name in answer to our questions.
    bool dialed = false;      ///< By us.
  };

  void on_dial_report(const dial_report& report);
  void on_want(const endpoint& to, dial_purpose purpose);
  void on_peer_up(const peer_info& info, const peer_connection_actor& connection);
  void on_peer_down(const ip_address& ip);
  void on_message(const ip_address& from, const wire::message& x);
  void on_wake(std::uint64_t token);
  order_reply on_order(const peer_order& order);
  void ask(peer& x);
  void follow_plan();
  caf::result<void> save();
  template <class F>
  void write_book(F then);
  void saved(const std::string& problem);
  directory_snapshot snapshot() const;
  void set_alarm();

  peer_directory_actor::pointer self_;
  node_context context_;
  connection_registry_actor registry_;
  address_book book_;
  random_source random_;
  alarm_clock alarm_;
  std::map<ip_address, peer> peers_;  ///< As many as the registry has established.
  expiring_set<ip_address> answered_{answers_remembered};
  recent_answers recently_{ask_peers_period};
  monotonic_ns ask_at_ = 0;
  monotonic_ns plan_at_ = 0;    ///< 0: the book waits for no time.
  monotonic_ns lonely_at_ = 0;  ///< When it looks whether it knows anybody.
  archive_actor archive_;
  monotonic_ns save_at_ = 0;  ///< 0: never.
  std::uint64_t saved_ = 0;   ///< The book's changes that are written.
  std::string not_kept_;      ///< Why the last writing failed.
};

using peer_directory = peer_directory_actor::stateful_impl<peer_directory_state>;

}  // namespace timenode
