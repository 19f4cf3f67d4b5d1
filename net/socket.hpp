#pragma once

// Plain TCP sockets of the operating system: what Boost.Asio does not do the way we need it (closing
// on exec, binding without taking a port, errors in words).

#include "messages/ip_address.hpp"
#include "messages/outcome.hpp"

#include <optional>
#include <string>

namespace timenode::net {

/// A file descriptor that is closed with its owner.
class unique_fd {
 public:
  unique_fd() = default;
  explicit unique_fd(int fd) noexcept : fd_{fd} {}
  unique_fd(unique_fd&& other) noexcept : fd_{other.release()} {}
  unique_fd& operator=(unique_fd&& other) noexcept;
  ~unique_fd();

  int get() const noexcept { return fd_; }

  /// Gives the descriptor away.
  int release() noexcept;

  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// What an errno means for a connection, as the end of a sentence: "connection refused".
std::string explain_errno(int error);

/// A non-blocking socket that is connected, or about to be, to `to`; bound to `from` when given.
/// Everything is set: no delay, keepalive, how long sent bytes may wait for the peer's kernel, close-on-exec.
outcome<unique_fd> start_connect(const endpoint& to, const std::optional<ip_address>& from);

/// A non-blocking listening socket. The failure says what an operator can do.
outcome<unique_fd> open_listener(const endpoint& at);

/// Accepts one connection, ready for use; the errno when there is none.
struct accepted_socket {
  unique_fd fd;
  endpoint remote;
  int error = 0;
};
accepted_socket accept_one(int listener) noexcept;

/// Our end and the other end of a socket; 0.0.0.0:0 when it has none.
endpoint local_endpoint(int fd) noexcept;
endpoint remote_endpoint(int fd) noexcept;

/// The pending error of a socket, 0 for none.
int pending_error(int fd) noexcept;

/// Makes the coming close a reset: what is unsent is dropped instead of being kept by the kernel.
void close_by_reset(int fd) noexcept;

}  // namespace timenode::net
