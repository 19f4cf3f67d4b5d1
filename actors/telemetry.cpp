#include "actors/telemetry.hpp"

#include "actors/liveness.hpp"
#include "actors/metrics.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace timenode {

telemetry_state::telemetry_state(telemetry_actor::pointer self, node_context context,
                                 telemetry_sources sources,
                                 std::function<std::size_t()> open_sockets,
                                 std::chrono::seconds check_every)
    : self_{self}, context_{std::move(context)}, sources_{std::move(sources)},
      open_sockets_{std::move(open_sockets)}, check_every_{check_every} {}

telemetry_actor::behavior_type telemetry_state::make_behavior() {
  wake_in(check_every_);
  return {
      [this](atom::snapshot) { return answer(); },
      [this](atom::pulse) { return pulse(); },
      [this](atom::changed) { changed(); },
      [this](atom::explain, const ip_address& ip) { return explain(ip); },
      [this](atom::wake, std::uint64_t token) { wake(token); },
  };
}

// -- snapshots --------------------------------------------------------------------

caf::result<node_snapshot> telemetry_state::answer() {
  if (!running_ && last_ && monotonic_now(*self_) - last_at_ <= to_ns(reuse))
    return *last_;
  if (askers_.size() + later_.size() >= max_askers)
    return caf::make_error(caf::sec::runtime_error,
                           "telemetry refuses a snapshot: too many asked for one at once");
  auto promise = self_->make_response_promise<node_snapshot>();
  (out_of_date_ ? later_ : askers_).push_back(promise);
  if (!running_)
    begin();
  return promise;
}

void telemetry_state::changed() {
  last_.reset();
  out_of_date_ = running_.has_value();
}

void telemetry_state::begin() {
  auto& now = running_.emplace();
  now.ends = monotonic_now(*self_) + to_ns(deadline);
  now.outstanding = 1;  // Held until all are asked.
  ask<registry_snapshot>(
      sources_.registry, "connection-registry", atom::snapshot_v,
      [this](registry_snapshot& x) { running_->result.registry = std::move(x); });
  ask<link_list>(sources_.registry, "connection-registry's links", atom::list_v,
                 [this](link_list& x) { take_links(x); });
  ask<directory_snapshot>(sources_.directory, "peer-directory", atom::snapshot_v,
                          [this](directory_snapshot& x) { running_->result.directory = x; });
  ask<gossip_snapshot>(sources_.gossip, "gossip", atom::snapshot_v,
                       [this](gossip_snapshot& x) { running_->result.gossip = x; });
  ask<keeper_snapshot>(sources_.keeper, "chain-keeper", atom::snapshot_v,
                       [this](keeper_snapshot& x) { running_->result.keeper = std::move(x); });
  ask<sync_snapshot>(sources_.sync, "sync-engine", atom::snapshot_v,
                     [this](sync_snapshot& x) { running_->result.sync = std::move(x); });
  ask<std::vector<masternode_entry>>(
      sources_.masternodes, "masternode-table", atom::list_v,
      [this](std::vector<masternode_entry>& x) { running_->result.masternodes = std::move(x); });
  ask<attestation_stats>(sources_.masternodes, "masternode-table's statistics", atom::snapshot_v,
                         [this](attestation_stats& x) { running_->result.attestations = x; });
  ask<consensus_snapshot>(
      sources_.consensus, "block-producer", atom::snapshot_v,
      [this](consensus_snapshot& x) { running_->result.consensus = std::move(x); });
  ask<mempool_snapshot>(sources_.mempool, "mempool", atom::snapshot_v,
                        [this](mempool_snapshot& x) { running_->result.mempool = x; });
  one_less();
}

template <class Result, class Handle, class Request, class F>
void telemetry_state::ask(const Handle& whom, std::string who, Request what, F take) {
  if (!whom) {
    running_->result.silent.push_back(std::move(who));
    return;
  }
  ++running_->outstanding;
  const auto left = std::max<monotonic_ns>(running_->ends - monotonic_now(*self_), 1);
  self_->request(whom, caf::timespan{left}, what)
      .then(
          [this, take = std::move(take)](Result& x) {
            take(x);
            one_less();
          },
          [this, who = std::move(who)](const caf::error&) {
            running_->result.silent.push_back(who);
            one_less();
          });
}

void telemetry_state::take_links(const link_list& links) {
  running_->result.peers.reserve(links.size());
  for (const auto& [link, connection] : links)
    ask<peer_snapshot>(
        connection, "connection " + std::to_string(link.link) + " to " + link.ip.to_string(),
        atom::snapshot_v,
        [this](peer_snapshot& x) { running_->result.peers.push_back(std::move(x)); });
}

void telemetry_state::one_less() {
  if (--running_->outstanding == 0)
    finish();
}

void telemetry_state::finish() {
  auto done = std::move(*running_);
  running_.reset();
  auto& result = done.result;
  std::sort(result.peers.begin(), result.peers.end(),
            [](const auto& x, const auto& y) { return x.link < y.link; });
  std::sort(result.silent.begin(), result.silent.end());
  result.invariant_violations = violations();
  last_ = std::move(result);
  last_at_ = monotonic_now(*self_);
  for (auto& asker : std::exchange(askers_, std::exchange(later_, {})))
    asker.deliver(*last_);
  if (std::exchange(out_of_date_, false))
    last_.reset();
  if (!askers_.empty())
    begin();
}

// -- smaller answers --------------------------------------------------------------

caf::result<node_pulse> telemetry_state::pulse() {
  auto x = std::make_shared<gathering<node_pulse>>();
  x->asker = self_->make_response_promise<node_pulse>();
  x->patience = deadline;
  x->result.invariant_violations = violations();
  const auto to = [x]<class T>(T& member) { return [x, &member](T& y) { member = std::move(y); }; };
  const auto nowhere = [](const auto&) {};  // That it answers is what matters.
  ask_for<std::uint64_t>(x, sources_.registry, "connection-registry", to(x->result.established),
                         atom::count_v);
  ask_for<directory_snapshot>(
      x, sources_.directory, "peer-directory",
      [x](const directory_snapshot& y) { x->result.known_addresses = y.known; }, atom::snapshot_v);
  ask_for<keeper_snapshot>(x, sources_.keeper, "chain-keeper", to(x->result.keeper),
                           atom::snapshot_v);
  ask_for<sync_progress>(x, sources_.sync, "sync-engine", to(x->result.sync), atom::progress_v);
  ask_for<gossip_snapshot>(x, sources_.gossip, "gossip", nowhere, atom::snapshot_v);
  ask_for<attestation_stats>(x, sources_.masternodes, "masternode-table", nowhere,
                             atom::snapshot_v);
  ask_for<consensus_snapshot>(x, sources_.consensus, "block-producer", nowhere, atom::snapshot_v);
  ask_for<mempool_snapshot>(x, sources_.mempool, "mempool", nowhere, atom::snapshot_v);
  x->one_less();
  return x->asker;
}

caf::result<peer_explanation> telemetry_state::explain(const ip_address& ip) {
  auto x = std::make_shared<gathering<peer_explanation>>();
  x->asker = self_->make_response_promise<peer_explanation>();
  x->patience = explain_deadline;
  x->result.peer.ip = ip;
  ask_for<known_peer_snapshot>(
      x, sources_.registry, "connection-registry",
      [x](known_peer_snapshot& y) { x->result.peer = std::move(y); }, atom::explain_v, ip);
  ask_for<address_snapshot>(
      x, sources_.directory, "peer-directory",
      [x](address_snapshot& y) { x->result.address = std::move(y); }, atom::explain_v, ip);
  ask_for<link_list>(
      x, sources_.registry, "connection-registry's links",
      [this, x, ip](link_list& links) {
        for (const auto& [link, connection] : links)
          if (link.ip == ip)
            ask_for<peer_snapshot>(
                x, connection, "connection " + std::to_string(link.link),
                [x](peer_snapshot& y) { x->result.connections.push_back(std::move(y)); },
                atom::snapshot_v);
      },
      atom::list_v);
  x->one_less();
  return x->asker;
}

template <class Result, class Answer, class Handle, class F, class... Request>
void telemetry_state::ask_for(const std::shared_ptr<gathering<Answer>>& x, const Handle& whom,
                              std::string who, F take, Request... what) {
  if (!whom) {
    x->result.silent.push_back(std::move(who));
    return;
  }
  ++x->outstanding;
  self_->request(whom, x->patience, what...)
      .then(
          [x, take = std::move(take)](Result& y) {
            take(y);
            x->one_less();
          },
          [x, who = std::move(who)](const caf::error&) {
            x->result.silent.push_back(who);
            x->one_less();
          });
}

// -- time ---------------------------------------------------------------------------

void telemetry_state::wake(std::uint64_t token) {
  if (!alarm_.accept(token))
    return;
  // Of a large node it is megabytes, and nobody gets it any more.
  if (last_ && monotonic_now(*self_) - last_at_ > to_ns(reuse))
    last_.reset();
  if (monotonic_now(*self_) - check_due_ > overslept_after)
    checker_.forget_times();
  begin_check();
}

void telemetry_state::wake_in(std::chrono::nanoseconds delay) {
  check_due_ = monotonic_now(*self_) + to_ns(delay);
  alarm_.set(self_, context_.ticker, check_due_);
}

}  // namespace timenode
