// The lines of a peer: whom each goes to and what is answered, the same for connections of both directions.

#include "actors/metrics.hpp"
#include "actors/peer_connection.hpp"

#include <algorithm>
#include <utility>

namespace timenode {

bool peer_connection_state::blocked() const {
  // A peer that asks faster than it reads waits: its lines stay unread, and TCP tells it so.
  return questions_ >= max_questions_at_once
         || connection_->stats().send_queue_bytes > net::send_low_water_bytes;
}

void peer_connection_state::handle_waiting() {
  auto held_up = blocked();
  while (!waiting_.empty() && !held_up && phase_ != link_phase::closing) {
    auto& batch = waiting_.front();
    while (batch.next < batch.lines.size() && !held_up && phase_ != link_phase::closing) {
      handle(batch.lines[batch.next++]);
      held_up = questions_ >= max_questions_at_once;
    }
    if (batch.next < batch.lines.size())
      break;
    flush();
    connection_->grant(batch.lines.size(), batch.bytes);
    waiting_.pop_front();
    held_up = blocked();
  }
  flush();
}

void peer_connection_state::handle(wire::decoded& line) {
  if (auto* bad = std::get_if<wire::malformed_line>(&line)) {
    on_violation(bad->reason, bad->evidence, bad->fatal);
  } else if (std::holds_alternative<wire::unknown_message>(line)) {
    ++unknown_messages_; // it may be newer than we are
  } else {
    on_message(std::get<wire::message>(line));
  }
}

void peer_connection_state::on_message(wire::message& x) {
  if (phase_ == link_phase::handshaking) {
    greet(x);
    // Lines before the acknowledgement of our own handshake are legal (protocol page, section 5).
    if (phase_ == link_phase::closing || std::holds_alternative<wire::handshake>(x)
        || spec_.direction == link_direction::inbound)
      return;
  }
  const auto limit = limit_of(x);
  if (!spec_.trusted && !limits_.take(limit, monotonic_now(*self_))) {
    ++dropped_messages_;
    if (context_.metrics)
      context_.metrics->over_limit(limit);
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
  const auto& ip = spec_.remote.ip;
  switch (to) {
    case message_route::connection:
      answer(x);
      break;
    case message_route::serve:
      ask(routes_.blocks, x);
      break;
    case message_route::directory:
      self_->send(routes_.directory, ip, std::move(x));
      break;
    case message_route::gossip:
      if (const auto* announced = std::get_if<wire::block_announcement>(&x))
        height_ = std::max(height_.value_or(0), announced->block->header.height);
      self_->send(routes_.gossip, ip, std::move(x));
      break;
    case message_route::sync:
      if (const auto* told = std::get_if<wire::block_height_response>(&x))
        height_ = told->height;
      self_->send(routes_.sync, ip, std::move(x));
      break;
    case message_route::masternodes:
      is_masternode_ = is_masternode_ || std::holds_alternative<wire::masternode_announcement>(x);
      self_->send(routes_.masternodes, ip, std::move(x));
      break;
    case message_route::transactions:
      self_->send(routes_.mempool, ip, std::move(x));
      break;
    case message_route::ask_transactions:
      ask(routes_.mempool, x);
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
  } else if (const auto* pong = std::get_if<wire::pong>(&x)) {
    if (const auto took = liveness_.answered(pong->nonce, monotonic_now(*self_))) {
      ++pongs_received_;
      ping_us_ = *took / 1000;
      min_ping_us_ = min_ping_us_ < 0 ? ping_us_ : std::min(min_ping_us_, ping_us_);
      if (context_.metrics)
        context_.metrics->round_trip(ping_us_);
    }
  } else if (auto* version = std::get_if<wire::version_info>(&x)) {
    on_introduction(std::move(*version));
  } else if (std::holds_alternative<wire::get_peers>(x)) {
    ++questions_;
    self_->request(routes_.directory, answer_timeout, atom::sample_v)
      .then(
        [this](std::vector<std::string>& peers) {
          reply(wire::peers_response{std::move(peers)});
          question_answered();
        },
        [this](const caf::error&) { question_answered(); }); // silence is a legal answer
  } else if (std::holds_alternative<wire::get_masternodes>(x)) {
    ++questions_;
    self_->request(routes_.masternodes, answer_timeout, atom::serve_v)
      .then(
        [this](const encoded_line& line) {
          send_line(line);
          question_answered();
        },
        [this](const caf::error&) { question_answered(); });
  }
}

template <class Server>
void peer_connection_state::ask(const Server& who, wire::message& x) {
  ++questions_;
  self_->request(who, answer_timeout, atom::serve_v, std::move(x))
    .then(
      [this](const encoded_line& line) {
        send_line(line);
        question_answered();
      },
      [this](const caf::error&) { question_answered(); });
}

void peer_connection_state::question_answered() {
  --questions_;
  handle_waiting(); // flushes, too
}

} // namespace timenode
