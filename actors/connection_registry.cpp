#include "actors/connection_registry.hpp"

#include "net/address_scope.hpp"

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

net::inbound_limits limits_of(const registry_config& x) {
  return x.inbound.value_or(net::inbound_limits::for_peers(x.max_peers));
}

}  // namespace

connection_registry_state::connection_registry_state(connection_registry_actor::pointer self,
                                                     node_context context, registry_config config,
                                                     std::unique_ptr<connection_factory> factory)
    : self_{self}, context_{std::move(context)}, config_{std::move(config)},
      factory_{std::move(factory)}, random_{context_.seed ^ 0x7265676973747279},
      gate_{limits_of(config_)}, slots_{config_.max_peers} {
  if (context_.local_ip)
    own_ = net::own_address{*context_.local_ip, config_.own_ip_from};
  begin_access();
}

connection_registry_actor::behavior_type connection_registry_state::make_behavior() {
  self_->set_down_handler([this](const caf::down_msg& msg) { on_down(msg); });
  return {
      // -- connections that come --
      [this](atom::accepted, std::uint64_t id, const endpoint& remote) { on_accepted(id, remote); },
      [this](atom::attach, peer_routes& routes) {
        routes_ = std::make_shared<const peer_routes>(std::move(routes));
      },
      [this](atom::want, const endpoint& to, dial_purpose purpose) { on_want(to, purpose); },
      [this](atom::want, const ip_address& ip) { on_unwant(ip); },
      // -- what connections tell --
      [this](atom::connected, link_id id, const endpoint& local) { on_connected(id, local); },
      [this](atom::handshaken, link_id id) { on_handshaken(id); },
      [this](atom::introduced, link_id id, const introduction& said) { on_introduced(id, said); },
      [this](atom::alive, link_id id) { on_alive(id); },
      [this](const link_report& report) { on_report(report); },
      [this](const violation& x) { on_violation(x); },
      [this](atom::useful, const ip_address& ip) { on_useful(ip); },
      [this](atom::proven, const ip_address& ip) { on_proven(ip); },
      // -- what the operator orders --
      [this](const peer_order& order) { return on_order(order); },
      [this](peer_settings& x) { on_settings(std::move(x)); },
      // -- who wants to know --
      [this](atom::subscribe, peer_listener_actor& listener) { subscribe(std::move(listener)); },
      [this](atom::list) { return list(); },
      [this](atom::check) { return check(); },
      [this](atom::explain, const ip_address& ip) { return explain(ip); },
      [this](atom::bans) { return bans(); },
      [this](atom::stop) { return stop(); },
      [this](atom::count) -> std::uint64_t { return up_.size(); },
      [this](atom::snapshot) { return snapshot(); },
      [this](atom::wake, std::uint64_t token) { on_wake(token); },
  };
}

// -- what is told -----------------------------------------------------------------------------------

void connection_registry_state::on_accepted(std::uint64_t accepted, const endpoint& remote) {
  const auto favoured = is_favoured(remote.ip);
  auto refused = why_not(remote.ip);
  std::optional<link_id> makes_room;
  if (!refused) {
    const auto decision = gate_.arrived(remote.ip, favoured, monotonic_now(*self_));
    refused = decision.refused;
    makes_room = decision.drop;
  }
  if (refused) {
    spdlog::debug("connection from {} refused: {}", remote.to_string(), to_text(*refused));
    factory_->reject(accepted, std::string{to_text(*refused)});
    refuse(*refused);
    return;
  }
  if (makes_room) {
    close(*makes_room, link_end::refused, "of too many handshakes under way it was the oldest");
    gate_.finished(*makes_room);
    refuse(inbound_refusal::handshakes);
  }
  const auto id = ++last_id_;
  const auto spec = spec_for(id, link_direction::inbound, remote);
  auto actor = factory_->accept(self_, spec, accepted, routes_);
  if (!actor)
    return;
  add(id, spec, std::move(actor), link_phase::handshaking);
  gate_.begun(id, remote.ip, favoured);
  carry_out(remote.ip, peer_of(remote.ip).link.accepted(id, monotonic_now(*self_)));
}

link_spec connection_registry_state::spec_for(link_id id, link_direction direction,
                                              const endpoint& remote) const {
  return {id, direction, remote, own_.ip(),
          access_.trusted(remote.ip, context_.unix_now()) != nullptr};
}

void connection_registry_state::on_want(const endpoint& to, dial_purpose purpose) {
  if (stopping_ || own_.ip() == to.ip || !to.ip.is_unicast() || to.port == 0)
    return;
  auto& x = peer_of(to.ip);
  x.dial_to = to;
  x.purpose = std::min(x.purpose, purpose);  // configured before masternode before discovered
  carry_out(to.ip, x.link.want(monotonic_now(*self_), x.purpose == dial_purpose::configured));
}

void connection_registry_state::on_unwant(const ip_address& ip) {
  const auto i = peers_.find(ip);
  if (i == peers_.end())
    return;
  i->second.purpose = dial_purpose::discovered;
  carry_out(ip, i->second.link.unwant(monotonic_now(*self_)));
}

void connection_registry_state::on_connected(link_id id, const endpoint& local) {
  const auto i = connections_.find(id);
  if (i == connections_.end() || i->second.phase != link_phase::connecting)
    return;
  i->second.phase = link_phase::handshaking;
  peer_of(i->second.ip).link.connected(id);
  i->second.our_end = local.ip;
  if (local.ip == i->second.ip && own_.dialed(i->second.ip, local.ip))
    own_address_changed();
}

void connection_registry_state::on_handshaken(link_id id) {
  const auto i = connections_.find(id);
  if (i == connections_.end() || i->second.phase != link_phase::handshaking)
    return;
  auto& x = i->second;
  gate_.finished(id);
  x.phase = link_phase::established;
  x.since = monotonic_now(*self_);
  if (!up_.contains(x.ip) && !take_place(x.ip)) {
    close(id, link_end::refused, "all places are taken");
    refuse(inbound_refusal::places);
    return;
  }
  const auto ip = x.ip;
  const auto our_end = x.our_end;
  carry_out(ip, peer_of(ip).link.handshaken(id, x.since));
  if (our_end && own_.dialed(ip, *our_end))
    own_address_changed();
}

void connection_registry_state::on_introduced(link_id id, const introduction& said) {
  const auto i = connections_.find(id);
  if (i == connections_.end() || i->second.phase != link_phase::established)
    return;
  const auto ip = i->second.ip;
  const auto dialed = i->second.direction == link_direction::outbound;
  auto& x = peer_of(ip);
  x.said = said;
  carry_out(ip, x.link.set_role(role_towards(ip, said), monotonic_now(*self_)));
  // Only of those that we chose to dial: others can choose from where they dial us.
  if (dialed && said.our_ip && own_.told(ip, *said.our_ip))
    own_address_changed();
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
  if (x.direction == link_direction::inbound)
    gate_.finished(report.link);
  const auto was_up = std::exchange(x.phase, link_phase::closing) == link_phase::established;
  ++ended_[static_cast<std::size_t>(report.cause)];
  const auto ip = x.ip;
  // A dial that failed, as most that end are, is not looked for.
  if (const auto up = was_up ? up_.find(ip) : up_.end();
      up != up_.end() && up->second == report.link)
    if (const auto left_out = link_log_.note(ip, monotonic_now(*self_)))
      spdlog::info("peer {}: connection ended: {}{}", ip.to_string(), report.reason,
                   log_fold::suffix(*left_out));
  if (report.cause == link_end::self)
    on_unwant(ip);
  const auto now = monotonic_now(*self_);
  const auto banned = x.banned;
  carry_out(ip, peer_of(ip).link.closing(report.link, report.cause, report.reason, now));
  // The next dial waits for the end of the ban, whenever that is.
  if (banned && report.cause == link_end::operator_request)
    carry_out(ip, peer_of(ip).link.end_pause(now));
}

void connection_registry_state::on_down(const caf::down_msg& msg) {
  const auto by_actor = by_actor_.find(msg.source.id());
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
  finish_stop();
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
  if (save_at_ != 0 && save_at_ <= now)
    save_now();
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
    reschedule(ip, x);
  }
  for (const auto& [id, x] : connections_)
    close(id, link_end::shutdown, "the node is shutting down");
  if (save_at_ != 0)
    save_now();
  auto promise = self_->make_response_promise<void>();
  stop_promises_.push_back(promise);
  finish_stop();
  return promise;
}

void connection_registry_state::finish_stop() {
  if (stopping_ && connections_.empty() && saving_ == 0)
    for (auto& promise : std::exchange(stop_promises_, {}))
      promise.deliver();
}

// -- carrying out what the rules say ------------------------------------------------------------------

connection_registry_state::peer& connection_registry_state::peer_of(const ip_address& ip) {
  const auto i = peers_.find(ip);
  if (i != peers_.end())
    return i->second;
  auto fresh = peer{net::peer_link{config_.rules, role_towards(ip, {}), random_()},
                    endpoint{ip, context_.p2p_port}};
  fresh.state_since = monotonic_now(*self_);
  return peers_.emplace(ip, std::move(fresh)).first->second;
}

void connection_registry_state::carry_out(const ip_address& ip, net::link_actions actions) {
  for (auto& action : actions)
    std::visit(
        overloaded{
            [&](net::do_dial&) { dial(ip); },
            [&](net::do_close& x) { close(x.link, x.cause, x.reason); },
            [&](net::do_probe& x) { self_->send(connections_.at(x.link).actor, atom::probe_v); },
            [&](net::do_peer_up& x) { publish_up(ip, x.link); },
            [&](net::do_peer_down&) { publish_down(ip); },
            [&](net::do_report_dial& x) {
              if (routes_)
                self_->send(routes_->directory,
                            dial_report{peer_of(ip).dial_to, x.reached, x.failures, x.reason});
            },
        },
        action);
  // What was done may have forgotten it already.
  const auto i = peers_.find(ip);
  if (i == peers_.end())
    return;
  reschedule(ip, i->second);
  if (i->second.link.forgettable())
    peers_.erase(i);
}

void connection_registry_state::dial(const ip_address& ip, bool ordered) {
  auto& x = peer_of(ip);
  const auto now = monotonic_now(*self_);
  if (const auto ban = access_.banned(ip, context_.unix_now())) {
    // A ban for good is longer than the clock can count.
    const auto left = std::min<std::int64_t>(ban->until - context_.unix_now() + 1, 365 * 86'400);
    x.link.postpone(now + to_ns(std::chrono::seconds{left}));
    x.held_by_ban = true;
    return;
  }
  if (!routes_) {
    x.link.postpone(now + not_attached_pause);
    return;
  }
  if (!ordered && ((x.purpose == dial_purpose::discovered && up_.size() >= config_.max_peers) ||
                   !would_have_place(ip))) {
    x.link.postpone(now + no_place_pause);
    return;
  }
  const auto id = ++last_id_;
  const auto spec = spec_for(id, link_direction::outbound, x.dial_to);
  add(id, spec, factory_->dial(self_, spec, routes_), link_phase::connecting);
  carry_out(ip, x.link.dial_started(id, now));
}

void connection_registry_state::add(link_id id, const link_spec& spec, peer_connection_actor actor,
                                    link_phase phase) {
  self_->monitor(actor);
  by_actor_.emplace(actor.id(), id);
  connections_.emplace(id, connection{spec.remote.ip, std::move(actor), spec.remote, spec.direction,
                                      phase, monotonic_now(*self_)});
}

void connection_registry_state::close(link_id id, link_end cause, const std::string& reason) {
  if (const auto i = connections_.find(id); i != connections_.end())
    self_->send(i->second.actor, atom::close_v, cause, reason);
}

void connection_registry_state::publish_up(const ip_address& ip, link_id id) {
  const auto& x = connections_.at(id);
  if (up_.insert_or_assign(ip, id).second) {
    ++up_by_group_[net::group_of(ip)];
    if (const auto left_out = link_log_.note(ip, monotonic_now(*self_)))
      spdlog::info("peer {}: connected ({}), {} in all{}", ip.to_string(), to_text(x.direction),
                   up_.size(), log_fold::suffix(*left_out));
  }
  for (const auto& listener : listeners_)
    self_->send(listener, atom::peer_up_v, peer_info{ip, id, x.direction, x.remote}, x.actor);
}

void connection_registry_state::publish_down(const ip_address& ip) {
  if (up_.erase(ip) > 0)
    if (const auto i = up_by_group_.find(net::group_of(ip)); --i->second == 0)
      up_by_group_.erase(i);
  for (const auto& listener : listeners_)
    self_->send(listener, atom::peer_down_v, ip);
  if (own_.gone(ip))
    own_address_changed();
}

void connection_registry_state::reschedule(const ip_address& ip, peer& x) {
  if (const auto state = x.link.state_name(); state != std::exchange(x.state, state))
    x.state_since = monotonic_now(*self_);
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
  auto at = save_at_;
  if (!deadlines_.empty())
    at = at == 0 ? deadlines_.begin()->first : std::min(at, deadlines_.begin()->first);
  if (at != 0)
    alarm_.set(self_, context_.ticker, at);
}

}  // namespace timenode
