// Bans, trust and what else an operator orders: the part of the connection registry that meets
// net/access_control.hpp.

#include "actors/connection_registry.hpp"
#include "actors/metrics.hpp"
#include "net/line_store.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace timenode {

namespace {

std::string count_of(std::size_t count, const std::string& what) {
  return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

}  // namespace

void connection_registry_state::begin_access() {
  const auto now = context_.unix_now();
  for (const auto& line : access_.from_lines(std::exchange(config_.kept, {}), now))
    spdlog::warn("bans and trust of the last run: a line is damaged and left out: {}",
                 line.substr(0, 200));
  enter_configured_access();
  if (const auto bans = access_.bans(now); !bans.empty())
    spdlog::info("bans in force: {}; to see them: timenode bans", bans.size());
}

void connection_registry_state::enter_configured_access() {
  const auto now = context_.unix_now();
  constexpr auto in_file = "by the configuration";
  if (config_.trusted_only)
    for (const auto* everybody : {"0.0.0.0/0", "::/0"})
      access_.configure(*ip_network::parse(everybody), net::access_kind::ban,
                        "only trusted peers, by the configuration", now);
  for (const auto& x : config_.banned)
    access_.configure(x, net::access_kind::ban, in_file, now);
  for (const auto& x : config_.trusted)
    access_.configure(x, net::access_kind::trust, in_file, now);
}

void connection_registry_state::on_settings(peer_settings x) {
  config_.banned = std::move(x.banned);
  config_.trusted = std::move(x.trusted);
  config_.trusted_only = x.trusted_only;
  access_.forget_configured();
  enter_configured_access();
  close_banned();
  if (const auto most = static_cast<std::size_t>(x.max_peers); most != config_.max_peers) {
    config_.max_peers = most;
    slots_ = net::slot_policy{most};
  }
  release_held();
}

// -- violations ---------------------------------------------------------------------------

void connection_registry_state::on_violation(const violation& x) {
  const auto now = context_.unix_now();
  if (const auto left_out = violation_log_.note(x.ip, monotonic_now(*self_)))
    spdlog::warn("peer {} sent wrong bytes: {}; it sent: {}{}", x.ip.to_string(), x.reason,
                 x.evidence, log_fold::suffix(*left_out));
  const auto ban = access_.add_violation(x.ip, x.reason, x.evidence, now);
  save_soon();
  if (!ban)
    return;
  spdlog::warn("peer {} is banned for {} s: {}; to lift it: timenode unban {}", x.ip.to_string(),
               ban->until - now, x.reason, x.ip.to_string());
  if (context_.metrics)
    context_.metrics->banned();
  for (const auto& [id, y] : connections_)
    if (y.ip == x.ip)
      close(id, link_end::protocol_violation, "banned: " + x.reason);
}

// -- orders -------------------------------------------------------------------------------

caf::result<order_reply> connection_registry_state::on_order(const peer_order& order) {
  switch (order.kind) {
  case order_kind::dial_once:
    if (!order.to)
      break;
    return dial_once(*order.to);
  case order_kind::disconnect:
    return disconnect(order);
  case order_kind::ban:
  case order_kind::unban:
  case order_kind::clear_bans:
  case order_kind::trust:
  case order_kind::untrust:
    return change_access(order);
  case order_kind::add_peer:
  case order_kind::remove_peer:
    break;  // the directory's
  }
  return order_reply{order_result::refused, "the registry has no such order"};
}

caf::result<order_reply> connection_registry_state::change_access(const peer_order& order) {
  const auto now = context_.unix_now();
  const auto& network = order.network;
  const auto text = network.to_short_string();
  order_reply reply;
  const auto entered = [&](net::access_list::answer x, const std::string& what) {
    using enum net::access_list::answer;
    if (x == same_already)
      reply = {order_result::already, text + " is " + what + " already"};
    else if (x == full)
      reply = {order_result::refused, "there are " + std::to_string(net::access_list::max_rules) +
                                          " bans and trusted networks already; lift some first"};
    return x == done;
  };
  // There is one word of the operator for a network: a new one takes the place of its opposite.
  const auto was_trusted =
      std::ranges::count(access_.trusts(now), network, &net::access_rule::network) > 0;
  const auto was_banned = std::ranges::count_if(access_.bans(now), [&](const net::access_ban& x) {
                            return x.by_operator && x.network == network;
                          }) > 0;
  switch (order.kind) {
  case order_kind::ban:
    if (order.until <= now)
      return order_reply{order_result::refused, "the end of the ban lies in the past"};
    if (network.bits() == 0)
      return order_reply{
          order_result::refused,
          text + " is everybody; to let only trusted peers in, set whitelist_only = true under "
                 "[network] in the configuration"};
    if (network.is_host() && own_.ip() == network.base())
      return order_reply{order_result::refused, text + " is our own address"};
    if (!entered(access_.ban(network, order.reason, order.until, now), "banned"))
      return reply;
    reply.text = text + " is banned" + (was_trusted ? " and not trusted any more; " : "; ") +
                 count_of(close_banned(), "connection") + " closed";
    break;
  case order_kind::trust:
    if (!entered(access_.trust(network, order.reason, now), "trusted"))
      return reply;
    reply.text = text + " is trusted" + (was_banned ? ", and its ban is lifted" : "") +
                 ": never banned by itself, and always let in";
    break;
  case order_kind::unban: {
    const auto lifted = access_.unban(network, now);
    if (lifted == 0)
      return order_reply{order_result::not_there,
                         "no ban of " + text + ", nor of an address in it"};
    reply.text = count_of(lifted, "ban") + " lifted";
    const auto still = access_.banned(network.base(), now);
    if (still)
      reply.text += "; " + network.base().to_string() + " stays banned, for it is in " +
                    still->network.to_short_string();
    break;
  }
  case order_kind::untrust:
    if (!access_.untrust(network))
      return order_reply{order_result::not_there, text + " is not among the trusted networks"};
    reply.text = text + " is not trusted any more";
    close_banned();  // what the ladder says of them holds again
    break;
  default:
    reply.text = count_of(access_.unban_all(now), "ban") + " lifted";
    break;
  }
  spdlog::info("operator: {}", reply.text);
  release_held();
  return save_and_reply(std::move(reply));
}

order_reply connection_registry_state::dial_once(const endpoint& to) {
  if (stopping_)
    return {order_result::refused, "the node is stopping"};
  if (own_.ip() == to.ip)
    return {order_result::refused, "that is our own address"};
  if (!to.ip.is_unicast() || to.port == 0)
    return {order_result::refused, to.to_string() + " cannot be dialed"};
  if (const auto ban = access_.banned(to.ip, context_.unix_now()))
    return {order_result::refused, to.ip.to_string() +
                                       " is banned; lift it first: timenode unban " +
                                       ban->network.to_short_string()};
  if (up_.contains(to.ip))
    return {order_result::already, to.ip.to_string() + " is connected already"};
  auto& x = peer_of(to.ip);
  x.dial_to = to;
  const auto actions = x.link.dial_now(monotonic_now(*self_));
  if (actions.empty()) {
    carry_out(to.ip, actions);
    return {order_result::already, "a connection with " + to.ip.to_string() + " is being made"};
  }
  dial(to.ip, true);
  reschedule(to.ip, peer_of(to.ip));
  spdlog::info("operator: dialing {} once", to.to_string());
  return {order_result::done, "dialing " + to.to_string()};
}

order_reply connection_registry_state::disconnect(const peer_order& order) {
  std::size_t closed = 0;
  for (const auto& [id, x] : connections_)
    if (x.phase != link_phase::closing &&
        (order.link ? id == *order.link : order.to && x.ip == order.to->ip)) {
      close(id, link_end::operator_request, "an operator disconnected it");
      ++closed;
    }
  if (closed == 0)
    return {order_result::not_connected, "there is no such connection"};
  return {order_result::done, count_of(closed, "connection") + " closed"};
}

std::size_t connection_registry_state::close_banned() {
  std::size_t result = 0;
  const auto now = context_.unix_now();
  for (auto& [id, x] : connections_) {
    if (x.phase == link_phase::closing)
      continue;
    if (const auto ban = access_.banned(x.ip, now)) {
      x.banned = true;
      close(id, link_end::operator_request,
            ban->reason.empty() ? "banned by an operator"
                                : "banned by an operator: " + ban->reason);
      ++result;
    }
  }
  return result;
}

void connection_registry_state::release_held() {
  const auto now = monotonic_now(*self_);
  for (auto& [ip, x] : peers_) {
    if (!x.held_by_ban || access_.banned(ip, context_.unix_now()))
      continue;
    x.held_by_ban = false;
    if (x.link.dial_at())
      x.link.postpone(now);
    reschedule(ip, x);
  }
}

// -- keeping it -----------------------------------------------------------------------------

void connection_registry_state::save_soon() {
  if (!config_.archive || save_at_ != 0)
    return;
  save_at_ = monotonic_now(*self_) + access_saved_within;
  set_alarm();
}

template <class F>
void connection_registry_state::save(F then) {
  save_at_ = 0;
  ++saving_;
  auto done = [this, then](const std::string& problem) mutable {
    --saving_;
    saved(problem);
    then(problem);
    finish_stop();
  };
  self_
      ->request(config_.archive, archive_timeout, atom::save_v, std::string{net::access_lines},
                access_.to_lines(context_.unix_now()))
      .then([done](const std::string& problem) mutable { done(problem); },
            [done](const caf::error&) mutable { done("the disk did not answer in time"); });
}

void connection_registry_state::save_now() {
  save([](const std::string&) {});
}

caf::result<order_reply> connection_registry_state::save_and_reply(order_reply reply) {
  if (!config_.archive)
    return reply;
  auto promise = self_->make_response_promise<order_reply>();
  save([promise, reply = std::move(reply)](const std::string& problem) mutable {
    if (!problem.empty()) {
      reply.result = order_result::not_kept;
      reply.text += "; but only until the node stops: " + problem;
    }
    promise.deliver(reply);
  });
  return promise;
}

void connection_registry_state::saved(const std::string& problem) {
  if (!problem.empty() && not_kept_ != problem)
    spdlog::error("bans and trust cannot be kept for the next start: {}", problem);
  not_kept_ = problem;
  if (!problem.empty() && !stopping_)
    save_soon();  // again
}

}  // namespace timenode
