// How a simulated connection comes up: first packets, paths that are closed, and the two ends that meet.

#include "tests/sim/sim_connection.hpp"
#include "tests/sim/sim_transport.hpp"

#include <chrono>
#include <utility>
#include <vector>

namespace sim {

using namespace timenode;

namespace {

/// A stack sends its first packet again so long after the first time.
constexpr monotonic_ns syns_after[] = {second, 3 * second};
constexpr auto dial_lasts = std::chrono::nanoseconds{net::connect_timeout}.count();

}  // namespace

/// Sends the first packet, or sends it again. While nothing can get there no time is spent on it.
void sim_connection::dial() {
  if (state_ != state::dialing)
    return;
  const auto left = dialed_at_ + dial_lasts - network_.now();
  if (network_.is_closed(host(), other_host())) {
    knocking_ = true;
    network_.hosts_[other_host()]->knocking.push_back(this);
  } else if (cut_off(0) || cut_off(1)) {
    go_on_dialing();
  } else if (const auto trip =
                 network_.delay(host(), other_host()) + network_.delay(other_host(), host());
             trip < left) {
    return schedule(trip, connected);
  }
  if (!std::exchange(times_out_, true))
    schedule(left, timed_out);
}

/// The stack does not know that there is a path now: its next packet finds out.
void sim_connection::go_on_dialing() {
  knocking_ = false;
  for (const auto x : syns_after)
    if (const auto pause = dialed_at_ + x - network_.now(); pause > 0)
      return schedule(pause, syn);
}

void sim_connection::stop_dialing() {
  if (std::exchange(knocking_, false))
    std::erase(network_.hosts_[other_host()]->knocking, this);
}

void sim_connection::connect() {
  if (state_ != state::dialing)
    return;
  if (orphaned())
    return vanish(wire_end::none, false);
  auto* target = network_.hosts_[other_host()]->transport;
  if (!target || !target->listens(remote_.port)) {
    fail(wire_end::none, "connection refused", false);
    return;
  }
  auto& us = *network_.hosts_[host()];
  // Some ephemeral port: it identifies nobody.
  us.last_port = us.last_port < 32768 || us.last_port > 60999
                     ? 32768
                     : static_cast<std::uint16_t>(us.last_port + 1);
  const auto from = endpoint{us.ip, us.last_port};
  auto other = std::make_shared<sim_connection>(network_, record_, 1, from);
  join(shared_from_this(), other);
  target->accept(other);
  handler_->on_connected(from);
}

void sim_connection::join(const std::shared_ptr<sim_connection>& dialer,
                          const std::shared_ptr<sim_connection>& acceptor) {
  auto& network = dialer->network_;
  dialer->peer_ = acceptor;
  acceptor->peer_ = dialer;
  dialer->other_ = acceptor.get();
  acceptor->other_ = dialer.get();
  for (auto* x : {dialer.get(), acceptor.get()}) {
    x->state_ = state::up;
    network.hosts_[x->host()]->open.emplace(2 * x->record_->id + static_cast<unsigned>(x->side_),
                                            x);
  }
  ++network.made_;
  dialer->record_->opened = true;
  dialer->record_->opened_at = network.now();
  if (network.watch_)
    network.watch_->opened(dialer->record_);
}

}  // namespace sim
