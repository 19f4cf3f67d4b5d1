// Who is let in when many want to be, and which address is our own: the part of the connection registry that meets
// net/inbound_gate.hpp, net/slots.hpp and net/own_address.hpp.

#include "actors/connection_registry.hpp"
#include "actors/metrics.hpp"
#include "net/address_scope.hpp"
#include "net/introduction.hpp"

#include <spdlog/spdlog.h>

namespace timenode {

// -- who is let in ------------------------------------------------------------------------

std::optional<inbound_refusal> connection_registry_state::why_not(const ip_address& ip) const {
  if (stopping_ || !routes_)
    return inbound_refusal::not_running;
  if (access_.banned(ip, context_.unix_now()))
    return inbound_refusal::banned;
  if (own_.ip() == ip)
    return inbound_refusal::self;
  return std::nullopt;
}

bool connection_registry_state::is_favoured(const ip_address& ip) const {
  if (access_.trusted(ip, context_.unix_now()))
    return true;
  const auto i = peers_.find(ip);
  return i != peers_.end() &&
         ((i->second.link.wanted() && i->second.purpose == dial_purpose::configured) ||
          i->second.proven_until > monotonic_now(*self_));
}

void connection_registry_state::refuse(inbound_refusal why) {
  ++refused_[std::string{to_text(why)}];
  if (context_.metrics)
    context_.metrics->refused(why);
}

/// The usual case, in which nobody has to be compared.
bool connection_registry_state::has_free_place(const ip_address& ip) const {
  const auto group = up_by_group_.find(net::group_of(ip));
  const auto of_group = group == up_by_group_.end() ? 0 : group->second;
  return up_.size() < config_.max_peers && of_group < net::group_limit(config_.max_peers);
}

std::vector<net::slot_holder> connection_registry_state::holders() const {
  std::vector<net::slot_holder> result;
  result.reserve(up_.size());
  for (const auto& [ip, id] : up_) {
    const auto& x = connections_.at(id);
    result.push_back(holder(ip, x.since, x.direction));
  }
  return result;
}

/// Whoever is dialed only to be told that there is no place here was dialed for nothing, and would be again in half a minute.
bool connection_registry_state::would_have_place(const ip_address& ip) const {
  const auto now = monotonic_now(*self_);
  return has_free_place(ip) ||
         slots_.would_admit(holder(ip, now, link_direction::inbound), holders(), now);
}

bool connection_registry_state::take_place(const ip_address& ip) {
  if (has_free_place(ip))
    return true;
  const auto now = monotonic_now(*self_);
  const auto decision = slots_.decide(holder(ip, now, link_direction::inbound), holders(), now);
  if (decision.evict) {
    close(up_.at(*decision.evict), link_end::refused,
          "makes room for " + ip.to_string() + ": " + decision.reason);
    refuse(inbound_refusal::places);
  }
  return decision.admitted;
}

net::slot_holder connection_registry_state::holder(const ip_address& ip, monotonic_ns since,
                                                   link_direction direction) const {
  net::slot_holder result;
  result.ip = ip;
  result.since = since;
  result.dialed = direction == link_direction::outbound;
  result.trusted = access_.trusted(ip, context_.unix_now()) != nullptr;
  const auto i = peers_.find(ip);
  if (i == peers_.end())
    return result;
  const auto& x = i->second;
  const auto now = monotonic_now(*self_);
  result.configured = x.link.wanted() && x.purpose == dial_purpose::configured;
  result.masternode = x.proven_until > now;
  result.useful = x.useful_at != 0 && now - x.useful_at < net::useful_for;
  return result;
}

void connection_registry_state::on_useful(const ip_address& ip) {
  if (const auto i = peers_.find(ip); i != peers_.end())
    i->second.useful_at = monotonic_now(*self_);
}

void connection_registry_state::on_proven(const ip_address& ip) {
  // Who is not connected has proven nothing over its own connection.
  if (up_.contains(ip))
    peer_of(ip).proven_until = monotonic_now(*self_) + masternode_proven_for;
}

// -- who we are -----------------------------------------------------------------------------

net::pair_role connection_registry_state::role_towards(const ip_address& ip,
                                                       const introduction& said) const {
  return net::role_by_introduction(own_.ip(), context_.nonce, ip, said);
}

void connection_registry_state::own_address_changed() {
  const auto ip = *own_.ip();
  spdlog::info("our own address is {}: {}", ip.to_string(), own_.explain());
  context_.local_ip = ip;
  const auto now = monotonic_now(*self_);
  std::vector<ip_address> known;
  for (const auto& [y, x] : peers_)
    known.push_back(y);
  for (const auto& y : known) {
    if (y == ip) {
      on_unwant(y);
      continue;
    }
    auto& x = peer_of(y);
    carry_out(y, x.link.set_role(role_towards(y, x.said), now));
  }
  for (const auto& [id, x] : connections_)
    self_->send(x.actor, atom::own_address_v, ip);
  if (!routes_)
    return;
  self_->send(routes_->directory, atom::own_address_v, ip);
  self_->send(routes_->masternodes, atom::own_address_v, ip);
  self_->send(routes_->producer, atom::own_address_v, ip);
  self_->send(routes_->mempool, atom::own_address_v, ip);
}

}  // namespace timenode
