#pragma once

// Sees every message and every packet of a simulation and says at once when something that must always hold does
// not (architecture, section 1).

#include "actors/invariants.hpp"
#include "messages/node_messages.hpp"
#include "tests/sim/pair_watch.hpp"
#include "tests/sim/sim_network.hpp"
#include "tests/sim/trace.hpp"
#include "tests/sim/virtual_system.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace sim {

/// A pair that can reach each other is connected within this (architecture, section 1: `one-link`).
inline constexpr monotonic_ns longest_apart = 60 * second;
/// Two connections of a pair may live together for this long: 5 s until the other side acts, 5 s in which an old
/// connection may prove that it lives, 5 s more where a node does not know its own IP, and what the network takes.
inline constexpr monotonic_ns longest_double = 20 * second;

/// Something that must always hold did not.
struct broken {
  timenode::invariant which;
  monotonic_ns at = 0;
  std::string what;
};

/// Who a host is.
enum class host_kind : std::uint8_t { ours, reference, stranger };

class observer final : public network_watch, public message_watch {
 public:
  /// Hosts 0 to `ours` - 1 are our nodes, the next ones up to `honest` - 1 reference peers; others are strangers.
  observer(const virtual_system& system, const sim_network& network, trace& log, std::uint32_t ours,
           std::uint32_t honest);

  /// Called when a node of ours holds a transaction to be final by votes; may be empty.
  std::function<void(owner_index, const timenode::hash256&)> on_final;

  pair_watch& pairs() noexcept { return pairs_; }
  const pair_watch& pairs() const noexcept { return pairs_; }
  host_kind kind(std::uint32_t host) const noexcept;

  // -- what it is told besides --

  /// A run of our node begins or ends.
  void node_runs(owner_index node, bool runs);
  /// A reference peer holds this connection for established.
  void reference_established(const wire_record& wire, int side);
  /// What this host was asked until now it may leave unanswered: its disk was too slow for an answer in time.
  void excuse(std::uint32_t host);
  /// Nothing is due any more at this moment: what has to agree between events is compared.
  void settled();
  /// What was found elsewhere.
  void report(timenode::invariant which, std::string what);
  /// From now on no connection of two of our nodes may end, for nothing is in anybody's way; or one may again.
  void set_calm(bool calm) noexcept { calm_ = calm; }
  /// Looks at what still lasts.
  void finish();

  // -- network_watch, message_watch --
  caf::actor_control_block* running() const noexcept override { return system_.running(); }
  void started(const wire_record_ptr& wire, int side) override;
  void opened(const wire_record_ptr& wire) override;
  void ended(const wire_record_ptr& wire, int side) override;
  void received(const wire_record_ptr& wire, int side, const timenode::net::received_batch& batch,
                std::size_t unread) override;
  void handles(const actor_facts& who, const caf::mailbox_element& message) override;
  void connection_begins(const actor_facts& who) override;
  void connection_ends(const actor_facts& who) override;

  // -- what it saw --

  const std::vector<broken>& violations() const noexcept { return violations_; }
  std::uint64_t violation_count() const noexcept { return violation_count_; }
  std::uint64_t violation_count(timenode::invariant which) const noexcept {
    return by_invariant_[static_cast<std::size_t>(which)];
  }
  /// Connections that a timer of ours ended although nothing had been in the way.
  std::uint64_t timer_ends() const noexcept { return timer_ends_; }
  /// Connections of two of our nodes that ended while it was calm.
  std::uint64_t calm_ends() const noexcept { return calm_ends_; }
  /// Connections that were up and have ended, by what ended them first.
  const std::map<std::string, std::uint64_t>& ends() const noexcept { return ends_; }
  /// Provably wrong bytes that nodes reported, by sender's kind and reason.
  const std::map<std::string, std::uint64_t>& offences() const noexcept { return offences_; }
  std::uint64_t connections() const noexcept { return connections_; }
  /// Questions of each kind that came to our nodes over connections that they accepted (0) and dialed (1), and
  /// those answered.
  struct exchange {
    std::array<std::uint64_t, 2> asked{};
    std::array<std::uint64_t, 2> answered{};
  };
  std::map<std::string, exchange> exchanges() const;

 private:
  /// Questions that peers ask each other, each with one answer (protocol page, section 3).
  static constexpr std::size_t question_kinds = 8;
  struct question_state {
    std::array<std::uint16_t, question_kinds> owed{};
    monotonic_ns last_asked = 0;
  };
  struct wire_state final : wire_note {
    question_state sides[2];               ///< What the program on that side owes the other.
    bool established[2] = {false, false};  ///< So its registry was told.
    bool reported[2] = {false, false};     ///< ... and of its end.
    bool gone[2] = {false, false};
    bool counted = false;  ///< Its end.
  };
  struct connection_state {
    wire_record_ptr record;
    int side = 0;
  };
  struct node_state {
    std::int64_t entries = 0;      ///< Connections that its registry has.
    std::int64_t established = 0;  ///< ... and holds for established.
    bool runs = false;
    bool touched = false;
  };

  void on_handshaken(caf::actor_id connection);
  void on_link_report(caf::actor_id connection, const timenode::link_report& x);
  void on_violation(owner_index node, const timenode::violation& x);
  void on_down(const caf::down_msg& x);
  void judge_end(const wire_record& wire, int side, const timenode::link_report& x);
  void count_end(const wire_record& wire, const std::string& why);
  void judge_questions(const wire_record& wire);
  void take_findings();
  void touch(owner_index node);
  std::string name(std::uint32_t host) const { return network_.ip_of(host).to_string(); }

  const virtual_system& system_;
  const sim_network& network_;
  trace& log_;
  std::uint32_t ours_;
  std::uint32_t honest_;
  pair_watch pairs_;
  std::unordered_map<caf::actor_id, connection_state>
      connections_of_;  ///< By their actor; for look-ups only.
  std::unordered_map<std::uint64_t, wire_record_ptr> wires_;  ///< Those that are up at an end.
  std::vector<node_state> nodes_;
  std::vector<owner_index> touched_;
  std::vector<broken> violations_;
  std::uint64_t violation_count_ = 0;
  std::array<std::uint64_t, timenode::invariant_count> by_invariant_{};
  std::uint64_t timer_ends_ = 0;
  bool calm_ = false;
  std::uint64_t calm_ends_ = 0;
  std::map<std::string, std::uint64_t> ends_;
  std::map<std::string, std::uint64_t> offences_;
  std::array<exchange, question_kinds> exchanges_{};
  std::uint64_t connections_ = 0;
};

}  // namespace sim
