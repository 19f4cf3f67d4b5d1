#include "tests/sim/plain_peer.hpp"

#include "messages/wire_codec.hpp"
#include "tests/sim/sim_connection.hpp"
#include "tests/sim/sim_node.hpp"

#include <utility>

namespace sim {

using namespace timenode;

class plain_peer::listener final : public net::listener_handler {
 public:
  explicit listener(plain_peer& owner) : owner_{owner} {}
  void on_accepted(std::uint64_t id, const endpoint& remote) override {
    auto& x = owner_.add(owner_.transport_->take(id), remote.ip, false);
    x.up = true;
    owner_.on_up(x);
  }
  void on_accept_error(const std::string&) override {}

 private:
  plain_peer& owner_;
};

class plain_peer::handler final : public net::connection_handler {
 public:
  handler(plain_peer& owner, std::uint64_t number) : owner_{owner}, number_{number} {}

  void on_connected(const endpoint&) override {
    if (auto* x = owner_.find(number_)) {
      x->up = true;
      x->heard = owner_.now();
      owner_.on_up(*x);
    }
  }
  void on_failed(const std::string& reason) override { down(reason); }
  void on_closed(const std::string& reason) override { down(reason); }
  void on_drained() override {}
  void on_received(net::received_batch&& batch) override {
    auto* x = owner_.find(number_);
    if (!x || !owner_.reads(*x))
      return;  // without the credit back, the network stops to hand over
    x->heard = owner_.now();
    for (const auto& line : batch.lines) {
      owner_.on_line(*x, line);
      if (x = owner_.find(number_); !x)
        return;
    }
    x->link->grant(batch.lines.size(), batch.bytes);
  }

 private:
  void down(const std::string& reason) {
    auto node = owner_.sessions_.extract(number_);
    if (node)
      owner_.on_down(node.mapped(), reason);
  }

  plain_peer& owner_;
  std::uint64_t number_;
};

plain_peer::plain_peer(sim_network& network, const ip_address& ip, std::uint64_t seed)
    : network_{network}, ip_{ip}, random_{seed} {
  network_.index_of(ip);
}

plain_peer::~plain_peer() {
  *alive_ = false;
  stop();
}

void plain_peer::start() {
  ++run_;
  transport_ = network_.make_transport(ip_);
  static_cast<void>(transport_->listen({ip_, p2p_port}, std::make_unique<listener>(*this)));
  on_start();
}

void plain_peer::stop(bool power) {
  if (!transport_)
    return;
  ++run_;
  if (power)
    network_.cut_power(ip_);
  else
    network_.end_process(ip_);
  sessions_.clear();
  transport_.reset();
  if (*alive_)
    on_stop();
}

plain_peer::session& plain_peer::add(net::connection_ptr link, const ip_address& remote,
                                     bool dialed) {
  const auto number = ++last_number_;
  auto& x = sessions_[number];
  x.number = number;
  x.remote = remote;
  x.dialed = dialed;
  x.since = x.heard = now();
  x.record = static_cast<const sim_connection&>(*link).record();
  x.link = std::move(link);
  x.link->start(std::make_unique<handler>(*this, number));
  return x;
}

plain_peer::session& plain_peer::dial(const endpoint& to) {
  return add(transport_->dial(to, ip_), to.ip, true);
}

void plain_peer::send(session& to, const wire::message& x) {
  to.link->send(wire::encode_shared(x));
}

void plain_peer::send_bytes(session& to, std::string bytes) {
  to.link->send(std::make_shared<const std::string>(std::move(bytes)));
}

void plain_peer::close(std::uint64_t number, const std::string& reason) {
  auto node = sessions_.extract(number);
  if (!node)
    return;
  node.mapped().link->close(reason);
  on_down(node.mapped(), reason);
}

void plain_peer::after(monotonic_ns delay, std::function<void()> run) {
  network_.after(delay, [this, alive = alive_, turn = run_, run = std::move(run)] {
    if (*alive && turn == run_)
      run();
  });
}

plain_peer::session* plain_peer::find(std::uint64_t number) {
  const auto i = sessions_.find(number);
  return i == sessions_.end() ? nullptr : &i->second;
}

}  // namespace sim
