#pragma once

// The transport seam (architecture, section 4): what a connection can do, and what it tells. Two
// implementations: `asio_transport.hpp` (sockets) and the simulator's. Nothing above the seam knows
// which one it has.

#include "messages/ip_address.hpp"
#include "messages/wire_codec.hpp"
#include "net/buffer.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace timenode::net {

/// Reading goes on only while fewer than this many messages and bytes were delivered and not yet given
/// back by `grant` (architecture, section 3). One chunk may overshoot it.
inline constexpr std::size_t read_credit_messages = 256;
inline constexpr std::size_t read_credit_bytes = 1u << 20;
/// A connection whose queue holds this much when more is to be sent is closed: its peer does not read. The
/// message that is being written does not count: it alone may be of 8 MiB, and takes its time.
inline constexpr std::size_t max_send_queue_bytes = 4u << 20;
/// Below this, a connection that was above it tells `on_drained`.
inline constexpr std::size_t send_low_water_bytes = 1u << 20;
/// What a connection may send before its owner calls `open_up`: a handshake takes 80 bytes
/// (architecture, section 5).
inline constexpr std::size_t greeting_bytes = 1024;
/// How long a connect may take (architecture, section 5).
inline constexpr std::chrono::seconds connect_timeout{5};

/// The lines of one read, decoded, in order (messages/wire_codec.hpp).
using received_batch = wire::received_batch;

/// How `on_closed` tells these ends; every other reason is a failure of the network.
inline constexpr std::string_view reason_closed_by_peer = "closed by the peer";
inline constexpr std::string_view reason_send_overflow = "send queue overflow";
/// The unfinished lines of all peers took too much memory, and this one was the oldest (net/line_budget.hpp).
inline constexpr std::string_view reason_line_overflow = "its unfinished line made room";

/// Counters of one connection since it began; a copy, taken at one instant.
struct connection_stats {
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t send_queue_bytes = 0;
  bool reading_paused = false;  ///< No credit left: silence is our doing.
};

/// Told what happens on one connection. Called from the transport's threads, never concurrently for
/// one connection, never after `on_closed` or `on_failed`. Must not block and must not throw.
class connection_handler {
 public:
  virtual ~connection_handler() = default;
  /// A dial succeeded. `local` is our end. (Not called for accepted connections.)
  virtual void on_connected(const endpoint& local) = 0;
  /// A dial failed; the last call.
  virtual void on_failed(const std::string& reason) = 0;
  /// Lines came. Hand the batch's size back by `connection::grant` when they are handled.
  virtual void on_received(received_batch&& batch) = 0;
  /// The send queue fell below `send_low_water_bytes` after it had been above.
  virtual void on_drained() = 0;
  /// The socket is closed, by either side or by failure; the last call. Reads as the end of a sentence:
  /// "closed by the peer", "connection reset", "closed by us: duplicate".
  virtual void on_closed(const std::string& reason) = 0;
};

/// One connection. All functions may be called from any thread and return at once.
class connection {
 public:
  virtual ~connection() = default;
  /// Where the other end is: its IP, and the port of this connection (not the one it listens on).
  virtual endpoint remote() const = 0;
  /// Starts to read (accepted) or to dial. Call once.
  virtual void start(std::unique_ptr<connection_handler> handler) = 0;
  /// Lifts the limit of `greeting_bytes`: the handshake is done.
  virtual void open_up() = 0;
  /// Queues bytes. After `close` they are dropped. When the queue already holds
  /// `max_send_queue_bytes` the connection is closed with the reason "send queue overflow".
  virtual void send(shared_buffer bytes) = 0;
  /// Gives credit back: `messages` lines of `bytes` were handled.
  virtual void grant(std::size_t messages, std::size_t bytes) = 0;
  /// Sends what is queued as far as the socket takes it at once, then closes; `on_closed` follows,
  /// exactly once, also when called twice. Legal before `start`: nobody is told then.
  virtual void close(const std::string& reason) = 0;
  virtual connection_stats stats() const = 0;
};

using connection_ptr = std::shared_ptr<connection>;

/// Told of connections that others opened. Same rules as `connection_handler`.
class listener_handler {
 public:
  virtual ~listener_handler() = default;
  /// A connection was accepted and waits, unread, under `id` for `transport::take`. One that is not
  /// taken within 5 s is closed.
  virtual void on_accepted(std::uint64_t id, const endpoint& remote) = 0;
  /// Accepting failed (for example: too many open files); the transport goes on by itself.
  virtual void on_accept_error(const std::string& reason) = 0;
};

/// Makes connections.
class transport {
 public:
  virtual ~transport() = default;
  /// Begins to accept on `at` (port 0: any). Returns the address that it is bound to, or what is wrong
  /// ("port 24100 on 127.0.0.1 is in use: ...") . Call at most once.
  virtual outcome<endpoint> listen(const endpoint& at,
                                   std::unique_ptr<listener_handler> handler) = 0;
  /// Hands over an accepted connection, once. Null when it is gone.
  virtual connection_ptr take(std::uint64_t id) = 0;
  /// A connection to be dialed by its `start`, within `connect_timeout`. Bound to `from` when given:
  /// then the peer sees our own IP as the source.
  virtual connection_ptr dial(const endpoint& to, std::optional<ip_address> from) = 0;
  /// Stops to accept; existing connections live on. Idempotent.
  virtual void stop_listening() = 0;
  /// How many sockets of connections are open right now, both directions (invariant `one-truth`).
  virtual std::size_t open_connections() const = 0;
};

}  // namespace timenode::net
