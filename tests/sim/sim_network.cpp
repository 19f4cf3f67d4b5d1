#include "tests/sim/sim_network.hpp"

#include "tests/sim/sim_connection.hpp"
#include "tests/sim/sim_transport.hpp"

#include <algorithm>
#include <utility>

namespace sim {

using namespace timenode;

namespace {

/// A number in [0, 1) that is the same for a pair of hosts in all of a run, whoever sends.
double share_of_pair(std::uint64_t seed, host_index a, host_index b) {
  const auto [low, high] = std::minmax(a, b);
  auto random = random_source{seed ^ (std::uint64_t{low} << 32 | high)};
  return static_cast<double>(random() >> 11) * 0x1.0p-53;
}

}  // namespace

std::string_view to_text(wire_end x) noexcept {
  constexpr std::string_view names[]{
      "open",  "closed",    "not read",  "reset",
      "crash", "power cut", "timed out", "forgotten by the other host"};
  return names[static_cast<std::size_t>(x)];
}

// -- the card of a host ---------------------------------------------------------------------------

sim_transport::sim_transport(sim_network& network, host_index host)
    : network_{network}, host_{host} {
  network_.hosts_[host]->transport = this;
  network_.paths_opened(host);
}

sim_transport::~sim_transport() {
  auto& x = *network_.hosts_[host_];
  if (x.transport == this)
    network_.end_process(x.ip);
}

outcome<endpoint> sim_transport::listen(const endpoint& at,
                                        std::unique_ptr<net::listener_handler> handler) {
  listener_ = std::move(handler);
  port_ = at.port;
  return endpoint{network_.ip_of(host_), at.port};
}

net::connection_ptr sim_transport::take(std::uint64_t id) {
  const auto i = pending_.find(id);
  if (i == pending_.end())
    return nullptr;
  auto result = std::move(i->second);
  pending_.erase(i);
  return result;
}

net::connection_ptr sim_transport::dial(const endpoint& to, std::optional<ip_address>) {
  auto record = std::make_shared<wire_record>();
  record->id = ++network_.dialed_;
  record->hosts[0] = host_;
  record->hosts[1] = network_.index_of(to.ip);
  ++network_.hosts_[record->hosts[1]]->dials;
  return std::make_shared<sim_connection>(network_, std::move(record), 0, to);
}

std::size_t sim_transport::open_connections() const {
  return network_.open_sockets(host_);
}

void sim_transport::accept(const std::shared_ptr<sim_connection>& x) {
  const auto id = ++last_id_;
  pending_.emplace(id, x);
  listener_->on_accepted(id, x->remote());
}

// -- the network -----------------------------------------------------------------------------------

sim_network::sim_network(std::function<monotonic_ns()> now, std::uint64_t seed)
    : now_{std::move(now)}, random_{seed}, seed_{seed} {}

// Connections that go with their events look at hosts and paths still.
sim_network::~sim_network() {
  drop_events();
}

std::unique_ptr<net::transport> sim_network::make_transport(const ip_address& host) {
  return std::make_unique<sim_transport>(*this, index_of(host));
}

host_index sim_network::index_of(const ip_address& ip) {
  const auto [i, fresh] = by_ip_.try_emplace(ip, static_cast<host_index>(hosts_.size()));
  if (fresh) {
    hosts_.push_back(std::make_unique<host_state>());
    hosts_.back()->ip = ip;
  }
  return i->second;
}

// -- faults ----------------------------------------------------------------------------------------

void sim_network::set_latency(monotonic_ns base, monotonic_ns jitter, monotonic_ns spread) {
  latency_ = base;
  jitter_ = jitter;
  spread_ = spread;
}

void sim_network::set_host_latency(const ip_address& host, monotonic_ns extra) {
  hosts_[index_of(host)]->extra_latency = extra;
}

void sim_network::block(const ip_address& from, const ip_address& to, bool blocked) {
  auto& x = path_between(index_of(from), index_of(to));
  x.blocks = static_cast<std::uint8_t>(blocked ? x.blocks + 1 : x.blocks - 1);
  if (x.blocks > 0)
    return;
  paths_opened(index_of(from));
  paths_opened(index_of(to));
}

void sim_network::set_loss(const ip_address& from, const ip_address& to, std::uint8_t percent) {
  path_between(index_of(from), index_of(to)).loss = percent;
}

void sim_network::set_undialable(const ip_address& host, bool undialable) {
  hosts_[index_of(host)]->undialable = undialable;
  paths_opened(index_of(host));
}

void sim_network::cut_power(const ip_address& host) {
  auto& x = *hosts_[index_of(host)];
  ++x.boots;
  ++x.processes;
  x.transport = nullptr;
  while (!x.open.empty())
    x.open.begin()->second->shared_from_this()->vanish(wire_end::power, false);
}

void sim_network::end_process(const ip_address& host) {
  auto& x = *hosts_[index_of(host)];
  ++x.processes;
  x.transport = nullptr;
  while (!x.open.empty())
    x.open.begin()->second->shared_from_this()->vanish(wire_end::crash, true);
}

void sim_network::reset(const ip_address& a, const ip_address& b) {
  for (const auto& x : open_between(a, b))
    x->fail(wire_end::reset, "connection reset", true);
}

void sim_network::forget(const ip_address& a, const ip_address& b) {
  for (const auto& x : open_between(a, b)) {
    x->lose_everything();
    if (const auto other = x->peer())
      other->lose_everything();
  }
}

void sim_network::set_reading(const ip_address& host, bool reading) {
  auto& x = *hosts_[index_of(host)];
  x.reading = reading;
  std::vector<std::shared_ptr<sim_connection>> all;
  for (const auto& [_, y] : x.open)
    all.push_back(y->shared_from_this());
  for (const auto& y : all)
    y->read();
}

// -- running ---------------------------------------------------------------------------------------

void sim_network::after(monotonic_ns delay, std::function<void()> run) {
  events_.add(now() + delay, std::move(run));
}

void sim_network::run_due() {
  while (events_.next().value_or(now() + 1) <= now())
    events_.run_first();
}

// -- what an observer sees ---------------------------------------------------------------------------

std::map<std::pair<ip_address, ip_address>, std::size_t> sim_network::open_pairs() const {
  std::map<std::pair<ip_address, ip_address>, std::size_t> result;
  for (const auto& host : hosts_)
    for (const auto& [_, x] : host->open)
      if (const auto other = x->peer(); x->up() && other && other->up())
        if (const auto& ip = ip_of(x->other_host()); host->ip < ip)
          ++result[{host->ip, ip}];
  return result;
}

std::size_t sim_network::bytes_held() const {
  std::size_t result = 0;
  for (const auto& host : hosts_)
    for (const auto& [_, x] : host->open)
      result += x->bytes_held();
  return result;
}

// -- paths -----------------------------------------------------------------------------------------

sim_network::path_state& sim_network::path_between(host_index from, host_index to) {
  auto& paths = hosts_[from]->to;
  if (paths.size() <= to)
    paths.resize(hosts_.size());
  return paths[to];
}

bool sim_network::lost(host_index from, host_index to) {
  const auto& paths = hosts_[from]->to;
  if (paths.size() <= to)
    return false;
  const auto& x = paths[to];
  return x.blocks > 0 || (x.loss > 0 && random_.below(100) < x.loss);
}

/// Whether no packet at all gets there, as things are.
bool sim_network::is_closed(host_index from, host_index to) const {
  const auto blocked = [this](host_index a, host_index b) {
    const auto& paths = hosts_[a]->to;
    return b < paths.size() && paths[b].blocks > 0;
  };
  const auto& target = *hosts_[to];
  return !target.transport || target.undialable || blocked(from, to) || blocked(to, from);
}

/// Dials to that host may go on. What looks at them anew when a path opens need not do so while none does, and most dials that
/// lead nowhere see none.
void sim_network::paths_opened(host_index to) {
  auto& knocking = hosts_[to]->knocking;
  for (std::size_t i = 0; i < knocking.size();)
    if (is_closed(knocking[i]->host(), to)) {
      ++i;
    } else {
      auto* x = knocking[i];
      knocking[i] = knocking.back();
      knocking.pop_back();
      x->go_on_dialing();
    }
}

monotonic_ns sim_network::delay(host_index from, host_index to) {
  auto result = latency_ + hosts_[from]->extra_latency + hosts_[to]->extra_latency;
  if (spread_ > 0)
    result +=
        static_cast<monotonic_ns>(static_cast<double>(spread_) * share_of_pair(seed_, from, to));
  if (jitter_ > 0)
    result += static_cast<monotonic_ns>(random_.below(static_cast<std::uint64_t>(jitter_) + 1));
  return result;
}

std::vector<std::shared_ptr<sim_connection>> sim_network::open_between(const ip_address& a,
                                                                       const ip_address& b) {
  std::vector<std::shared_ptr<sim_connection>> result;
  const auto other = index_of(b);
  for (const auto& [_, x] : hosts_[index_of(a)]->open)
    if (x->other_host() == other && x->up())
      result.push_back(x->shared_from_this());
  return result;
}

}  // namespace sim
