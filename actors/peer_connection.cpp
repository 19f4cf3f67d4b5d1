#include "actors/peer_connection.hpp"

#include "actors/metrics.hpp"
#include "actors/transport_bridge.hpp"
#include "net/introduction.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace timenode {

peer_connection_state::peer_connection_state(peer_connection_actor::pointer self,
                                             std::shared_ptr<const node_context> context,
                                             link_spec spec, net::connection_ptr connection,
                                             connection_registry_actor registry,
                                             shared_routes routes)
    : self_{self}, context_{std::move(context)}, spec_{std::move(spec)},
      connection_{std::move(connection)}, registry_{std::move(registry)}, routes_{std::move(
                                                                              routes)},
      random_{context_->seed ^ (spec_.id * 0x9e3779b97f4a7c15)}, liveness_{context_->liveness} {}

peer_connection_state::~peer_connection_state() {
  set_phase(std::nullopt);
  connection_->close("our side ended");
}

peer_connection_actor::behavior_type peer_connection_state::make_behavior() {
  const auto now = monotonic_now(*self_);
  if (spec_.direction == link_direction::inbound) {
    set_phase(link_phase::handshaking);
    connected_at_ = context_->unix_now();
    deadline_ = now + handshake_timeout;
  } else {
    // The transport limits the connect by itself; this is for the case that it never answers.
    set_phase(link_phase::connecting);
    deadline_ = now + to_ns(net::connect_timeout) + close_timeout;
  }
  set_alarm();
  connection_->start(make_connection_bridge(peer_connection_actor{self_}));
  return {
      // CAF tries one after the other: what a connection gets most comes first.
      [this](wire::received_batch& batch) { on_received(batch); },
      [this](atom::wake, std::uint64_t token) { on_wake(token); },
      [this](const encoded_line& line) { send_line(line); },
      // -- from the transport --
      [this](atom::connected, const endpoint& local) { on_connected(local); },
      [this](atom::failed, const std::string& reason) { on_failed(reason); },
      [this](atom::closed, const std::string& reason) { on_closed(reason); },
      [this](atom::drained) { handle_waiting(); },
      // -- from other actors --
      [this](atom::extension, const std::string& capability, const encoded_line& line) {
        send_extension(capability, line);
      },
      [this](atom::close, link_end cause, const std::string& reason) {
        begin_close(cause, reason);
      },
      [this](atom::probe) { probe(); },
      [this](atom::own_address, const ip_address& ip) { on_own_address(ip); },
      [this](atom::check) { return link(); },
      [this](atom::snapshot) { return snapshot(); },
  };
}

// -- what the transport tells -------------------------------------------------------------------

void peer_connection_state::on_connected(const endpoint& local) {
  if (phase_ != link_phase::connecting)
    return;
  local_ = local;
  connected_at_ = context_->unix_now();
  self_->send(registry_, atom::connected_v, spec_.id, local);
  if (local.ip == spec_.remote.ip) {
    begin_close(link_end::self, "that is our own address");
    return;
  }
  set_phase(link_phase::handshaking);
  deadline_ = monotonic_now(*self_) + handshake_timeout;
  alarm_.cancel();
  reply(wire::handshake{wire::handshake_magic, wire::protocol_version,
                        std::string{wire_name(context_->network)}});
  flush();
  set_alarm();
}

void peer_connection_state::on_failed(const std::string& reason) {
  report_end(link_end::connect_failed, reason);
  finish();
}

void peer_connection_state::on_closed(const std::string& reason) {
  // Causes are the transport's words here, unless it was we who closed.
  const auto cause = reason == net::reason_closed_by_peer  ? link_end::closed_by_peer
                     : reason == net::reason_send_overflow ? link_end::send_overflow
                     : reason == net::reason_line_overflow ? link_end::line_overflow
                                                           : link_end::connection_lost;
  report_end(cause, reason);
  finish();
}

void peer_connection_state::on_received(wire::received_batch& batch) {
  last_received_ = monotonic_now(*self_);
  liveness_.heard(last_received_, batch.bytes);
  messages_received_ += batch.lines.size();
  if (context_->metrics)
    context_->metrics->received(batch);
  if (std::exchange(probing_, false))
    self_->send(registry_, atom::alive_v, spec_.id);
  auto fresh = waiting_lines{std::move(batch.lines), 0, batch.bytes};
  if (waiting_.empty()) {
    // As most of the time: nothing is kept.
    const auto much_unread = has_much_unread();
    if (phase_ != link_phase::closing && handle_lines(fresh, much_unread))
      return;
    flush();
    waiting_.push_back(std::move(fresh));
  } else {
    waiting_.push_back(std::move(fresh));
    handle_waiting();
  }
}

// -- sending ----------------------------------------------------------------------------------------

void peer_connection_state::reply(const wire::message& x) {
  // A pong and a ping: what most reads are answered with.
  constexpr std::size_t usual_reply = 160;
  if (out_.empty())
    out_.reserve(usual_reply);
  wire::encode(x, out_);
  ++messages_sent_;
}

void peer_connection_state::flush() {
  if (out_.empty())
    return;
  last_sent_ = monotonic_now(*self_);
  if (context_->metrics)
    context_->metrics->sent(out_);
  connection_->send(std::make_shared<const std::string>(std::exchange(out_, {})));
}

void peer_connection_state::send_line(const encoded_line& line) {
  if (phase_ != link_phase::established)
    return;  // who sends to a peer that is going learns it by peer_down
  // What is voted on is told again and again, whole blocks among it: over a slow link more than goes through. Queued it
  // would come too late, hold up all else, and end the connection in the end.
  if (line.told_again && has_much_to_read()) {
    ++left_out_messages_;
    return;
  }
  flush();
  last_sent_ = monotonic_now(*self_);
  ++messages_sent_;
  if (context_->metrics)
    context_->metrics->sent(*line.bytes);
  connection_->send(line.bytes);
}

void peer_connection_state::send_extension(const std::string& capability,
                                           const encoded_line& line) {
  if (version_ && std::find(version_->capabilities.begin(), version_->capabilities.end(),
                            capability) != version_->capabilities.end())
    send_line(line);
}

/// What a peer says of the time as it says it. It was on its way for less than a second, or its connection is
/// of no use.
void peer_connection_state::compare_clocks(std::int64_t timestamp) {
  // Peers send any number: no difference of two of them may overflow.
  constexpr std::int64_t absurd = 1'000'000'000'000;
  if (!routes_->producer || timestamp <= -absurd || timestamp >= absurd)
    return;
  const auto ahead = timestamp - context_->unix_now();
  if (clock_report_.is_news(ahead, monotonic_now(*self_)))
    self_->send(routes_->producer, atom::clock_v, spec_.remote.ip, ahead);
}

void peer_connection_state::send_ping(monotonic_ns now) {
  const auto nonce = random_();
  liveness_.sent(nonce, now);
  ++pings_sent_;
  reply(wire::ping{nonce, context_->unix_now()});
}

// -- life and end -------------------------------------------------------------------------------------

void peer_connection_state::on_wake(std::uint64_t token) {
  if (!alarm_.accept(token))
    return;
  const auto now = monotonic_now(*self_);
  if (phase_ == link_phase::established) {
    const auto stats = connection_->stats();
    const auto verdict = liveness_.check(now, stats, random_);
    if (verdict.dead) {
      begin_close(link_end::peer_dead, verdict.unread || stats.reading_paused
                                           ? "it read nothing for 90 s"
                                           : "nothing came for 90 s");
    } else if (verdict.send_ping) {
      send_ping(now);
      flush();
    }
    if (unread_since_ != 0 && now - unread_since_ >= question_waits_for)
      handle_waiting();
    if (questions_ >= max_questions_at_once && now - full_since_ >= answer_timeout)
      give_questions_up(now);
  } else if (deadline_ != 0 && now >= deadline_) {
    if (phase_ == link_phase::closing) {
      finish();
      return;
    }
    if (phase_ == link_phase::handshaking && spec_.direction == link_direction::outbound)
      establish();  // the deployed daemon may keep silent and is still a peer (protocol page, section 5)
    else if (phase_ == link_phase::handshaking)
      begin_close(link_end::handshake_timeout, "no Handshake within 10 s");
    else
      begin_close(link_end::connect_failed, "the transport did not answer");
  }
  set_alarm();
}

void peer_connection_state::set_alarm() {
  auto next = phase_ == link_phase::established ? liveness_.next_deadline() : deadline_;
  if (unread_since_ != 0 && unread_since_ + question_waits_for > monotonic_now(*self_))
    next = std::min(next, unread_since_ + question_waits_for);
  if (questions_ >= max_questions_at_once)
    next = std::min(next, full_since_ + answer_timeout);
  if (next != 0)
    alarm_.set(self_, context_->ticker, next);
}

void peer_connection_state::probe() {
  if (phase_ != link_phase::established)
    return;
  probing_ = true;
  send_ping(monotonic_now(*self_));
  flush();
}

void peer_connection_state::begin_close(link_end cause, const std::string& reason) {
  if (phase_ == link_phase::closing)
    return;
  flush();
  report_end(cause, reason);
  set_phase(link_phase::closing);
  connection_->close(reason);
  deadline_ = monotonic_now(*self_) + close_timeout;
  alarm_.cancel();
  set_alarm();
}

void peer_connection_state::report_end(link_end cause, const std::string& reason) {
  if (std::exchange(end_reported_, true))
    return;
  spdlog::debug("connection {} ({} {}) ends: {}", spec_.id, to_text(spec_.direction),
                spec_.remote.to_string(), reason);
  if (context_->metrics)
    context_->metrics->link_ended(cause);
  self_->send(registry_, link_report{spec_.id, cause, reason});
}

void peer_connection_state::finish() {
  set_phase(std::nullopt);
  self_->quit();
}

void peer_connection_state::set_phase(std::optional<link_phase> to) {
  if (to == phase_)
    return;
  if (context_->metrics)
    context_->metrics->link_state(spec_.direction, phase_, to);
  phase_ = to;
}

link_snapshot peer_connection_state::link() const {
  return {spec_.id, spec_.remote.ip, spec_.direction, phase_.value_or(link_phase::closing)};
}

/// 0 for 0. A clock that was set meanwhile counts as it is now.
std::int64_t peer_connection_state::unix_time_of(monotonic_ns at) const {
  constexpr monotonic_ns second = 1'000'000'000;
  return at == 0 ? 0 : context_->unix_now() - (monotonic_now(*self_) - at) / second;
}

peer_snapshot peer_connection_state::snapshot() const {
  const auto stats = connection_->stats();
  const auto us = link();
  peer_snapshot result;
  result.ip = us.ip;
  result.link = us.link;
  result.direction = us.direction;
  result.phase = us.phase;
  result.remote = spec_.remote;
  result.local = local_;
  result.connected_at = connected_at_;
  result.last_send_at = unix_time_of(last_sent_);
  result.last_received_at = unix_time_of(last_received_);
  result.bytes_sent = stats.bytes_sent;
  result.bytes_received = stats.bytes_received;
  result.send_queue_bytes = stats.send_queue_bytes;
  result.messages_sent = messages_sent_;
  result.messages_received = messages_received_;
  result.pings_sent = pings_sent_;
  result.pongs_received = pongs_received_;
  result.pings_answered = pings_answered_;
  if (ping_us_ >= 0) {
    result.ping_us = ping_us_;
    result.min_ping_us = min_ping_us_;
  }
  result.height = height_;
  if (version_) {
    result.version = version_->version;
    result.capabilities = net::other_capabilities(version_->capabilities);
  }
  result.violations = violations_;
  result.unknown_messages = unknown_messages_;
  result.dropped_messages = dropped_messages_;
  result.left_out_messages = left_out_messages_;
  result.over_limit = limits_.over();
  result.is_masternode = is_masternode_;
  return result;
}

}  // namespace timenode
