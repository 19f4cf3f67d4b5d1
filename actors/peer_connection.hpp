#pragma once

// One connection to a peer, of either direction: handshake, liveness, limits, and the way of every message
// to its owner and of every answer back. The socket is behind `net::connection`; what the pair of nodes
// does as a whole is the connection registry's to decide.

#include "actors/alarm.hpp"
#include "actors/interfaces.hpp"
#include "actors/liveness.hpp"
#include "actors/message_routes.hpp"
#include "actors/node_context.hpp"
#include "actors/peer_clocks.hpp"
#include "actors/rate_limits.hpp"
#include "net/introduction.hpp"
#include "net/transport.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <list>
#include <memory>
#include <optional>
#include <string>

namespace timenode {

/// How long the handshake may take (architecture, section 5).
inline constexpr monotonic_ns handshake_timeout = 10'000'000'000;
/// How long a socket may take to close before its actor ends without it.
inline constexpr monotonic_ns close_timeout = 6'000'000'000;
/// This many violations on one connection close it (protocol page, section 8).
inline constexpr std::uint32_t max_violations_per_connection = 10;
/// Questions of a peer that other actors of ours work on at once; the others wait unread. Each may cost a disk
/// read and 4 MiB of answer; the sync engine of another node keeps four outstanding.
inline constexpr std::size_t max_questions_at_once = 4;
/// So many lines, or bytes of batches, may be on their way to other actors of ours before one asks whether they were
/// worked off: what one read may take, and so few that a peer who floods cannot fill a mailbox.
inline constexpr std::size_t max_unproven_lines = 32;
inline constexpr std::size_t max_unproven_bytes = 64u << 10;
/// A question whose peer does not read what waits for it is dropped after this, and so are those behind it, but for those with
/// short answers. Who asked has not got long to wait any more (15 s); and two nodes that each wait until the other reads would
/// wait until both are dead.
inline constexpr monotonic_ns question_waits_for = 10'000'000'000;
/// How long an answer from another actor of ours may take. (Not by CAF's timeouts of requests: those of answered ones stay in its
/// clock until they are due, one for each question of every peer.)
inline constexpr monotonic_ns answer_timeout = 15'000'000'000;

/// Which connection an actor is for.
struct link_spec {
  link_id id = 0;
  link_direction direction = link_direction::inbound;
  endpoint remote;
  std::optional<ip_address> own_ip = {};  ///< Ours, as far as the registry knows.
  bool trusted = false;                   ///< By the operator: it may send as much as it likes.
};

class peer_connection_state {
 public:
  static constexpr auto name = "timenode.peer-connection";

  /// `connection` is not started yet; the actor owns it from now on and closes it when it ends.
  /// `context` and `routes` are shared by all connections: each would keep 220 bytes of them.
  peer_connection_state(peer_connection_actor::pointer self,
                        std::shared_ptr<const node_context> context, link_spec spec,
                        net::connection_ptr connection, connection_registry_actor registry,
                        shared_routes routes);
  ~peer_connection_state();
  peer_connection_state(const peer_connection_state&) = delete;
  peer_connection_state& operator=(const peer_connection_state&) = delete;

  peer_connection_actor::behavior_type make_behavior();

 private:
  // -- what the transport tells --
  void on_connected(const endpoint& local);
  void on_failed(const std::string& reason);
  void on_closed(const std::string& reason);
  void on_received(wire::received_batch& batch);

  // -- handling lines, the same for both directions (peer_connection_lines.cpp) --
  struct waiting_lines {
    std::vector<wire::decoded> lines;
    std::size_t next = 0;
    std::size_t bytes = 0;
  };
  bool has_much_to_read() const;
  bool has_much_unread();
  bool must_wait(const wire::decoded& line, bool much_to_read);
  void handle_waiting();
  bool handle_lines(waiting_lines& batch, bool much_unread);
  void give_back(std::size_t lines, std::size_t bytes);
  void handle(wire::decoded& line);
  void on_message(wire::message& x);
  void on_violation(const std::string& reason, const std::string& evidence, bool fatal);
  void route(message_route to, wire::message& x);
  void answer(wire::message& x);
  template <class Taker>
  void hand_on(message_route to, const Taker& who, wire::message& x);
  template <class Server>
  void ask(const Server& who, wire::message& x);
  template <class Request>
  void await_line(Request request);
  template <class Answer, class Request, class Taker>
  void await_answer(Request request, Taker take);
  monotonic_ns question_begins();
  bool question_ends(monotonic_ns asked);
  void give_questions_up(monotonic_ns now);

  // -- handshake (peer_connection_handshake.cpp) --
  void greet(const wire::message& x);
  void check_handshake(const wire::handshake& x);
  void establish();
  void introduce_ourselves();
  void on_introduction(wire::version_info&& x);
  void on_own_address(const ip_address& ip);

  // -- sending --
  void reply(const wire::message& x);
  void flush();
  void send_line(const encoded_line& line);
  void send_extension(const std::string& capability, const encoded_line& line);
  void compare_clocks(std::int64_t timestamp);
  void send_ping(monotonic_ns now);

  // -- life and end --
  void on_wake(std::uint64_t token);
  void set_alarm();
  void probe();
  void begin_close(link_end cause, const std::string& reason);
  void report_end(link_end cause, const std::string& reason);
  void finish();
  void set_phase(std::optional<link_phase> to);
  link_snapshot link() const;
  std::int64_t unix_time_of(monotonic_ns at) const;
  peer_snapshot snapshot() const;

  peer_connection_actor::pointer self_;
  std::shared_ptr<const node_context> context_;
  link_spec spec_;
  net::connection_ptr connection_;
  connection_registry_actor registry_;
  shared_routes routes_;
  random_source random_;
  movable_alarm alarm_;

  std::optional<link_phase> phase_;
  std::optional<endpoint> local_;
  monotonic_ns deadline_ = 0;  ///< Of the handshake or the close; 0: none.
  liveness liveness_;
  clock_report clock_report_;
  rate_limits limits_;
  std::list<waiting_lines>
      waiting_;                ///< Bounded by the read credit. An empty deque would keep 600 bytes.
  std::size_t questions_ = 0;  ///< With other actors of ours.
  monotonic_ns full_since_ =
      0;  ///< Since when it has been as many as there may be; only while it is.
  monotonic_ns gave_up_at_ = 0;  ///< Questions asked before are not among them any more.
  /// Since when its questions wait until it has read what we sent; 0: they do not.
  monotonic_ns unread_since_ = 0;
  // What was handed on since somebody was last asked whether it was worked off.
  std::uint32_t unproven_lines_ = 0;
  std::uint32_t unproven_bytes_ = 0;
  std::uint16_t unproven_takers_ = 0;  ///< Bits of `message_route`.
  std::string out_;                    ///< Answers to the lines of one read, sent together.
  bool end_reported_ = false;
  bool probing_ = false;

  // -- what it knows of the peer --
  std::int64_t connected_at_ = 0;
  monotonic_ns last_sent_ = 0;      ///< 0: never.
  monotonic_ns last_received_ = 0;  ///< The same.
  std::uint64_t messages_sent_ = 0;
  std::uint64_t messages_received_ = 0;
  std::uint64_t pings_sent_ = 0;
  std::uint64_t pongs_received_ = 0;
  std::uint64_t pings_answered_ = 0;
  std::int64_t ping_us_ = -1;
  std::int64_t min_ping_us_ = -1;
  std::optional<std::uint64_t> height_;
  std::unique_ptr<net::kept_version> version_;  ///< Null for the deployed daemon.
  std::uint32_t violations_ = 0;
  std::uint64_t unknown_messages_ = 0;
  std::uint64_t dropped_messages_ = 0;
  std::uint64_t left_out_messages_ = 0;
  bool is_masternode_ = false;
};

using peer_connection = peer_connection_actor::stateful_impl<peer_connection_state>;

}  // namespace timenode
