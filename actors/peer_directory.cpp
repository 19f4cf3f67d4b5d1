#include "actors/peer_directory.hpp"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>
#include <variant>

namespace timenode {

namespace {

/// So that this actor's random numbers are not those of another with the same seed.
constexpr std::uint64_t directory_seed_salt = 0x6469'7265'6374'6f72;

} // namespace

peer_directory_state::peer_directory_state(peer_directory_actor::pointer self, node_context context,
                                           connection_registry_actor registry,
                                           directory_config config)
  : self_{self}, context_{std::move(context)}, registry_{std::move(registry)},
    book_{context_.local_ip, context_.p2p_port, config.max_peers},
    random_{context_.seed ^ directory_seed_salt} {
  for (const auto& x : config.configured)
    book_.add_configured(x);
}

peer_directory_actor::behavior_type peer_directory_state::make_behavior() {
  self_->send(registry_, atom::subscribe_v, peer_listener_actor{self_});
  follow_plan();
  ask_at_ = monotonic_now(*self_) + random_.jitter(ask_peers_period, ask_peers_jitter);
  alarm_.set(self_, context_.ticker, ask_at_);
  return {
    // -- what others want and know ---
    [this](const dial_report& report) { on_dial_report(report); },
    [this](atom::want, const endpoint& to, dial_purpose purpose) { on_want(to, purpose); },
    [this](atom::sample) { return book_.sample(sample_size, random_); },
    [this](atom::snapshot) { return book_.snapshot(); },
    // -- peer listener ---
    [this](atom::peer_up, const peer_info& info, const peer_connection_actor& connection) {
      on_peer_up(info, connection);
    },
    [this](atom::peer_down, const ip_address& ip) { on_peer_down(ip); },
    // -- messages of peers ---
    [this](const ip_address& from, const wire::message& x) { on_message(from, x); },
    // -- time ---
    [this](atom::wake, std::uint64_t token) { on_wake(token); },
  };
}

void peer_directory_state::on_dial_report(const dial_report& report) {
  if (book_.dialed(report, context_.unix_now()))
    self_->send(registry_, atom::want_v, report.to.ip);
  follow_plan();
}

void peer_directory_state::on_want(const endpoint& to, dial_purpose purpose) {
  switch (purpose) {
    case dial_purpose::configured:
      book_.add_configured(to);
      break;
    case dial_purpose::masternode:
      book_.add_masternode(to);
      break;
    case dial_purpose::discovered:
      book_.learn(std::vector{to.to_string()}, ip_address{});
      break;
  }
  follow_plan();
}

void peer_directory_state::on_peer_up(const peer_info& info,
                                      const peer_connection_actor& connection) {
  book_.connected(info, context_.unix_now());
  auto& x = peers_.insert_or_assign(info.ip, peer{connection}).first->second;
  ask(x);
  follow_plan();
}

void peer_directory_state::on_peer_down(const ip_address& ip) {
  peers_.erase(ip);
  book_.disconnected(ip);
  follow_plan();
}

void peer_directory_state::on_message(const ip_address& from, const wire::message& x) {
  const auto* answer = std::get_if<wire::peers_response>(&x);
  const auto i = peers_.find(from);
  if (answer == nullptr || i == peers_.end())
    return;
  const auto count = std::min(answer->peers.size(), i->second.allowed);
  i->second.allowed -= count;
  if (book_.learn(std::span{answer->peers}.first(count), from) > 0)
    follow_plan();
}

void peer_directory_state::on_wake(std::uint64_t token) {
  if (!alarm_.accept(token))
    return;
  const auto now = monotonic_now(*self_);
  if (ask_at_ <= now) {
    ask_at_ = now + random_.jitter(ask_peers_period, ask_peers_jitter);
    if (!peers_.empty())
      ask(std::next(peers_.begin(), static_cast<std::ptrdiff_t>(random_.below(peers_.size())))
            ->second);
  }
  alarm_.set(self_, context_.ticker, ask_at_);
}

void peer_directory_state::ask(peer& x) {
  x.allowed = max_learned_at_once;
  self_->send(x.connection, encoded_line{wire::encode_shared(wire::get_peers{})});
}

void peer_directory_state::follow_plan() {
  const auto plan = book_.make_plan(random_);
  for (const auto& ip : plan.unwant)
    self_->send(registry_, atom::want_v, ip);
  for (const auto& [to, purpose] : plan.want)
    self_->send(registry_, atom::want_v, to, purpose);
}

} // namespace timenode
