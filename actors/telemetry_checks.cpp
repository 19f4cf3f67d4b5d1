// What a node checks of itself every ten seconds: the part of the telemetry actor that asks for it and counts what it finds.

#include "actors/metrics.hpp"
#include "actors/telemetry.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace timenode {

void telemetry_state::begin_check() {
  auto& now = checking_.emplace();
  now.ends = monotonic_now(*self_) + to_ns(deadline);
  now.outstanding = 1;  // Held until all are asked.
  ask_in_check<link_list, std::uint64_t>(sources_.registry, atom::check_v,
                                         [this](const link_list& links, std::uint64_t faults) {
                                           checking_->sample.faults = faults;
                                           check_links(links);
                                         });
  ask_in_check<sync_progress>(sources_.sync, atom::progress_v,
                              [this](sync_progress& x) { checking_->sample.sync = std::move(x); });
  one_checked();
}

/// Who does not answer is not judged.
template <class... Results, class Handle, class Request, class F>
void telemetry_state::ask_in_check(const Handle& whom, Request what, F take) {
  if (!whom)
    return;
  ++checking_->outstanding;
  const auto left = std::max<monotonic_ns>(checking_->ends - monotonic_now(*self_), 1);
  self_->request(whom, caf::timespan{left}, what)
      .then(
          [this, take = std::move(take)](Results&... x) {
            take(x...);
            one_checked();
          },
          [this](const caf::error&) { one_checked(); });
}

void telemetry_state::check_links(const link_list& links) {
  auto& truth = checking_->sample.truth.emplace();
  // The other observers are asked at this moment, to compare what belongs together.
  truth.gauges = gauges();
  if (open_sockets_)
    truth.sockets = open_sockets_();
  truth.registry.reserve(links.size());
  truth.connections.reserve(links.size());
  for (const auto& [link, connection] : links) {
    truth.registry.push_back(link);
    ask_in_check<link_snapshot>(connection, atom::check_v, [this](const link_snapshot& x) {
      checking_->sample.truth->connections.push_back(x);
    });
  }
}

void telemetry_state::one_checked() {
  if (--checking_->outstanding > 0)
    return;
  const auto done = std::move(checking_->sample);
  checking_.reset();
  judge(done);
}

void telemetry_state::judge(const health_sample& x) {
  const auto report = checker_.check(x, monotonic_now(*self_));
  for (const auto& [which, sentence] : report.violations)
    count_violation(which, sentence);
  wake_in(report.check_again ? recheck_after : check_every_);
}

void telemetry_state::count_violation(invariant which, const std::string& sentence) {
  spdlog::error("invariant {} does not hold: {}", to_text(which), sentence);
  ++found_[static_cast<std::size_t>(which)];
  if (context_.metrics)
    context_.metrics->invariant_violated(which);
}

std::map<std::string, std::uint64_t> telemetry_state::violations() const {
  std::map<std::string, std::uint64_t> result;
  for (std::size_t i = 0; i < invariant_count; ++i) {
    const auto which = static_cast<invariant>(i);
    // Others may count violations in the metrics, too.
    result.emplace(to_text(which),
                   context_.metrics ? context_.metrics->violations(which) : found_[i]);
  }
  return result;
}

std::optional<link_counts> telemetry_state::gauges() const {
  if (!context_.metrics)
    return std::nullopt;
  link_counts result{};
  for (auto direction : {link_direction::inbound, link_direction::outbound})
    for (auto phase : {link_phase::connecting, link_phase::handshaking, link_phase::established,
                       link_phase::closing})
      result[static_cast<std::size_t>(direction)][static_cast<std::size_t>(stage_of(phase))] +=
          context_.metrics->connections(direction, phase);
  return result;
}

}  // namespace timenode
