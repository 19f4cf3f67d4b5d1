#include "tests/sim/bad_peers.hpp"

#include "chain/hashes.hpp"
#include "messages/wire_codec.hpp"
#include "tests/sim/block_maker.hpp"
#include "tests/sim/sim_node.hpp"

#include <utility>

namespace sim {

using namespace timenode;

namespace {

const wire::handshake our_handshake{wire::handshake_magic, wire::protocol_version, "Testnet"};

/// How often a stranger tries again to connect to everybody, and a liar tells something.
constexpr monotonic_ns round_period = 20 * second;
constexpr monotonic_ns tell_period = 5 * second;

}  // namespace

// -- silent ---------------------------------------------------------------------------------------------

silent_peer::silent_peer(sim_network& network, const ip_address& ip, std::uint64_t seed, manner how,
                         const victims& whom)
    : plain_peer{network, ip, seed}, how_{how}, whom_{whom} {}

void silent_peer::on_start() {
  after(round_period, [this] { on_start(); });
  for (const auto& x : whom_.hosts)
    if (random().below(4) == 0)
      dial({x, p2p_port});
}

void silent_peer::on_up(session& x) {
  if (x.dialed && how_ >= manner::handshake)
    send(x, our_handshake);
}

void silent_peer::on_line(session& x, const wire::decoded& line) {
  const auto* message = std::get_if<wire::message>(&line);
  if (!message || how_ < manner::handshake)
    return;
  if (std::holds_alternative<wire::handshake>(*message)) {
    x.link->open_up();
    send(x, wire::ack{"Handshake"});
  }
  if (how_ != manner::claims)
    return;
  if (const auto* ping = std::get_if<wire::ping>(message))
    send(x, wire::pong{ping->nonce, ping->timestamp});
  else if (std::holds_alternative<wire::get_block_height>(*message))
    send(x, wire::block_height_response{whom_.chain().size() + 5});
}

// -- liars ------------------------------------------------------------------------------------------------

liar_peer::liar_peer(sim_network& network, const ip_address& ip, std::uint64_t seed, lie about,
                     const victims& whom)
    : plain_peer{network, ip, seed}, about_{about}, whom_{whom} {}

void liar_peer::on_start() {
  after(round_period, [this] { on_start(); });
  for (const auto& to : whom_.hosts) {
    auto connected = false;
    for (const auto& [_, x] : sessions())
      connected = connected || x.remote == to;
    if (!connected && random().below(3) == 0)
      dial({to, p2p_port});
  }
}

void liar_peer::on_up(session& x) {
  if (x.dialed)
    send(x, our_handshake);
}

void liar_peer::greet(session& x) {
  x.established = true;
  tell(x.number);
}

void liar_peer::on_line(session& x, const wire::decoded& line) {
  const auto* message = std::get_if<wire::message>(&line);
  if (!message)
    return;
  if (std::holds_alternative<wire::handshake>(*message)) {
    x.link->open_up();
    send(x, wire::ack{"Handshake"});
    greet(x);
  } else if (std::holds_alternative<wire::ack>(*message)) {
    greet(x);
  } else if (const auto* ping = std::get_if<wire::ping>(message)) {
    send(x, wire::pong{ping->nonce, ping->timestamp});
  } else if (const auto* blocks = std::get_if<wire::get_blocks>(message)) {
    deliver(x, blocks->start, blocks->end);
  } else if (std::holds_alternative<wire::get_block_height>(*message)) {
    const auto extra = about_ == lie::heights ? 1 + random().below(100'000) : 3;
    send(x, wire::block_height_response{whom_.chain().size() + extra});
  } else if (std::holds_alternative<wire::get_peers>(*message) && about_ == lie::peers) {
    wire::peers_response answer;
    for (int i = 0; i < 500; ++i)
      answer.peers.push_back(
          endpoint{some_address(), static_cast<std::uint16_t>(1 + random().below(60'000))}
              .to_string());
    for (const auto& host : whom_.hosts)
      answer.peers.push_back(endpoint{host, 9}.to_string());
    send(x, answer);
  } else if (std::holds_alternative<wire::get_masternodes>(*message) &&
             about_ == lie::masternodes) {
    wire::masternodes_response answer;
    for (int i = 0; i < 200; ++i)
      answer.masternodes.push_back(
          {some_address().to_string(), "TIME0", wire::masternode_tier::gold, {}});
    for (const auto& host : whom_.hosts)
      answer.masternodes.push_back({host.to_string(), "TIME0", wire::masternode_tier::gold, {}});
    send(x, answer);
  }
}

void liar_peer::tell(std::uint64_t number) {
  auto* x = find(number);
  if (!x)
    return;
  const auto& chain = whom_.chain();
  switch (about_) {
  case lie::heights:
    send(*x, wire::block_height_response{chain.size() + random().below(1'000'000)});
    break;
  case lie::blocks:
    if (random().below(3) == 0)
      send(*x, wire::block_announcement{wrong_block(chain.size())});
    break;
  case lie::peers:
    break;
  case lie::masternodes:
    send(*x,
         wire::masternode_announcement{whom_.hosts[random().below(whom_.hosts.size())].to_string(),
                                       "TIME0",
                                       wire::masternode_tier::gold,
                                       {}});
    break;
  case lie::lines:
    if (random().below(10) == 0)
      send_bytes(*x, "{\"Ping\":{\"nonce\":-1,\"timestamp\":\"now\"}}\n");
    else
      send_bytes(*x, "{\"Later\":{\"version\":7}}\n");
    break;
  }
  after(tell_period, [this, number] { tell(number); });
}

void liar_peer::deliver(session& x, std::uint64_t first, std::uint64_t last) {
  if (about_ != lie::blocks)
    return;
  std::vector<block_ptr> blocks;
  for (auto h = first; h <= last && blocks.size() < 20; ++h)
    blocks.push_back(wrong_block(h));
  x.link->send(wire::encode_blocks_response(blocks));
}

/// A block of that height whose transactions are not those that its header was made for.
block_ptr liar_peer::wrong_block(std::uint64_t height) {
  const auto& chain = whom_.chain();
  auto copy =
      height < chain.size() ? *chain[height] : *make_block(*chain.back(), whom_.unix_now(), "liar");
  copy.header.height = height;
  copy.transactions.front().outputs.front().value += 1;
  return std::make_shared<const block>(std::move(copy));
}

ip_address liar_peer::some_address() {
  return ip_address::from_v4({203, static_cast<std::uint8_t>(random().below(256)),
                              static_cast<std::uint8_t>(random().below(256)),
                              static_cast<std::uint8_t>(1 + random().below(254))});
}

// -- floods -------------------------------------------------------------------------------------------------

flooder::flooder(sim_network& network, const ip_address& ip, std::uint64_t seed,
                 const ip_address& victim, std::uint32_t connections_a_second)
    : plain_peer{network, ip, seed}, victim_{victim}, rate_{connections_a_second} {}

void flooder::flood() {
  after(second / rate_, [this] { flood(); });
  dial({victim_, p2p_port});
}

void flooder::on_up(session& x) {
  switch (random().below(4)) {
  case 0:  // says nothing
    break;
  case 1:
    send(x, our_handshake);
    break;
  case 2:
    send_bytes(x, std::string(200, 'x'));  // a line without end
    break;
  default:
    send_bytes(x, "GET / HTTP/1.1\r\n\r\n");
    break;
  }
}

}  // namespace sim
