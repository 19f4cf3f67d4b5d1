// The lines of a peer: whom each goes to and what is answered, the same for connections of both directions.

#include "actors/metrics.hpp"
#include "actors/peer_connection.hpp"

#include <algorithm>
#include <bit>
#include <memory>
#include <string>
#include <utility>

namespace timenode {

namespace {

constexpr std::uint16_t bit_of(message_route x) noexcept {
  return static_cast<std::uint16_t>(1u << static_cast<unsigned>(x));
}

}  // namespace

bool peer_connection_state::has_much_to_read() const {
  return connection_->stats().send_queue_bytes > net::send_low_water_bytes;
}

/// A peer that asks faster than it reads waits: its lines stay unread, and TCP tells it so. What is not answered does not
/// wait for that.
bool peer_connection_state::must_wait(const wire::decoded& line, bool much_to_read) {
  if (questions_ >= max_questions_at_once)
    return true;
  const auto* message = std::get_if<wire::message>(&line);
  if (!much_to_read || message == nullptr || !is_question(*message))
    return false;
  const auto now = monotonic_now(*self_);
  if (unread_since_ == 0) {
    unread_since_ = now;
    set_alarm();
  }
  return now - unread_since_ < question_waits_for;
}

/// Whether so much waits for it that its questions have to; when not, none waits any more.
bool peer_connection_state::has_much_unread() {
  const auto much = has_much_to_read();
  if (!much)
    unread_since_ = 0;
  return much;
}

void peer_connection_state::handle_waiting() {
  auto much_unread = has_much_unread();
  while (!waiting_.empty() && phase_ != link_phase::closing &&
         handle_lines(waiting_.front(), much_unread)) {
    waiting_.pop_front();
    much_unread = has_much_unread();
  }
  flush();
}

/// Handles the lines as far as they need not wait, and answers those. False: some are left.
bool peer_connection_state::handle_lines(waiting_lines& batch, bool much_unread) {
  while (batch.next < batch.lines.size() && phase_ != link_phase::closing) {
    auto& line = batch.lines[batch.next];
    if (must_wait(line, much_unread))
      break;
    ++batch.next;
    if (const auto* message = std::get_if<wire::message>(&line);
        much_unread && message && is_question(*message) && !has_short_answer(*message))
      ++dropped_messages_;
    else
      handle(line);
  }
  if (batch.next < batch.lines.size())
    return false;
  flush();
  give_back(batch.lines.size(), batch.bytes);
  return true;
}

/// Credit for lines that other actors took must not come back before these have worked them off: their mailboxes have
/// no bound of their own. Mailboxes are queues, so one question behind the lines tells of all of them; every actor
/// answers this one of CAF's by itself. What comes now and then is not worth the question.
void peer_connection_state::give_back(std::size_t lines, std::size_t bytes) {
  if (unproven_takers_ != 0)
    unproven_bytes_ += static_cast<std::uint32_t>(bytes);
  if (unproven_lines_ < max_unproven_lines && unproven_bytes_ < max_unproven_bytes) {
    connection_->grant(lines, bytes);
    return;
  }
  const std::pair<message_route, caf::actor> takers[]{
      {message_route::directory, caf::actor_cast<caf::actor>(routes_->directory)},
      {message_route::gossip, caf::actor_cast<caf::actor>(routes_->gossip)},
      {message_route::sync, caf::actor_cast<caf::actor>(routes_->sync)},
      {message_route::masternodes, caf::actor_cast<caf::actor>(routes_->masternodes)},
      {message_route::transactions, caf::actor_cast<caf::actor>(routes_->mempool)},
  };
  auto open = std::make_shared<int>(std::popcount(unproven_takers_));
  const auto one_less = [this, open, lines, bytes] {
    if (--*open == 0)
      connection_->grant(lines, bytes);
  };
  for (const auto& [route, taker] : takers)
    if (unproven_takers_ & bit_of(route))
      self_->request(taker, caf::infinite, caf::sys_atom_v, caf::get_atom_v, std::string{"info"})
          .then([one_less](caf::ok_atom, const std::string&, const caf::strong_actor_ptr&,
                           const std::string&) { one_less(); },
                [one_less](const caf::error&) { one_less(); });  // it is gone, and so are the lines
  unproven_lines_ = 0;
  unproven_bytes_ = 0;
  unproven_takers_ = 0;
}

void peer_connection_state::handle(wire::decoded& line) {
  if (auto* bad = std::get_if<wire::malformed_line>(&line)) {
    on_violation(bad->reason, bad->evidence, bad->fatal);
  } else if (std::holds_alternative<wire::unknown_message>(line)) {
    ++unknown_messages_;  // it may be newer than we are
  } else {
    on_message(std::get<wire::message>(line));
  }
}

void peer_connection_state::on_message(wire::message& x) {
  if (phase_ == link_phase::handshaking) {
    greet(x);
    // Lines before the acknowledgement of our own handshake are legal (protocol page, section 5).
    if (phase_ == link_phase::closing || std::holds_alternative<wire::handshake>(x) ||
        spec_.direction == link_direction::inbound)
      return;
  }
  const auto limit = limit_of(x);
  if (!spec_.trusted && !limits_.take(limit, monotonic_now(*self_))) {
    ++dropped_messages_;
    if (context_->metrics)
      context_->metrics->over_limit(limit);
    return;
  }
  route(route_of(x), x);
}

void peer_connection_state::on_violation(const std::string& reason, const std::string& evidence,
                                         bool fatal) {
  ++violations_;
  self_->send(registry_, violation{spec_.remote.ip, spec_.id, reason, evidence});
  const auto introduced = phase_ == link_phase::established;
  if (!introduced && spec_.direction == link_direction::inbound)
    begin_close(link_end::protocol_violation, reason);
  else if (violations_ >= max_violations_per_connection || fatal)
    begin_close(link_end::protocol_violation, reason);
}

void peer_connection_state::route(message_route to, wire::message& x) {
  switch (to) {
  case message_route::connection:
    answer(x);
    break;
  case message_route::serve:
    ask(routes_->blocks, x);
    break;
  case message_route::directory:
    hand_on(to, routes_->directory, x);
    break;
  case message_route::gossip:
    if (const auto* announced = std::get_if<wire::block_announcement>(&x))
      height_ = std::max(height_.value_or(0), announced->block->header.height);
    hand_on(to, routes_->gossip, x);
    break;
  case message_route::sync:
    if (const auto* told = std::get_if<wire::block_height_response>(&x))
      height_ = told->height;
    hand_on(to, routes_->sync, x);
    break;
  case message_route::masternodes:
    is_masternode_ = is_masternode_ || std::holds_alternative<wire::masternode_announcement>(x);
    hand_on(to, routes_->masternodes, x);
    break;
  case message_route::transactions:
    hand_on(to, routes_->mempool, x);
    break;
  case message_route::ask_transactions:
    ask(routes_->mempool, x);
    break;
  case message_route::unused:
    ++dropped_messages_;
    break;
  }
}

void peer_connection_state::answer(wire::message& x) {
  if (const auto* ping = std::get_if<wire::ping>(&x)) {
    ++pings_answered_;
    compare_clocks(ping->timestamp);
    reply(wire::pong{ping->nonce, ping->timestamp});
    if (const auto now = monotonic_now(*self_);
        phase_ == link_phase::established && liveness_.joins_ping(now, random_)) {
      send_ping(now);
      set_alarm();
    }
  } else if (const auto* pong = std::get_if<wire::pong>(&x)) {
    if (const auto took = liveness_.answered(pong->nonce, monotonic_now(*self_))) {
      ++pongs_received_;
      ping_us_ = *took / 1000;
      min_ping_us_ = min_ping_us_ < 0 ? ping_us_ : std::min(min_ping_us_, ping_us_);
      if (context_->metrics)
        context_->metrics->round_trip(ping_us_);
    }
  } else if (auto* version = std::get_if<wire::version_info>(&x)) {
    on_introduction(std::move(*version));
  } else if (std::holds_alternative<wire::get_peers>(x)) {
    await_answer<std::vector<std::string>&>(
        self_->request(routes_->directory, caf::infinite, atom::sample_v),
        [this](auto& peers) { reply(wire::peers_response{std::move(peers)}); });
  } else if (std::holds_alternative<wire::get_masternodes>(x)) {
    await_line(self_->request(routes_->masternodes, caf::infinite, atom::serve_v));
  }
}

template <class Taker>
void peer_connection_state::hand_on(message_route to, const Taker& who, wire::message& x) {
  ++unproven_lines_;
  unproven_takers_ |= bit_of(to);
  self_->send(who, spec_.remote.ip, std::move(x));
}

template <class Server>
void peer_connection_state::ask(const Server& who, wire::message& x) {
  await_line(self_->request(who, caf::infinite, atom::serve_v, std::move(x)));
}

template <class Request>
void peer_connection_state::await_line(Request request) {
  await_answer<const encoded_line&>(std::move(request),
                                    [this](const encoded_line& line) { send_line(line); });
}

/// Silence is a legal answer, and what comes too late is none.
template <class Answer, class Request, class Taker>
void peer_connection_state::await_answer(Request request, Taker take) {
  const auto asked = question_begins();
  request.then(
      [this, asked, take](Answer answer) {
        if (question_ends(asked))
          take(answer);
        handle_waiting();  // flushes, too
      },
      [this, asked](const caf::error&) {
        question_ends(asked);
        handle_waiting();
      });
}

/// When it was asked: now.
monotonic_ns peer_connection_state::question_begins() {
  const auto now = monotonic_now(*self_);
  if (++questions_ == max_questions_at_once) {
    full_since_ = now;
    set_alarm();
  }
  return now;
}

/// Whether its answer is in time.
bool peer_connection_state::question_ends(monotonic_ns asked) {
  // Those that were given up had been asked long before that.
  if (asked < gave_up_at_)
    return false;
  --questions_;
  return monotonic_now(*self_) - asked < answer_timeout;
}

/// As many as there may be wait for answers for so long: the peer's lines are not to wait any more behind them.
void peer_connection_state::give_questions_up(monotonic_ns now) {
  gave_up_at_ = now;
  questions_ = 0;
  handle_waiting();
}

}  // namespace timenode
