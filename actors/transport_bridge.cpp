#include "actors/transport_bridge.hpp"

#include <caf/send.hpp>
#include <spdlog/spdlog.h>

#include <utility>

namespace timenode {

namespace {

class connection_bridge final : public net::connection_handler {
 public:
  explicit connection_bridge(peer_connection_actor owner) : owner_{std::move(owner)} {}

  void on_connected(const endpoint& local) override {
    caf::anon_send(owner_, atom::connected_v, local);
  }
  void on_failed(const std::string& reason) override {
    caf::anon_send(owner_, atom::failed_v, reason);
  }
  void on_received(net::received_batch&& batch) override {
    caf::anon_send(owner_, std::move(batch));
  }
  void on_drained() override { caf::anon_send(owner_, atom::drained_v); }
  void on_closed(const std::string& reason) override {
    caf::anon_send(owner_, atom::closed_v, reason);
  }

 private:
  peer_connection_actor owner_;
};

class listener_bridge final : public net::listener_handler {
 public:
  explicit listener_bridge(connection_registry_actor registry) : registry_{std::move(registry)} {}

  void on_accepted(std::uint64_t id, const endpoint& remote) override {
    caf::anon_send(registry_, atom::accepted_v, id, remote);
  }
  void on_accept_error(const std::string& reason) override {
    spdlog::warn("net: cannot accept connections at the moment: {}", reason);
  }

 private:
  connection_registry_actor registry_;
};

}  // namespace

std::unique_ptr<net::connection_handler> make_connection_bridge(peer_connection_actor owner) {
  return std::make_unique<connection_bridge>(std::move(owner));
}

std::unique_ptr<net::listener_handler> make_listener_bridge(connection_registry_actor registry) {
  return std::make_unique<listener_bridge>(std::move(registry));
}

}  // namespace timenode
