// How a connection begins: the handshake, and what both sides say of themselves after it.

#include "actors/peer_connection.hpp"
#include "net/introduction.hpp"

#include <utility>

namespace timenode {

void peer_connection_state::greet(const wire::message& x) {
  const auto* shake = std::get_if<wire::handshake>(&x);
  if (spec_.direction == link_direction::inbound) {
    if (shake)
      check_handshake(*shake);
    else
      begin_close(link_end::protocol_violation,
                  "the first line was " + std::string{wire::kind_name(x)} + ", not a Handshake");
  } else if (shake) {
    begin_close(link_end::self, "our own handshake came back");
  } else if (std::holds_alternative<wire::ack>(x)) {
    establish();
  }
}

void peer_connection_state::check_handshake(const wire::handshake& x) {
  std::string wrong;
  if (x.magic != wire::handshake_magic)
    wrong = "Handshake.magic: not \"TIME\"";
  else if (x.protocol_version != wire::protocol_version)
    wrong = "Handshake.protocol_version: " + std::to_string(x.protocol_version) + ", we speak 1";
  else if (x.network != wire_name(context_->network))
    wrong = "Handshake.network: not " + std::string{wire_name(context_->network)};
  if (!wrong.empty()) {
    std::string evidence;
    wire::encode(x, evidence);
    on_violation(wrong, evidence.substr(0, 120), true);
    return;
  }
  connection_->open_up();
  reply(wire::ack{"Handshake"});
  flush();
  establish();
}

void peer_connection_state::establish() {
  const auto now = monotonic_now(*self_);
  set_phase(link_phase::established);
  deadline_ = 0;
  liveness_.begin(now);
  introduce_ourselves();
  self_->send(registry_, atom::handshaken_v, spec_.id);
  alarm_.cancel();  // the handshake's deadline has passed into nothing
  if (liveness_.check(now, connection_->stats(), random_).send_ping)
    send_ping(now);
  flush();
  set_alarm();
}

// -- introductions --------------------------------------------------------------------------------

void peer_connection_state::introduce_ourselves() {
  if (!context_->introduction)
    return;
  auto x = *context_->introduction;
  x.timestamp = context_->unix_now();
  if (spec_.own_ip)
    x.listen_addr = endpoint{*spec_.own_ip, context_->p2p_port}.to_string();
  for (auto& y : net::introduce(context_->nonce, spec_.remote.ip))
    x.capabilities.push_back(std::move(y));
  reply(x);
}

void peer_connection_state::on_introduction(wire::version_info&& x) {
  const auto said = net::read_introduction(x);
  compare_clocks(x.timestamp);
  version_ = std::make_unique<net::kept_version>(net::keep(x));
  if (said.nonce && said.nonce == context_->nonce) {
    begin_close(link_end::self, "it is ourselves, at another address of ours");
    return;
  }
  self_->send(registry_, atom::introduced_v, spec_.id, said);
}

void peer_connection_state::on_own_address(const ip_address& ip) {
  spec_.own_ip = ip;
  if (phase_ != link_phase::established)
    return;
  introduce_ourselves();
  flush();
}

}  // namespace timenode
