#pragma once

// The one place that decides which connections there are: may this peer be dialed, is this inbound one
// welcome, which of two dies, who is banned. The rules of a pair are in net/peer_link.hpp, those of places in
// net/slots.hpp, those of bans in net/ban_ladder.hpp; here they meet the actors.

#include "actors/alarm.hpp"
#include "actors/connection_factory.hpp"
#include "actors/interfaces.hpp"
#include "actors/node_context.hpp"
#include "net/ban_ladder.hpp"
#include "net/peer_link.hpp"
#include "net/slots.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <map>
#include <memory>
#include <set>
#include <unordered_map>

namespace timenode {

struct registry_config {
  std::size_t max_peers = net::default_max_peers;
  /// Inbound connections whose handshake is under way, in all: strangers can hold no more of our sockets. 125
  /// places refill in a second or two even when each handshake takes one.
  std::size_t max_inbound_handshakes = 256;
  net::peer_link_rules rules;
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
    std::optional<monotonic_ns> deadline; ///< As it stands in `deadlines_`.
  };
  /// One connection, from its first moment until its actor is gone.
  struct connection {
    ip_address ip;
    peer_connection_actor actor;
    endpoint remote;
    link_direction direction;
    link_phase phase;
    monotonic_ns since;
    bool reported = false; ///< Its `link_report` came.
  };

  void on_accepted(std::uint64_t accepted, const endpoint& remote);
  void on_want(const endpoint& to, dial_purpose purpose);
  void on_unwant(const ip_address& ip);
  void on_connected(link_id id, const endpoint& local);
  void on_handshaken(link_id id);
  void on_alive(link_id id);
  void on_report(const link_report& report);
  void on_violation(const violation& x);
  void on_down(const caf::down_msg& msg);
  void on_wake(std::uint64_t token);
  void subscribe(peer_listener_actor listener);
  caf::result<void> stop();
  registry_snapshot snapshot() const;
  link_list list() const;

  peer& peer_of(const ip_address& ip);
  net::pair_role role_towards(const ip_address& ip) const;
  void carry_out(const ip_address& ip, net::link_actions actions);
  void dial(const ip_address& ip);
  void add(link_id id, const link_spec& spec, peer_connection_actor actor, link_phase phase);
  void close(link_id id, link_end cause, const std::string& reason);
  bool take_place(const ip_address& ip);
  void publish_up(const ip_address& ip, link_id id);
  void publish_down(const ip_address& ip);
  void reschedule(const ip_address& ip);
  void set_alarm();
  void learn_own_ip(const ip_address& ip);

  connection_registry_actor::pointer self_;
  node_context context_;
  registry_config config_;
  std::unique_ptr<connection_factory> factory_;
  random_source random_;
  alarm_clock alarm_;
  std::optional<peer_routes> routes_;
  std::vector<peer_listener_actor> listeners_;
  std::unordered_map<ip_address, peer> peers_;
  std::map<link_id, connection> connections_;
  std::map<caf::actor_addr, link_id> by_actor_;
  std::set<std::pair<monotonic_ns, ip_address>> deadlines_;
  std::map<ip_address, link_id> up_; ///< Published as up, and through which connection.
  std::size_t inbound_handshakes_ = 0;
  net::ban_ladder bans_;
  std::map<std::string, std::uint64_t> ended_;
  link_id last_id_ = 0;
  bool stopping_ = false;
  std::vector<caf::typed_response_promise<void>> stop_promises_;
};

using connection_registry = connection_registry_actor::stateful_impl<connection_registry_state>;

} // namespace timenode
