#include "tests/sim/observer.hpp"

#include "actors/interfaces.hpp"
#include "net/transport.hpp"

#include <caf/system_messages.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sim {

using namespace timenode;

namespace {

/// So many are kept; all are counted.
constexpr std::size_t max_violations_kept = 1000;
/// A question may take this long to be answered on a path that nothing disturbs.
constexpr monotonic_ns answered_within = 20 * second;
/// What ends within this of a handshake's time is no timer's fault: the connection took up to 5 s to come up.
constexpr monotonic_ns handshake_span = 15 * second;
/// What was forgotten at one end only is noticed within this: the next ping, and what the network takes.
constexpr monotonic_ns forgotten_span = 120 * second;
constexpr monotonic_ns dead_span = 90 * second;

template <class T, std::size_t I = 0>
constexpr std::size_t kind_of() {
  if constexpr (std::is_same_v<std::variant_alternative_t<I, wire::message>, T>)
    return I;
  else
    return kind_of<T, I + 1>();
}

/// Question and answer, by kind of message.
constexpr std::pair<std::size_t, std::size_t> questions[]{
    {kind_of<wire::ping>(), kind_of<wire::pong>()},
    {kind_of<wire::get_peers>(), kind_of<wire::peers_response>()},
    {kind_of<wire::get_block_height>(), kind_of<wire::block_height_response>()},
    {kind_of<wire::get_blocks>(), kind_of<wire::blocks_response>()},
    {kind_of<wire::get_block_hash>(), kind_of<wire::block_hash_response>()},
    {kind_of<wire::get_masternodes>(), kind_of<wire::masternodes_response>()},
    {kind_of<wire::get_pending_transactions>(), kind_of<wire::pending_transactions_response>()},
    {kind_of<wire::get_utxo_state_hash>(), kind_of<wire::utxo_state_hash_response>()},
};

/// For each kind of message: its place in `questions` plus 1, negative for an answer; 0: neither.
constexpr auto question_table = [] {
  std::array<int, wire::message_kinds> result{};
  for (std::size_t i = 0; i < std::size(questions); ++i) {
    result[questions[i].first] = static_cast<int>(i) + 1;
    result[questions[i].second] = -(static_cast<int>(i) + 1);
  }
  return result;
}();

std::string seconds_text(monotonic_ns x) {
  return fmt::format("{:.1f} s", static_cast<double>(x) * 1e-9);
}

}  // namespace

observer::observer(const virtual_system& system, const sim_network& network, trace& log,
                   std::uint32_t ours, std::uint32_t honest)
    : system_{system}, network_{network}, log_{log}, ours_{ours}, honest_{honest},
      pairs_{honest, longest_double}, nodes_(ours) {
  static_assert(std::size(questions) == question_kinds);
}

host_kind observer::kind(std::uint32_t host) const noexcept {
  return host < ours_     ? host_kind::ours
         : host < honest_ ? host_kind::reference
                          : host_kind::stranger;
}

// -- what it is told besides --------------------------------------------------------------------------

void observer::node_runs(owner_index node, bool runs) {
  nodes_[node] = {};
  nodes_[node].runs = runs;
}

void observer::reference_established(const wire_record& wire, int side) {
  if (wire.hosts[0] < honest_ && wire.hosts[1] < honest_)
    pairs_.established(wire.id, side, wire.hosts[0], wire.hosts[1], system_.now());
  take_findings();
}

void observer::excuse(std::uint32_t host) {
  for (const auto& [_, wire] : wires_)
    for (const auto side : {0, 1})
      if (wire->hosts[side] == host)
        static_cast<wire_state&>(*wire->note).sides[side].owed.fill(0);
}

void observer::report(invariant which, std::string what) {
  ++violation_count_;
  ++by_invariant_[static_cast<std::size_t>(which)];
  log_.add("VIOLATION", fmt::format("{}: {}", to_text(which), what));
  if (violations_.size() < max_violations_kept)
    violations_.push_back({which, system_.now(), std::move(what)});
}

void observer::settled() {
  for (const auto node : touched_) {
    auto& x = nodes_[node];
    x.touched = false;
    if (!x.runs || !pairs_.host_clean(node))
      continue;
    const auto sockets = static_cast<std::int64_t>(network_.open_sockets(node));
    if (x.established > sockets || sockets > x.entries)
      report(invariant::one_truth,
             fmt::format("{} has {} sockets, its registry {} connections, of which {} established",
                         name(node), sockets, x.entries, x.established));
  }
  touched_.clear();
}

void observer::finish() {
  pairs_.finish(system_.now());
  take_findings();
  // In their order, so that the report does not depend on a hash table.
  for (const auto& [_, wire] : std::map{wires_.begin(), wires_.end()})
    judge_questions(*wire);
}

void observer::take_findings() {
  for (const auto& x : pairs_.take_apart())
    report(
        invariant::one_link,
        fmt::format("{} and {} were not connected for {} from {} on, and nothing was in their way",
                    name(x.a), name(x.b), seconds_text(x.lasted), text_of_time(x.since)));
  for (const auto& x : pairs_.take_double())
    report(invariant::one_link,
           fmt::format("{} and {} had more than one connection for {} from {} on", name(x.a),
                       name(x.b), seconds_text(x.lasted), text_of_time(x.since)));
}

// -- the network ------------------------------------------------------------------------------------------

void observer::started(const wire_record_ptr& wire, int side) {
  if (const auto who = system_.current(); who.role == actor_role::connection)
    connections_of_[who.id] = {wire, side};
}

void observer::opened(const wire_record_ptr& wire) {
  ++connections_;
  wire->note = std::make_unique<wire_state>();
  wires_.emplace(wire->id, wire);
  for (const auto host : wire->hosts)
    touch(host);
}

void observer::ended(const wire_record_ptr& wire, int side) {
  auto& x = static_cast<wire_state&>(*wire->note);
  x.gone[side] = true;
  touch(wire->hosts[side]);
  pairs_.gone(wire->id, side, system_.now());
  take_findings();
  // What one of our own closed is counted with the cause that it gives.
  const auto closed_by_us =
      wire->end == wire_end::closed && kind(wire->hosts[wire->ended_by]) == host_kind::ours;
  if (!closed_by_us) {
    if (wire->end == wire_end::closed)
      count_end(*wire,
                (kind(wire->hosts[wire->ended_by]) == host_kind::reference ? "reference peer: "
                                                                           : "stranger: ") +
                    wire->reason);
    else
      count_end(*wire, "network: " + std::string{to_text(wire->end)});
  }
  if (x.gone[0] && x.gone[1])
    wires_.erase(wire->id);
}

void observer::received(const wire_record_ptr& wire, int side, const net::received_batch& batch,
                        std::size_t unread) {
  auto& x = static_cast<wire_state&>(*wire->note);
  for (const auto& line : batch.lines) {
    const auto* message = std::get_if<wire::message>(&line);
    if (!message)
      continue;
    const auto place = question_table[message->index()];
    if (place == 0)
      continue;
    const auto kind = static_cast<std::size_t>(std::abs(place) - 1);
    auto& their = x.sides[place > 0 ? side : 1 - side];
    const auto dialed = (place > 0 ? side : 1 - side) == 0 ? 1u : 0u;
    if (this->kind(wire->hosts[place > 0 ? side : 1 - side]) != host_kind::ours)
      continue;
    if (place > 0) {
      // Who has much to read gets no answer when that lasts.
      if (unread <= net::send_low_water_bytes)
        ++their.owed[kind];
      their.last_asked = system_.now();
      ++exchanges_[kind].asked[dialed];
    } else if (their.owed[kind] > 0) {
      --their.owed[kind];
      ++exchanges_[kind].answered[dialed];
    }
  }
}

// -- the actors ----------------------------------------------------------------------------------------------

void observer::connection_begins(const actor_facts& who) {
  if (who.owner < ours_) {
    ++nodes_[who.owner].entries;
    touch(who.owner);
  }
}

void observer::connection_ends(const actor_facts& who) {
  connections_of_.erase(who.id);
}

void observer::handles(const actor_facts& who, const caf::mailbox_element& message) {
  if (on_final && who.role == actor_role::other && who.owner < ours_ &&
      message.payload.match_elements<atom::flood, wire::message>())
    if (const auto* x =
            std::get_if<wire::transaction_finalized>(&message.payload.get_as<wire::message>(1)))
      on_final(who.owner, x->txid);
  if (who.role != actor_role::registry || who.owner >= ours_)
    return;
  const auto& x = message.payload;
  if (x.match_elements<atom::handshaken, link_id>()) {
    on_handshaken(message.sender->id());
  } else if (x.match_elements<link_report>()) {
    on_link_report(message.sender->id(), x.get_as<link_report>(0));
  } else if (x.match_elements<violation>()) {
    on_violation(who.owner, x.get_as<violation>(0));
  } else if (x.match_elements<caf::down_msg>()) {
    on_down(x.get_as<caf::down_msg>(0));
  }
}

void observer::on_down(const caf::down_msg& x) {
  const auto who = system_.facts(x.source.id());
  if (who.role != actor_role::connection)
    return;
  --nodes_[who.owner].entries;
  touch(who.owner);
  const auto i = connections_of_.find(who.id);
  if (i == connections_of_.end() || !i->second.record->opened)
    return;
  const auto& wire = *i->second.record;
  const auto side = i->second.side;
  const auto& note = static_cast<const wire_state&>(*wire.note);
  if (note.reported[side] || !nodes_[who.owner].runs)
    return;
  if (note.established[side])
    --nodes_[who.owner].established;
  report(invariant::no_cycling,
         fmt::format("an actor of {} for a connection to {} failed: {}", name(who.owner),
                     name(wire.hosts[1 - side]), to_string(x.reason)));
}

void observer::on_handshaken(caf::actor_id connection) {
  const auto i = connections_of_.find(connection);
  if (i == connections_of_.end())
    return;
  const auto& [wire, side] = i->second;
  // What a node that is being killed still believes does not count.
  if (static_cast<const wire_state&>(*wire->note).gone[side] && !nodes_[wire->hosts[side]].runs)
    return;
  ++nodes_[wire->hosts[side]].established;
  static_cast<wire_state&>(*wire->note).established[side] = true;
  touch(wire->hosts[side]);
  if (static_cast<const wire_state&>(*wire->note).gone[side])
    return;  // its end is on its way to the registry
  if (wire->hosts[0] < honest_ && wire->hosts[1] < honest_)
    pairs_.established(wire->id, side, wire->hosts[0], wire->hosts[1], system_.now());
  take_findings();
}

void observer::on_link_report(caf::actor_id connection, const link_report& x) {
  const auto i = connections_of_.find(connection);
  if (i == connections_of_.end() || !i->second.record->opened)
    return;  // a dial that failed
  const auto wire = i->second.record;
  const auto side = i->second.side;
  auto& node = nodes_[wire->hosts[side]];
  auto& note = static_cast<wire_state&>(*wire->note);
  if (!std::exchange(note.reported[side], true) && note.established[side])
    --node.established;
  touch(wire->hosts[side]);
  pairs_.gone(wire->id, side, system_.now());
  judge_end(*wire, side, x);
  take_findings();
}

/// Whether a node's own decision to end a connection is one that it may take.
void observer::judge_end(const wire_record& wire, int side, const link_report& x) {
  const auto ours =
      (wire.end == wire_end::closed || wire.end == wire_end::not_read) && wire.ended_by == side;
  if (!ours)
    return;
  count_end(wire, std::string{to_text(x.cause)});
  const auto us = wire.hosts[side];
  const auto them = wire.hosts[1 - side];
  if (x.cause == link_end::internal_error)
    report(invariant::no_cycling,
           fmt::format("{} ended a connection to {}: {}", name(us), name(them), x.reason));
  if (kind(them) == host_kind::stranger || us == them)
    return;
  monotonic_ns span = 0;
  switch (x.cause) {
  case link_end::peer_dead:
    span = dead_span;
    break;
  case link_end::handshake_timeout:
  case link_end::refused:
    span = handshake_span;
    break;
  case link_end::send_overflow:
  case link_end::closed_by_peer:
  case link_end::connection_lost:
    span = forgotten_span;
    break;
  default:
    return;
  }
  if (x.cause == link_end::refused && !pairs_.wanted(us, them))
    return;  // places are few, and neither operator asked for it
  if (!pairs_.clean_for(us, them, span, system_.now()))
    return;
  ++timer_ends_;
  report(invariant::no_cycling,
         fmt::format(
             "{} ended its connection to {} ({}: {}), and nothing had been in their way for {}",
             name(us), name(them), to_text(x.cause), x.reason, seconds_text(span)));
}

void observer::on_violation(owner_index node, const violation& x) {
  const auto host = network_.find(x.ip);
  const auto honest = host && *host < honest_;
  ++offences_[(honest ? std::string{"honest: "} : std::string{"stranger: "}) + x.reason];
  log_.add(name(node),
           fmt::format("offence of {}: {}; evidence: {}", x.ip.to_string(), x.reason, x.evidence));
  if (honest)
    report(invariant::no_false_ban,
           fmt::format("{} holds {} for an offender: {}; evidence: {}", name(node),
                       x.ip.to_string(), x.reason, x.evidence));
}

void observer::count_end(const wire_record& wire, const std::string& why) {
  auto& x = static_cast<wire_state&>(*wire.note);
  if (std::exchange(x.counted, true))
    return;
  ++ends_[why];
  log_.add(name(wire.hosts[wire.ended_by]),
           fmt::format("connection {} with {} ended after {}: {}", wire.id,
                       name(wire.hosts[1 - wire.ended_by]),
                       seconds_text(system_.now() - wire.opened_at), why));
  // How it must not end whoever ended it.
  if (wire.hosts[0] >= honest_ || wire.hosts[1] >= honest_)
    return;
  const auto a = wire.hosts[0];
  const auto b = wire.hosts[1];
  if (calm_ && kind(a) == host_kind::ours && kind(b) == host_kind::ours) {
    ++calm_ends_;
    report(invariant::no_cycling,
           fmt::format("the connection of {} and {} ended after {} though all was calm: {}",
                       name(a), name(b), seconds_text(system_.now() - wire.opened_at), why));
  }
  if ((wire.end == wire_end::unknown_here || wire.end == wire_end::gave_up) &&
      pairs_.clean_for(a, b, forgotten_span, system_.now()))
    report(
        invariant::no_cycling,
        fmt::format("the connection of {} and {} was lost ({}), and nothing had been in their way",
                    name(a), name(b), to_text(wire.end)));
}

void observer::judge_questions(const wire_record& wire) {
  if (wire.hosts[0] >= honest_ || wire.hosts[1] >= honest_ || wire.end != wire_end::none ||
      !pairs_.clean_for(wire.hosts[0], wire.hosts[1], answered_within, system_.now()))
    return;
  const auto& x = static_cast<const wire_state&>(*wire.note);
  for (const auto side : {0, 1}) {
    const auto& their = x.sides[side];
    if (kind(wire.hosts[side]) != host_kind::ours ||
        system_.now() - their.last_asked < answered_within)
      continue;
    for (std::size_t i = 0; i < question_kinds; ++i)
      if (their.owed[i] > 0)
        report(invariant::same_handler,
               fmt::format("{} left {} {} of {} unanswered on a connection that it {}",
                           name(wire.hosts[side]), their.owed[i],
                           wire::kind_name(questions[i].first), name(wire.hosts[1 - side]),
                           side == 0 ? "dialed" : "accepted"));
  }
}

void observer::touch(owner_index node) {
  if (node < ours_ && !std::exchange(nodes_[node].touched, true))
    touched_.push_back(node);
}

std::map<std::string, observer::exchange> observer::exchanges() const {
  std::map<std::string, exchange> result;
  for (std::size_t i = 0; i < question_kinds; ++i)
    result.emplace(wire::kind_name(questions[i].first), exchanges_[i]);
  return result;
}

}  // namespace sim
