#include "actors/connection_registry.hpp"

#include "actors/metrics.hpp"
#include "net/direction.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace timenode {

namespace {

/// How long a dial waits that came before `attach`: that is on its way when the node starts.
constexpr monotonic_ns not_attached_pause = 50'000'000;
/// How long a dial waits that found no place free: places free up when peers go, not by the second.
constexpr monotonic_ns no_place_pause = 60'000'000'000;

template <class... Fs>
struct overloaded : Fs... {
  using Fs::operator()...;
};

} // namespace

connection_registry_state::connection_registry_state(connection_registry_actor::pointer self,
                                                     node_context context, registry_config config,
                                                     std::unique_ptr<connection_factory> factory)
  : self_{self}, context_{std::move(context)}, config_{config}, factory_{std::move(factory)},
    random_{context_.seed ^ 0x7265676973747279} {}

connection_registry_actor::behavior_type connection_registry_state::make_behavior() {
  self_->set_down_handler([this](const caf::down_msg& msg) { on_down(msg); });
  return {
    // -- connections that come --
    [this](atom::accepted, std::uint64_t id, const endpoint& remote) { on_accepted(id, remote); },
    [this](atom::attach, peer_routes& routes) { routes_ = std::move(routes); },
    [this](atom::want, const endpoint& to, dial_purpose purpose) { on_want(to, purpose); },
    [this](atom::want, const ip_address& ip) { on_unwant(ip); },
    // -- what connections tell --
    [this](atom::connected, link_id id, const endpoint& local) { on_connected(id, local); },
    [this](atom::handshaken, link_id id) { on_handshaken(id); },
    [this](atom::alive, link_id id) { on_alive(id); },
    [this](const link_report& report) { on_report(report); },
    [this](const violation& x) { on_violation(x); },
    // -- who wants to know --
    [this](atom::subscribe, peer_listener_actor& listener) { subscribe(std::move(listener)); },
    [this](atom::list) { return list(); },
    [this](atom::stop) { return stop(); },
    [this](atom::snapshot) { return snapshot(); },
    [this](atom::wake, std::uint64_t token) { on_wake(token); },
  };
}

// -- what is told -----------------------------------------------------------------------------------

void connection_registry_state::on_accepted(std::uint64_t accepted, const endpoint& remote) {
  const auto reject = [&](const std::string& reason) {
    spdlog::debug("connection from {} refused: {}", remote.to_string(), reason);
    factory_->reject(accepted, reason);
  };
  if (stopping_ || !routes_)
    return reject("not running");
  if (bans_.banned(remote.ip, context_.unix_now()))
    return reject("banned");
  if (context_.local_ip == remote.ip)
    return reject("that is our own address");
  if (inbound_handshakes_ >= config_.max_inbound_handshakes)
    return reject("too many handshakes under way");
  const auto id = ++last_id_;
  const auto spec = link_spec{id, link_direction::inbound, remote};
  auto actor = factory_->accept(self_, spec, accepted, *routes_);
  if (!actor)
    return;
  add(id, spec, std::move(actor), link_phase::handshaking);
  ++inbound_handshakes_;
  carry_out(remote.ip, peer_of(remote.ip).link.accepted(id, monotonic_now(*self_)));
}

void connection_registry_state::on_want(const endpoint& to, dial_purpose purpose) {
  if (stopping_ || context_.local_ip == to.ip || !to.ip.is_unicast() || to.port == 0)
    return;
  auto& x = peer_of(to.ip);
  x.dial_to = to;
  x.purpose = std::min(x.purpose, purpose); // configured before masternode before discovered
  carry_out(to.ip, x.link.want(monotonic_now(*self_)));
}

void connection_registry_state::on_unwant(const ip_address& ip) {
  if (const auto i = peers_.find(ip); i != peers_.end())
    carry_out(ip, i->second.link.unwant(monotonic_now(*self_)));
}

void connection_registry_state::on_connected(link_id id, const endpoint& local) {
  const auto i = connections_.find(id);
  if (i == connections_.end() || i->second.phase != link_phase::connecting)
    return;
  i->second.phase = link_phase::handshaking;
  peer_of(i->second.ip).link.connected(id);
  // A socket between two equal addresses proves which address is ours; what a peer says proves nothing.
  if (local.ip == i->second.ip)
    learn_own_ip(local.ip);
}

void connection_registry_state::on_handshaken(link_id id) {
  const auto i = connections_.find(id);
  if (i == connections_.end() || i->second.phase != link_phase::handshaking)
    return;
  auto& x = i->second;
  if (x.direction == link_direction::inbound)
    --inbound_handshakes_;
  x.phase = link_phase::established;
  x.since = monotonic_now(*self_);
  if (!up_.contains(x.ip) && !take_place(x.ip)) {
    close(id, link_end::refused, "all places are taken");
    return;
  }
  carry_out(x.ip, peer_of(x.ip).link.handshaken(id, x.since));
}

void connection_registry_state::on_alive(link_id id) {
  if (const auto i = connections_.find(id); i != connections_.end())
    carry_out(i->second.ip, peer_of(i->second.ip).link.alive(id, monotonic_now(*self_)));
}

void connection_registry_state::on_report(const link_report& report) {
  const auto i = connections_.find(report.link);
  if (i == connections_.end() || std::exchange(i->second.reported, true))
    return;
  auto& x = i->second;
  if (x.direction == link_direction::inbound && x.phase == link_phase::handshaking)
    --inbound_handshakes_;
  x.phase = link_phase::closing;
  ++ended_[std::string{to_text(report.cause)}];
  const auto ip = x.ip;
  if (const auto up = up_.find(ip); up != up_.end() && up->second == report.link)
    spdlog::info("peer {}: connection ended: {}", ip.to_string(), report.reason);
  if (report.cause == link_end::self)
    on_unwant(ip);
  carry_out(ip, peer_of(ip).link.closing(report.link, report.cause, report.reason,
                                         monotonic_now(*self_)));
}

void connection_registry_state::on_violation(const violation& x) {
  spdlog::warn("peer {} sent wrong bytes: {}; it sent: {}", x.ip.to_string(), x.reason, x.evidence);
  const auto ban = bans_.add_violation(x.ip, x.reason, x.evidence, context_.unix_now());
  if (!ban)
    return;
  spdlog::warn("peer {} is banned for {} s: {}", x.ip.to_string(),
               ban->until - context_.unix_now(), x.reason);
  if (context_.metrics)
    context_.metrics->banned();
  for (const auto& [id, y] : connections_)
    if (y.ip == x.ip)
      close(id, link_end::protocol_violation, "banned: " + x.reason);
}

void connection_registry_state::on_down(const caf::down_msg& msg) {
  const auto by_actor = by_actor_.find(msg.source);
  if (by_actor == by_actor_.end())
    return;
  const auto id = by_actor->second;
  by_actor_.erase(by_actor);
  const auto i = connections_.find(id);
  const auto ip = i->second.ip;
  if (!i->second.reported) {
    spdlog::error("connection {} to {} ended by a fault of ours: {}", id, ip.to_string(),
                  to_string(msg.reason));
    on_report({id, link_end::internal_error, "a fault of ours: " + to_string(msg.reason)});
  }
  connections_.erase(i);
  carry_out(ip, peer_of(ip).link.gone(id, monotonic_now(*self_)));
  if (stopping_ && connections_.empty())
    for (auto& promise : std::exchange(stop_promises_, {}))
      promise.deliver();
}

void connection_registry_state::on_wake(std::uint64_t token) {
  if (!alarm_.accept(token))
    return;
  const auto now = monotonic_now(*self_);
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const auto ip = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    auto& x = peers_.at(ip);
    x.deadline.reset();
    carry_out(ip, x.link.tick(now));
  }
  set_alarm();
}

void connection_registry_state::subscribe(peer_listener_actor listener) {
  if (std::ranges::find(listeners_, listener) != listeners_.end())
    return;
  for (const auto& [ip, id] : up_) {
    const auto& x = connections_.at(id);
    self_->send(listener, atom::peer_up_v, peer_info{ip, id, x.direction, x.remote}, x.actor);
  }
  listeners_.push_back(std::move(listener));
}

caf::result<void> connection_registry_state::stop() {
  stopping_ = true;
  for (auto& [ip, x] : peers_) {
    x.link.unwant(monotonic_now(*self_));
    reschedule(ip);
  }
  for (const auto& [id, x] : connections_)
    close(id, link_end::shutdown, "the node is shutting down");
  auto promise = self_->make_response_promise<void>();
  if (connections_.empty())
    promise.deliver();
  else
    stop_promises_.push_back(promise);
  return promise;
}

// -- carrying out what the rules say ------------------------------------------------------------------

connection_registry_state::peer& connection_registry_state::peer_of(const ip_address& ip) {
  const auto i = peers_.find(ip);
  if (i != peers_.end())
    return i->second;
  auto fresh = peer{net::peer_link{config_.rules, role_towards(ip), random_()},
                    endpoint{ip, context_.p2p_port}, dial_purpose::discovered, std::nullopt};
  return peers_.emplace(ip, std::move(fresh)).first->second;
}

net::pair_role connection_registry_state::role_towards(const ip_address& ip) const {
  if (!context_.local_ip)
    return net::pair_role::unknown;
  return net::local_dials(*context_.local_ip, ip) ? net::pair_role::we_dial
                                                  : net::pair_role::they_dial;
}

void connection_registry_state::carry_out(const ip_address& ip, net::link_actions actions) {
  for (auto& action : actions)
    std::visit(overloaded{
                 [&](net::do_dial&) { dial(ip); },
                 [&](net::do_close& x) { close(x.link, x.cause, x.reason); },
                 [&](net::do_probe& x) { self_->send(connections_.at(x.link).actor, atom::probe_v); },
                 [&](net::do_peer_up& x) { publish_up(ip, x.link); },
                 [&](net::do_peer_down&) { publish_down(ip); },
                 [&](net::do_report_dial& x) {
                   if (routes_)
                     self_->send(routes_->directory, dial_report{peer_of(ip).dial_to, x.reached,
                                                                 x.failures, x.reason});
                 },
               },
               action);
  reschedule(ip);
  if (const auto i = peers_.find(ip); i != peers_.end() && i->second.link.forgettable())
    peers_.erase(i);
}

void connection_registry_state::dial(const ip_address& ip) {
  auto& x = peer_of(ip);
  const auto now = monotonic_now(*self_);
  if (const auto ban = bans_.banned(ip, context_.unix_now())) {
    x.link.postpone(now + to_ns(std::chrono::seconds{ban->until - context_.unix_now() + 1}));
    return;
  }
  if (!routes_) {
    x.link.postpone(now + not_attached_pause);
    return;
  }
  if (x.purpose == dial_purpose::discovered && up_.size() >= config_.max_peers) {
    x.link.postpone(now + no_place_pause);
    return;
  }
  const auto id = ++last_id_;
  const auto spec = link_spec{id, link_direction::outbound, x.dial_to};
  add(id, spec, factory_->dial(self_, spec, *routes_), link_phase::connecting);
  carry_out(ip, x.link.dial_started(id, now));
}

void connection_registry_state::add(link_id id, const link_spec& spec, peer_connection_actor actor,
                                    link_phase phase) {
  self_->monitor(actor);
  by_actor_.emplace(actor.address(), id);
  connections_.emplace(id, connection{spec.remote.ip, std::move(actor), spec.remote, spec.direction,
                                      phase, monotonic_now(*self_)});
}

void connection_registry_state::close(link_id id, link_end cause, const std::string& reason) {
  if (const auto i = connections_.find(id); i != connections_.end())
    self_->send(i->second.actor, atom::close_v, cause, reason);
}

bool connection_registry_state::take_place(const ip_address& ip) {
  if (up_.size() < config_.max_peers * 6 / 10)
    return true; // not even the masternodes' share is touched
  const auto holder = [this](const ip_address& y, monotonic_ns since) {
    const auto i = peers_.find(y);
    const auto purpose = i == peers_.end() || !i->second.link.wanted() ? dial_purpose::discovered
                                                                       : i->second.purpose;
    return net::slot_holder{y, purpose == dial_purpose::configured,
                            purpose == dial_purpose::masternode, false, since};
  };
  std::vector<net::slot_holder> holders;
  for (const auto& [y, id] : up_)
    holders.push_back(holder(y, connections_.at(id).since));
  const auto decision
    = net::decide_slot(holder(ip, monotonic_now(*self_)), holders, config_.max_peers);
  if (decision.admitted && decision.evict)
    close(up_.at(*decision.evict), link_end::refused,
          "makes room for " + ip.to_string() + ": all places are taken");
  return decision.admitted;
}

void connection_registry_state::publish_up(const ip_address& ip, link_id id) {
  const auto& x = connections_.at(id);
  if (up_.insert_or_assign(ip, id).second)
    spdlog::info("peer {}: connected ({}), {} in all", ip.to_string(), to_text(x.direction),
                 up_.size());
  for (const auto& listener : listeners_)
    self_->send(listener, atom::peer_up_v, peer_info{ip, id, x.direction, x.remote}, x.actor);
}

void connection_registry_state::publish_down(const ip_address& ip) {
  up_.erase(ip);
  for (const auto& listener : listeners_)
    self_->send(listener, atom::peer_down_v, ip);
}

void connection_registry_state::reschedule(const ip_address& ip) {
  const auto i = peers_.find(ip);
  if (i == peers_.end())
    return;
  auto& x = i->second;
  const auto next = x.link.forgettable() ? std::nullopt : x.link.next_deadline();
  if (next == x.deadline)
    return;
  if (x.deadline)
    deadlines_.erase({*x.deadline, ip});
  if (next)
    deadlines_.emplace(*next, ip);
  x.deadline = next;
  set_alarm();
}

void connection_registry_state::set_alarm() {
  if (!deadlines_.empty())
    alarm_.set(self_, context_.ticker, deadlines_.begin()->first);
}

void connection_registry_state::learn_own_ip(const ip_address& ip) {
  if (context_.local_ip)
    return;
  spdlog::info("our own address is {}: a dial there reached ourselves", ip.to_string());
  context_.local_ip = ip;
  const auto now = monotonic_now(*self_);
  std::vector<ip_address> known;
  for (const auto& [y, _] : peers_)
    known.push_back(y);
  for (const auto& y : known)
    if (y != ip)
      carry_out(y, peer_of(y).link.set_role(role_towards(y), now));
}

// -- what is asked --------------------------------------------------------------------------------------

link_list connection_registry_state::list() const {
  link_list result;
  for (const auto& [id, x] : connections_)
    result.emplace_back(link_snapshot{id, x.ip, x.direction, x.phase}, x.actor);
  return result;
}

registry_snapshot connection_registry_state::snapshot() const {
  const auto now = monotonic_now(*self_);
  registry_snapshot result;
  result.local_ip = context_.local_ip;
  for (const auto& [id, x] : connections_)
    result.links.push_back({id, x.ip, x.direction, x.phase});
  for (const auto& [ip, x] : peers_) {
    known_peer_snapshot y;
    y.ip = ip;
    y.state = x.link.state_name();
    y.rule = x.link.rule();
    if (const auto next = x.link.next_deadline())
      y.next_step_ms = std::max<std::int64_t>(0, (*next - now) / 1'000'000);
    y.failures = x.link.failures();
    y.last_error = x.link.last_error();
    y.their_dials_fail = x.link.their_dials_fail();
    for (const auto& link : x.link.links())
      y.links.push_back(link.id);
    result.peers.push_back(std::move(y));
  }
  std::ranges::sort(result.peers, {}, &known_peer_snapshot::ip);
  for (auto& x : bans_.bans(context_.unix_now()))
    result.bans.push_back({x.ip, std::move(x.reason), std::move(x.evidence), x.until});
  result.established = up_.size();
  result.ended = ended_;
  return result;
}

} // namespace timenode
