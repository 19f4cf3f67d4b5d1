// What the connection registry shows: the state of everything for RPC and metrics, and the explanation of one peer.

#include "actors/connection_registry.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace timenode {

namespace {

ban_snapshot shown(net::access_ban&& x) {
  return {x.network, x.by_operator, std::move(x.reason), std::move(x.evidence), x.since, x.until};
}

/// Milliseconds from `from` to `to`, not below 0.
std::int64_t span_ms(monotonic_ns from, monotonic_ns to) noexcept {
  return std::max<std::int64_t>(0, (to - from) / 1'000'000);
}

}  // namespace

link_list connection_registry_state::list() const {
  link_list result;
  result.reserve(connections_.size());
  for (const auto& [id, x] : connections_)
    result.emplace_back(link_snapshot{id, x.ip, x.direction, x.phase}, x.actor);
  return result;
}

caf::result<link_list, std::uint64_t> connection_registry_state::check() const {
  return {list(), ended_[static_cast<std::size_t>(link_end::internal_error)]};
}

registry_snapshot connection_registry_state::snapshot() const {
  const auto now = context_.unix_now();
  registry_snapshot result;
  result.local_ip = own_.ip();
  result.local_ip_source = own_.explain();
  result.links.reserve(connections_.size());
  result.peers.reserve(peers_.size());
  for (const auto& [id, x] : connections_)
    result.links.push_back({id, x.ip, x.direction, x.phase});
  // In order before they are described: what a peer is described by is long.
  std::vector<std::pair<const ip_address*, const peer*>> known;
  known.reserve(peers_.size());
  for (const auto& [ip, x] : peers_)
    known.emplace_back(&ip, &x);
  std::ranges::sort(known, {}, [](const auto& x) { return *x.first; });
  for (const auto& [ip, x] : known)
    result.peers.push_back(describe(*ip, x));
  result.bans = bans();
  for (auto& x : access_.trusts(now))
    result.trusts.push_back({x.network, std::move(x.reason), x.since});
  result.established = up_.size();
  for (std::size_t i = 0; i < ended_.size(); ++i)
    if (ended_[i] > 0)
      result.ended.emplace(to_text(static_cast<link_end>(i)), ended_[i]);
  result.refused = refused_;
  result.not_kept = not_kept_;
  return result;
}

std::vector<ban_snapshot> connection_registry_state::bans() const {
  std::vector<ban_snapshot> result;
  for (auto& x : access_.bans(context_.unix_now()))
    result.push_back(shown(std::move(x)));
  return result;
}

known_peer_snapshot connection_registry_state::explain(const ip_address& ip) const {
  const auto i = peers_.find(ip);
  return describe(ip, i == peers_.end() ? nullptr : &i->second);
}

known_peer_snapshot connection_registry_state::describe(const ip_address& ip, const peer* x) const {
  const auto now = monotonic_now(*self_);
  const auto unix_now = context_.unix_now();
  known_peer_snapshot y;
  y.ip = ip;
  y.trusted = access_.trusted(ip, unix_now) != nullptr;
  if (const auto* offences = access_.offences(ip, unix_now)) {
    y.violations = offences->count;
    y.last_violation = offences->reason;
    y.evidence = offences->evidence;
  }
  if (x) {
    y.state = x->link.state_name();
    y.state_ms = span_ms(x->state_since, now);
    y.rule = x->link.rule();
    y.next = x->link.next_step();
    if (const auto next = x->link.next_deadline())
      y.next_step_ms = span_ms(now, *next);
    y.wanted = x->link.wanted();
    y.purpose = x->purpose;
    y.failures = x->link.failures();
    y.last_error = x->link.last_error();
    if (!y.last_error.empty())
      y.last_error_ms = span_ms(x->link.last_error_at(), now);
    y.their_dials_fail = x->link.their_dials_fail();
    y.proven_masternode = x->proven_until > now;
    if (x->useful_at != 0)
      y.useful_ms = span_ms(x->useful_at, now);
    for (const auto& link : x->link.links())
      y.links.push_back(link.id);
  } else {
    y.state = own_.ip() == ip ? "ourselves" : "unknown";
    y.rule = net::peer_link{config_.rules, role_towards(ip, {}), 0}.rule();
    y.next = own_.ip() == ip ? "nothing: it is our own address, neither dialed nor let in"
                             : "nothing: we do not want it connected, but it may dial us";
  }
  if (auto ban = access_.banned(ip, unix_now)) {
    if (y.links.empty())
      y.state = "banned";
    y.next = std::string{"the ban ends, "} +
             (y.wanted ? "and we may dial it again" : "and it may dial us again") +
             "; sooner by: timenode unban " + ban->network.to_short_string();
    y.next_step_ms =
        ban->until == net::for_good ? -1 : 1000 * std::max<std::int64_t>(0, ban->until - unix_now);
    y.ban = shown(std::move(*ban));
  } else if (x && !x->link.primary() && x->link.links().empty() && x->link.dial_at() &&
             x->purpose == dial_purpose::discovered && up_.size() >= config_.max_peers) {
    y.next =
        "we look whether a place is free; all " + std::to_string(config_.max_peers) + " are taken";
  }
  return y;
}

}  // namespace timenode
