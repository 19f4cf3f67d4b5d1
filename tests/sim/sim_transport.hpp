#pragma once

// The network card of one simulated host. For the simulated network alone.

#include "tests/sim/sim_connection.hpp"
#include "tests/sim/sim_network.hpp"

#include <map>
#include <memory>

namespace sim {

class sim_transport final : public timenode::net::transport {
 public:
  sim_transport(sim_network& network, host_index host);
  ~sim_transport() override;

  timenode::outcome<endpoint>
  listen(const endpoint& at, std::unique_ptr<timenode::net::listener_handler> handler) override;
  timenode::net::connection_ptr take(std::uint64_t id) override;
  timenode::net::connection_ptr dial(const endpoint& to, std::optional<ip_address> from) override;
  void stop_listening() override { listener_.reset(); }
  std::size_t open_connections() const override;

  bool listens(std::uint16_t port) const noexcept { return listener_ && port == port_; }
  void accept(const std::shared_ptr<sim_connection>& x);

 private:
  sim_network& network_;
  host_index host_;
  std::uint16_t port_ = 0;
  std::unique_ptr<timenode::net::listener_handler> listener_;
  std::map<std::uint64_t, timenode::net::connection_ptr> pending_;
  std::uint64_t last_id_ = 0;
};

}  // namespace sim
