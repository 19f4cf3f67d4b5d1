#include "tests/sim/reference_peer.hpp"

#include "chain/hashes.hpp"
#include "chain/validation.hpp"
#include "messages/wire_codec.hpp"

#include <algorithm>
#include <utility>

namespace sim {

using namespace timenode;

namespace {

/// It looks for peers that it should dial this often.
constexpr monotonic_ns dial_period = 30 * second;
constexpr monotonic_ns ping_period = 30 * second;
/// It goes on after this long without an acknowledgement.
constexpr monotonic_ns ack_patience = 10 * second;
constexpr int pings_until_dead = 3;
/// What its kernel's keepalive does for connections that it accepted, where it never pings: 30 s idle and nine
/// probes, 10 s apart.
constexpr monotonic_ns keepalive = 120 * second;
constexpr std::uint64_t blocks_a_question = 100;

bool is_question(const wire::message& x) {
  return std::visit(
      [](const auto& y) {
        using kind = std::decay_t<decltype(y)>;
        return std::is_same_v<kind, wire::get_peers> ||
               std::is_same_v<kind, wire::get_block_height> ||
               std::is_same_v<kind, wire::get_blocks> ||
               std::is_same_v<kind, wire::get_block_range> ||
               std::is_same_v<kind, wire::get_block_hash> ||
               std::is_same_v<kind, wire::consensus_query> ||
               std::is_same_v<kind, wire::get_pending_transactions> ||
               std::is_same_v<kind, wire::get_masternodes> ||
               std::is_same_v<kind, wire::get_utxo_state_hash>;
      },
      x);
}

}  // namespace

reference_peer::reference_peer(sim_network& network, const ip_address& ip, std::uint64_t seed,
                               std::vector<endpoint> known, block_ptr genesis,
                               std::function<std::int64_t()> unix_now,
                               std::function<void(const wire_record&, int)> established)
    : plain_peer{network, ip, seed}, known_{std::move(known)}, unix_now_{std::move(unix_now)},
      established_{std::move(established)}, chain_{std::move(genesis)} {}

// -- whom it dials --------------------------------------------------------------------------------------

/// The other way round than the protocol page has it, and by text.
bool reference_peer::dials(const ip_address& other) const {
  return ip().to_string() < other.to_string();
}

bool reference_peer::connected_to(const ip_address& other, std::uint64_t except) const {
  return std::ranges::any_of(const_cast<reference_peer*>(this)->sessions(), [&](const auto& x) {
    return x.first != except && x.second.remote == other &&
           (x.second.established || x.second.dialed);
  });
}

void reference_peer::on_start() {
  after(static_cast<monotonic_ns>(random().below(second)), [this] { look_round(); });
}

void reference_peer::look_round() {
  after(dial_period, [this] { look_round(); });
  std::vector<std::uint64_t> silent;
  for (const auto& [number, x] : sessions())
    if (x.up && !x.dialed && now() - x.heard >= keepalive)
      silent.push_back(number);
  for (const auto number : silent)
    close(number, "keepalive");
  for (const auto& to : known_)
    if (dials(to.ip) && !connected_to(to.ip, 0))
      dial(to);
}

// -- connections ------------------------------------------------------------------------------------------

void reference_peer::on_up(session& x) {
  if (!x.dialed)
    return;
  dialed_[x.number] = {};
  send(x, wire::handshake{wire::handshake_magic, wire::protocol_version, "Testnet"});
  after(ack_patience, [this, number = x.number] {
    if (auto* y = find(number); y && !dialed_[number].introduced)
      introduce(*y);
  });
}

void reference_peer::on_down(session& x, const std::string&) {
  dialed_.erase(x.number);
}

void reference_peer::greet(session& x, const wire::message& message) {
  const auto* shake = std::get_if<wire::handshake>(&message);
  if (!shake || shake->magic != wire::handshake_magic || shake->network != "Testnet")
    return close(x.number, "no handshake");
  x.link->open_up();
  send(x, wire::ack{"Handshake"});
  if (connected_to(x.remote, x.number))
    return close(x.number, "duplicate");
  x.established = true;
  established_(*x.record, x.side());
  send(x, wire::get_peers{});
}

void reference_peer::introduce(session& x) {
  dialed_[x.number].introduced = true;
  x.established = true;
  established_(*x.record, x.side());
  send(x, wire::get_block_height{});
  send(x, wire::get_pending_transactions{});
  send(x, wire::get_masternodes{});
  send(x, wire::get_peers{});
  tick(x.number, 0);
}

/// Every 30 s on a connection that it dialed.
void reference_peer::tick(std::uint64_t number, int ticks) {
  auto* x = find(number);
  if (!x)
    return;
  auto& state = dialed_[number];
  state.missed = state.answered ? 0 : state.missed + 1;
  if (state.missed >= pings_until_dead)
    return close(number, "three pings unanswered");
  state.nonce = random()();
  state.answered = false;
  send(*x, wire::ping{state.nonce, unix_now_()});
  if (ticks % 2 == 0) {
    send(*x, wire::get_block_height{});
    send(*x, wire::get_utxo_state_hash{});
  }
  after(ping_period, [this, number, ticks] { tick(number, ticks + 1); });
}

void reference_peer::on_line(session& x, const wire::decoded& line) {
  const auto* message = std::get_if<wire::message>(&line);
  if (!message)
    return;
  if (!x.established && !x.dialed)
    return greet(x, *message);
  if (const auto* ping = std::get_if<wire::ping>(message)) {
    send(x, wire::pong{ping->nonce, ping->timestamp});
  } else if (x.dialed && std::holds_alternative<wire::ack>(*message)) {
    if (!dialed_[x.number].introduced)
      introduce(x);
  } else if (const auto* pong = std::get_if<wire::pong>(message)) {
    if (x.dialed && pong->nonce == dialed_[x.number].nonce)
      dialed_[x.number].answered = true;
  } else if (!is_question(*message)) {
    learn(x, *message);
  } else if (!x.dialed) {
    answer(x, *message);
  }
}

// -- what it says -------------------------------------------------------------------------------------------

std::vector<block_ptr> reference_peer::range(std::uint64_t first, std::uint64_t last) const {
  std::vector<block_ptr> result;
  for (auto h = first;
       h <= last && h < chain_.size() && result.size() < wire::max_blocks_per_response; ++h)
    result.push_back(chain_[h]);
  return result;
}

void reference_peer::answer(session& x, const wire::message& message) {
  if (std::holds_alternative<wire::get_block_height>(message)) {
    send(x, wire::block_height_response{height()});
  } else if (const auto* blocks = std::get_if<wire::get_blocks>(&message)) {
    x.link->send(wire::encode_blocks_response(range(blocks->start, blocks->end)));
  } else if (const auto* more = std::get_if<wire::get_block_range>(&message)) {
    x.link->send(wire::encode_block_range_response(range(more->start_height, more->end_height)));
  } else if (const auto* at = std::get_if<wire::get_block_hash>(&message)) {
    std::optional<hash256> hash;
    if (at->height < chain_.size())
      hash = chain::block_hash(chain_[at->height]->header);
    send(x, wire::block_hash_response{at->height, hash});
  } else if (std::holds_alternative<wire::get_peers>(message)) {
    wire::peers_response peers;
    for (const auto& y : known_)
      peers.peers.push_back(y.to_string());
    send(x, peers);
  } else if (std::holds_alternative<wire::get_masternodes>(message)) {
    send(x, wire::masternodes_response{});
  } else if (std::holds_alternative<wire::get_pending_transactions>(message)) {
    send(x, wire::pending_transactions_response{});
  }
}

void reference_peer::learn(session& x, const wire::message& message) {
  if (const auto* told = std::get_if<wire::block_height_response>(&message)) {
    if (told->height > height())
      send(x, wire::get_blocks{height() + 1, std::min(told->height, height() + blocks_a_question)});
  } else if (const auto* blocks = std::get_if<wire::blocks_response>(&message)) {
    for (const auto& y : blocks->blocks)
      take_block(y);
  } else if (const auto* announced = std::get_if<wire::block_announcement>(&message)) {
    if (take_block(announced->block))
      flood(message, x.number);
    else if (announced->block->header.height > height() + 1)
      send(x, wire::get_blocks{height() + 1, height() + blocks_a_question});
  }
}

bool reference_peer::take_block(const block_ptr& x) {
  if (x->header.height != height() + 1 ||
      x->header.previous_hash != chain::block_hash(tip()->header) || !chain::check_block(x))
    return false;
  chain_.push_back(x);
  return true;
}

bool reference_peer::produce(const block_ptr& x) {
  if (!take_block(x))
    return false;
  flood(wire::block_announcement{x}, 0);
  return true;
}

void reference_peer::flood(const wire::message& message, std::uint64_t except) {
  const auto line = wire::encode_shared(message);
  for (auto& [number, x] : sessions())
    if (number != except && x.established)
      x.link->send(line);
}

}  // namespace sim
