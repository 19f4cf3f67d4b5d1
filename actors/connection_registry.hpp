#pragma once

// The one place that decides which connections there are: may this peer be dialed, is this inbound one
// welcome, which of two dies, who is banned. The rules of a pair are in net/peer_link.hpp, those of who is listened
// to in net/inbound_gate.hpp, of places in net/slots.hpp, of bans and trust in net/access_control.hpp, of our own
// address in net/own_address.hpp; here they meet the actors.

#include "actors/alarm.hpp"
#include "actors/connection_factory.hpp"
#include "actors/interfaces.hpp"
#include "actors/log_fold.hpp"
#include "actors/node_context.hpp"
#include "actors/peer_archive.hpp"
#include "net/access_control.hpp"
#include "net/inbound_gate.hpp"
#include "net/own_address.hpp"
#include "net/peer_link.hpp"
#include "net/slots.hpp"

#include <boost/unordered_map.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>

namespace timenode {

/// For how long a peer counts as a masternode after it has proven to be one: ten of its heartbeats.
inline constexpr monotonic_ns masternode_proven_for = 600'000'000'000;
/// Bans that the ladder brings are written this long after the first of them, and no more often than that: an
/// offender must not decide how often we write. A crash forgets what is not written.
inline constexpr monotonic_ns access_saved_within = 10'000'000'000;

struct registry_config {
  std::size_t max_peers = net::default_max_peers;
  /// None: what fits to `max_peers`.
  std::optional<net::inbound_limits> inbound;
  net::peer_link_rules rules;
  /// How `node_context::local_ip` is known, if it is.
  net::own_address::source own_ip_from = net::own_address::source::configured;
  /// What the configuration says of bans and trust.
  std::vector<ip_network> banned;
  std::vector<ip_network> trusted;
  bool trusted_only = false;  ///< Everybody else is banned.
  /// Bans, trust and violations of the last run (net/access_control.hpp).
  std::vector<std::string> kept;
  archive_actor archive;  ///< Where they go; null: a restart forgets them.
};

class connection_registry_state {
 public:
  static constexpr auto name = "timenode.connection-registry";

  connection_registry_state(connection_registry_actor::pointer self, node_context context,
                            registry_config config, std::unique_ptr<connection_factory> factory);

  connection_registry_actor::behavior_type make_behavior();

 private:
  /// What is known of one IP.
  struct peer {
    net::peer_link link;
    endpoint dial_to;
    dial_purpose purpose = dial_purpose::discovered;
    std::optional<monotonic_ns> deadline = {};  ///< As it stands in `deadlines_`.
    introduction said = {};
    monotonic_ns useful_at = 0;     ///< 0: never.
    monotonic_ns proven_until = 0;  ///< As a masternode.
    std::string_view state = {};
    monotonic_ns state_since = 0;
    bool held_by_ban = false;  ///< Its next dial waits for the end of a ban.
  };
  /// One connection, from its first moment until its actor is gone.
  struct connection {
    ip_address ip;
    peer_connection_actor actor;
    endpoint remote;
    link_direction direction;
    link_phase phase;
    monotonic_ns since;
    std::optional<ip_address> our_end = {};  ///< Of a dial.
    bool reported = false;                   ///< Its `link_report` came.
    bool banned = false;                     ///< It is closed for that.
  };

  // -- connection_registry.cpp: what is told, and carrying out what the rules say --------
  void on_accepted(std::uint64_t accepted, const endpoint& remote);
  void on_want(const endpoint& to, dial_purpose purpose);
  void on_unwant(const ip_address& ip);
  void on_connected(link_id id, const endpoint& local);
  void on_handshaken(link_id id);
  void on_introduced(link_id id, const introduction& said);
  void on_alive(link_id id);
  void on_report(const link_report& report);
  void on_down(const caf::down_msg& msg);
  void on_wake(std::uint64_t token);
  void subscribe(peer_listener_actor listener);
  caf::result<void> stop();
  void finish_stop();
  peer& peer_of(const ip_address& ip);
  void carry_out(const ip_address& ip, net::link_actions actions);
  void dial(const ip_address& ip, bool ordered = false);
  void add(link_id id, const link_spec& spec, peer_connection_actor actor, link_phase phase);
  void close(link_id id, link_end cause, const std::string& reason);
  void publish_up(const ip_address& ip, link_id id);
  void publish_down(const ip_address& ip);
  void reschedule(const ip_address& ip, peer& x);
  void set_alarm();

  // -- connection_registry_places.cpp: who is let in, and who we are -----------------------
  std::optional<inbound_refusal> why_not(const ip_address& ip) const;
  bool is_favoured(const ip_address& ip) const;
  void refuse(inbound_refusal why);
  bool has_free_place(const ip_address& ip) const;
  bool would_have_place(const ip_address& ip) const;
  bool take_place(const ip_address& ip);
  std::vector<net::slot_holder> holders() const;
  net::slot_holder holder(const ip_address& ip, monotonic_ns since, link_direction direction) const;
  void on_useful(const ip_address& ip);
  void on_proven(const ip_address& ip);
  net::pair_role role_towards(const ip_address& ip, const introduction& said) const;
  void own_address_changed();

  link_spec spec_for(link_id id, link_direction direction, const endpoint& remote) const;

  // -- connection_registry_access.cpp: bans, trust and orders ------------------------------
  void begin_access();
  void on_violation(const violation& x);
  caf::result<order_reply> on_order(const peer_order& order);
  void on_settings(peer_settings x);
  void enter_configured_access();
  caf::result<order_reply> change_access(const peer_order& order);
  order_reply dial_once(const endpoint& to);
  order_reply disconnect(const peer_order& order);
  std::size_t close_banned();
  void release_held();
  void save_soon();
  void save_now();
  caf::result<order_reply> save_and_reply(order_reply reply);
  template <class F>
  void save(F then);
  void saved(const std::string& problem);

  // -- connection_registry_views.cpp: what is asked ----------------------------------------
  registry_snapshot snapshot() const;
  std::vector<ban_snapshot> bans() const;
  known_peer_snapshot explain(const ip_address& ip) const;
  known_peer_snapshot describe(const ip_address& ip, const peer* x) const;
  link_list list() const;
  caf::result<link_list, std::uint64_t> check() const;

  connection_registry_actor::pointer self_;
  node_context context_;  ///< Its `local_ip` follows `own_`.
  registry_config config_;
  std::unique_ptr<connection_factory> factory_;
  random_source random_;
  alarm_clock alarm_;
  shared_routes routes_;  ///< Null until they are attached.
  std::vector<peer_listener_actor> listeners_;
  // Looked up several times with each dial, and of all that a node keeps among the largest.
  boost::unordered_map<ip_address, peer, std::hash<ip_address>> peers_;
  boost::unordered_map<link_id, connection> connections_;
  boost::unordered_map<caf::actor_id, link_id> by_actor_;
  std::set<std::pair<monotonic_ns, ip_address>> deadlines_;
  std::map<ip_address, link_id> up_;  ///< Published as up, and through which connection.
  std::unordered_map<ip_address, std::size_t> up_by_group_;
  net::own_address own_;
  net::inbound_gate gate_;
  net::slot_policy slots_;
  net::access_control access_;
  monotonic_ns save_at_ = 0;  ///< 0: all is written.
  std::size_t saving_ = 0;    ///< Writings under way.
  std::string not_kept_;      ///< Why the last one failed.
  std::array<std::uint64_t, static_cast<std::size_t>(last_link_end) + 1>
      ended_{};  ///< By `link_end`.
  std::map<std::string, std::uint64_t> refused_;
  log_fold link_log_;
  log_fold violation_log_;
  link_id last_id_ = 0;
  bool stopping_ = false;
  std::vector<caf::typed_response_promise<void>> stop_promises_;
};

using connection_registry = connection_registry_actor::stateful_impl<connection_registry_state>;

}  // namespace timenode
