#pragma once

// The transport of real sockets: Boost.Asio on a few threads of its own.

#include "net/line_budget.hpp"
#include "net/transport.hpp"

#include <chrono>
#include <cstddef>
#include <memory>

namespace timenode::net {

/// What can be set. The defaults are what a node runs with; tests shorten the times.
struct asio_transport_options {
  /// Threads that read, decode and write. One serves some 100,000 requests a second.
  std::size_t threads = 1;
  /// How long a connect may take.
  std::chrono::milliseconds connect_timeout = net::connect_timeout;
  /// How long an accepted connection waits for `take`.
  std::chrono::milliseconds take_timeout{5000};
  /// How long a connection that we close waits for the other side to close too. Until then what it
  /// still sends is read and dropped: closing at once would make the kernel answer with a reset,
  /// which can destroy our last lines on the way.
  std::chrono::milliseconds linger{1000};
  /// What the unfinished lines of all connections may take (net/line_budget.hpp).
  std::size_t max_unfinished_bytes = net::max_unfinished_bytes;
};

/// Connections over TCP. `open_connections` counts a socket from its accept (taken or not) or its
/// successful connect until it is closed; then `on_closed` follows. One that is closed before its
/// `start` (refused) counts no more from then on, though its socket lingers.
///
/// A connection whose last `connection_ptr` goes is closed. One that was closed before its `start`
/// destroys the handler given to `start` without calling it.
///
/// The destructor closes everything at once (each handler gets its last call) and joins the
/// threads; it must not run on one of them. Connections that outlive it do nothing any more.
class asio_transport final : public transport {
 public:
  /// Throws std::system_error when the system has no thread or descriptor for it.
  explicit asio_transport(const asio_transport_options& options = {});
  ~asio_transport() override;

  outcome<endpoint> listen(const endpoint& at, std::unique_ptr<listener_handler> handler) override;
  connection_ptr take(std::uint64_t id) override;
  connection_ptr dial(const endpoint& to, std::optional<ip_address> from) override;
  void stop_listening() override;
  std::size_t open_connections() const override;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace timenode::net
