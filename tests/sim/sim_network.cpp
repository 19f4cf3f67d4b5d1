#include "tests/sim/sim_network.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <utility>

namespace sim {

using namespace timenode;
using net::connection_handler;

/// One end of a connection. The two ends know each other while both live.
class sim_connection final : public net::connection,
                             public std::enable_shared_from_this<sim_connection> {
public:
  sim_connection(sim_network& network, ip_address host, endpoint remote, bool accepted)
    : network_{&network}, host_{host}, remote_{remote}, accepted_{accepted},
      framer_{accepted ? net::greeting_bytes : wire::max_line_bytes} {
    network.connections_.insert(this);
  }

  ~sim_connection() override {
    if (network_)
      network_->connections_.erase(this);
  }

  endpoint remote() const override { return remote_; }

  void start(std::unique_ptr<connection_handler> handler) override {
    if (ended_)
      return;
    handler_ = std::move(handler);
    if (!accepted_)
      dial();
    else
      read();
  }

  void open_up() override {
    framer_.limit(wire::max_line_bytes);
    opened_ = true;
    read();
  }

  void send(net::shared_buffer bytes) override {
    if (ended_ || closing_ || !up_)
      return;
    const auto being_sent = queue_.empty() ? 0 : queue_.front()->size();
    if (queued_ >= net::max_send_queue_bytes + being_sent) {
      fail(std::string{net::reason_send_overflow}, true);
      return;
    }
    queued_ += bytes->size();
    above_ = above_ || queued_ > net::send_low_water_bytes;
    queue_.push_back(std::move(bytes));
    pump();
  }

  void grant(std::size_t messages, std::size_t bytes) override {
    held_messages_ -= std::min(held_messages_, messages);
    held_bytes_ -= std::min(held_bytes_, bytes);
    read();
  }

  void close(const std::string& reason) override {
    if (ended_ || std::exchange(closing_, true))
      return;
    // What is queued still goes out; then the other side sees the end. Our own end is told at once.
    if (auto other = peer_.lock(); other && up_)
      network_->after(network_->delay(), [other, reason] { other->end_of_stream(); });
    network_->after(0, [self = shared_from_this(), reason] {
      self->fail("closed by us: " + reason, false);
    });
  }

  net::connection_stats stats() const override {
    return {sent_, received_, queued_, held_messages_ >= net::read_credit_messages
                                         || held_bytes_ >= net::read_credit_bytes};
  }

  // -- used by the network --

  const ip_address& host() const noexcept { return host_; }
  bool up() const noexcept { return up_ && !ended_ && !closing_; }
  std::shared_ptr<sim_connection> peer() const { return peer_.lock(); }

  static void pair(const std::shared_ptr<sim_connection>& a,
                   const std::shared_ptr<sim_connection>& b) {
    a->peer_ = b;
    b->peer_ = a;
    a->up_ = b->up_ = true;
  }

  /// Ends with an error; the other side is told by a reset if `reset_peer`.
  void fail(const std::string& reason, bool reset_peer) {
    if (std::exchange(ended_, true))
      return;
    if (auto other = peer_.lock(); other && reset_peer)
      network_->after(network_->delay(), [other] { other->fail("connection reset", false); });
    const auto was_up = std::exchange(up_, false);
    queue_.clear();
    if (auto handler = std::move(handler_)) {
      if (was_up || accepted_)
        handler->on_closed(reason);
      else
        handler->on_failed(reason);
    }
  }

  /// The host is gone: nobody is told, on either side.
  void vanish() {
    ended_ = true;
    up_ = false;
    handler_.reset();
  }

  void orphan() { network_ = nullptr; }

private:
  friend class sim_transport;

  void dial();

  void end_of_stream() {
    if (ended_)
      return;
    if (!inbox_.empty()) { // what came before the end is read first
      ended_after_inbox_ = true;
      return;
    }
    fail(std::string{net::reason_closed_by_peer}, false);
  }

  /// Puts queued bytes on the way, as far as the window goes.
  void pump() {
    while (!queue_.empty() && in_flight_ < window_bytes) {
      auto bytes = std::move(queue_.front());
      queue_.pop_front();
      in_flight_ += bytes->size();
      deliver(std::move(bytes), 0);
    }
  }

  void deliver(net::shared_buffer bytes, monotonic_ns waited) {
    auto delay = network_->delay();
    // Streams keep their order whatever the jitter.
    const auto now = network_->now_();
    arrives_ = std::max(arrives_, now + delay);
    network_->after(arrives_ - now, [self = shared_from_this(), bytes = std::move(bytes), waited]() mutable {
      if (self->ended_)
        return;
      auto other = self->peer_.lock();
      if (!other || other->ended_) {
        // The host answers with a reset unless it is gone for good.
        if (self->network_->hosts_.contains(self->remote_.ip))
          self->fail("connection reset", false);
        else
          self->stall(std::move(bytes), waited);
        return;
      }
      if (self->network_->blocked(self->host_, self->remote_.ip)) {
        self->stall(std::move(bytes), waited);
        return;
      }
      self->in_flight_ -= bytes->size();
      self->queued_ -= bytes->size();
      self->sent_ += bytes->size();
      if (self->above_ && self->queued_ < net::send_low_water_bytes) {
        self->above_ = false;
        if (self->handler_)
          self->handler_->on_drained();
      }
      other->inbox_.push_back(std::move(bytes));
      other->read();
      self->pump();
    });
  }

  /// TCP sends again until it gives up.
  void stall(net::shared_buffer bytes, monotonic_ns waited) {
    constexpr monotonic_ns again = second;
    if (waited >= stack_gives_up_after) {
      fail("connection timed out", false);
      return;
    }
    network_->after(again, [self = shared_from_this(), bytes = std::move(bytes), waited]() mutable {
      if (!self->ended_)
        self->deliver(std::move(bytes), waited + again);
    });
  }

  void read() {
    while (handler_ && !ended_ && !inbox_.empty() && held_messages_ < net::read_credit_messages
           && held_bytes_ < net::read_credit_bytes && (opened_ || !accepted_ || !greeted_)) {
      const auto bytes = std::move(inbox_.front());
      inbox_.pop_front();
      received_ += bytes->size();
      std::string padded = *bytes;
      padded.append(wire::line_decoder::padding, '\0');
      framer_.feed(std::string_view{padded.data(), bytes->size()});
      net::received_batch batch;
      while (auto line = framer_.next())
        batch.lines.push_back(network_->decoder_.decode_padded(*line));
      if (framer_.faulted())
        batch.lines.push_back(wire::malformed_line{"line too long", framer_.evidence(), true});
      if (batch.lines.empty())
        continue;
      batch.bytes = bytes->size();
      greeted_ = true;
      held_messages_ += batch.lines.size();
      held_bytes_ += batch.bytes;
      handler_->on_received(std::move(batch));
    }
    if (ended_after_inbox_ && inbox_.empty())
      fail(std::string{net::reason_closed_by_peer}, false);
  }

  sim_network* network_;
  ip_address host_;
  endpoint remote_;
  bool accepted_;
  net::line_framer framer_;
  std::unique_ptr<connection_handler> handler_;
  std::weak_ptr<sim_connection> peer_;
  std::deque<net::shared_buffer> queue_;
  std::deque<net::shared_buffer> inbox_;
  std::size_t queued_ = 0;
  std::size_t in_flight_ = 0;
  std::size_t held_messages_ = 0;
  std::size_t held_bytes_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  monotonic_ns arrives_ = 0;
  bool up_ = false;
  bool closing_ = false;
  bool ended_ = false;
  bool above_ = false;
  bool opened_ = false;
  bool greeted_ = false;
  bool ended_after_inbox_ = false;
};

class sim_transport final : public net::transport {
public:
  sim_transport(sim_network& network, ip_address host) : network_{network}, host_{host} {
    network_.hosts_[host] = this;
  }

  ~sim_transport() override {
    if (network_.hosts_[host_] == this)
      network_.hosts_.erase(host_);
    for (auto* x : std::vector(network_.connections_.begin(), network_.connections_.end()))
      if (x->host() == host_ && x->up()) {
        auto other = x->peer();
        x->vanish();
        if (other)
          network_.after(network_.delay(), [other] { other->fail("connection reset", false); });
      }
  }

  outcome<endpoint> listen(const endpoint& at,
                           std::unique_ptr<net::listener_handler> handler) override {
    listener_ = std::move(handler);
    port_ = at.port;
    return endpoint{host_, at.port};
  }

  net::connection_ptr take(std::uint64_t id) override {
    const auto i = pending_.find(id);
    if (i == pending_.end())
      return nullptr;
    auto result = std::move(i->second);
    pending_.erase(i);
    return result;
  }

  net::connection_ptr dial(const endpoint& to, std::optional<ip_address>) override {
    return std::make_shared<sim_connection>(network_, host_, to, false);
  }

  void stop_listening() override { listener_.reset(); }

  std::size_t open_connections() const override {
    return static_cast<std::size_t>(std::ranges::count_if(
      network_.connections_, [this](const auto* x) { return x->host() == host_ && x->up(); }));
  }

  bool listens(std::uint16_t port) const noexcept { return listener_ && port == port_; }

  void accept(const std::shared_ptr<sim_connection>& x) {
    const auto id = ++last_id_;
    pending_.emplace(id, x);
    listener_->on_accepted(id, x->remote());
  }

private:
  sim_network& network_;
  ip_address host_;
  std::uint16_t port_ = 0;
  std::unique_ptr<net::listener_handler> listener_;
  std::map<std::uint64_t, net::connection_ptr> pending_;
  std::uint64_t last_id_ = 0;
};

void sim_connection::dial() {
  auto self = shared_from_this();
  network_->after(2 * network_->delay(), [self] {
    if (self->ended_)
      return;
    auto& network = *self->network_;
    const auto target = network.hosts_.find(self->remote_.ip);
    if (target == network.hosts_.end() || network.undialable_.contains(self->remote_.ip)
        || network.blocked(self->host_, self->remote_.ip)
        || network.blocked(self->remote_.ip, self->host_)) {
      network.after(std::chrono::nanoseconds{net::connect_timeout}.count(),
                    [self] { self->fail("timed out after 5 s", false); });
      return;
    }
    if (!target->second->listens(self->remote_.port)) {
      self->fail("connection refused", false);
      return;
    }
    // Some ephemeral port: it identifies nobody.
    const auto from = endpoint{self->host_, static_cast<std::uint16_t>(32768 + network.made_ % 28000)};
    auto other = std::make_shared<sim_connection>(network, self->remote_.ip, from, true);
    pair(self, other);
    ++network.made_;
    target->second->accept(other);
    if (self->handler_)
      self->handler_->on_connected(from);
  });
}

sim_network::sim_network(std::function<monotonic_ns()> now, std::uint64_t seed)
  : now_{std::move(now)}, random_{seed} {}

sim_network::~sim_network() {
  for (auto* x : connections_)
    x->orphan();
}

std::unique_ptr<net::transport> sim_network::make_transport(const ip_address& host) {
  return std::make_unique<sim_transport>(*this, host);
}

void sim_network::set_latency(monotonic_ns base, monotonic_ns jitter) {
  latency_ = base;
  jitter_ = jitter;
}

void sim_network::block(const ip_address& from, const ip_address& to, bool is_blocked) {
  if (is_blocked)
    blocked_.emplace(from, to);
  else
    blocked_.erase({from, to});
}

void sim_network::set_undialable(const ip_address& host, bool undialable) {
  if (undialable)
    undialable_.insert(host);
  else
    undialable_.erase(host);
}

void sim_network::cut_power(const ip_address& host) {
  for (auto* x : std::vector(connections_.begin(), connections_.end()))
    if (x->host() == host)
      x->vanish();
  hosts_.erase(host);
}

void sim_network::reset(const ip_address& a, const ip_address& b) {
  for (auto* x : std::vector(connections_.begin(), connections_.end()))
    if (x->up() && x->host() == a && x->remote().ip == b)
      after(0, [self = x->shared_from_this()] { self->fail("connection reset", true); });
}

std::optional<monotonic_ns> sim_network::next_event() const {
  return events_.empty() ? std::nullopt : std::optional{events_.top().at};
}

void sim_network::run_due() {
  while (!events_.empty() && events_.top().at <= now_()) {
    auto run = std::move(const_cast<event&>(events_.top()).run);
    events_.pop();
    run();
  }
}

std::map<std::pair<ip_address, ip_address>, std::size_t> sim_network::open_pairs() const {
  std::map<std::pair<ip_address, ip_address>, std::size_t> result;
  for (const auto* x : connections_)
    if (x->up())
      if (const auto other = x->peer(); other && other->up() && x->host() < other->host())
        ++result[{x->host(), other->host()}];
  return result;
}

void sim_network::after(monotonic_ns delay, std::function<void()> run) {
  events_.push({now_() + delay, order_++, std::move(run)});
}

monotonic_ns sim_network::delay() {
  return latency_ + static_cast<monotonic_ns>(random_.below(static_cast<std::uint64_t>(jitter_) + 1));
}

bool sim_network::blocked(const ip_address& from, const ip_address& to) const {
  return blocked_.contains({from, to});
}

} // namespace sim
