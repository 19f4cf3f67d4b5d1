#pragma once

// Tells systemd how the service is doing, by its notification protocol: a datagram of "NAME=VALUE"
// lines to the socket that the environment variable NOTIFY_SOCKET names. Without that variable, all
// of this does nothing.

#include <string>
#include <string_view>

namespace timenode::app {

class service_manager {
 public:
  /// Reads the environment. Call before the first thread starts.
  service_manager();
  ~service_manager();
  service_manager(const service_manager&) = delete;
  service_manager& operator=(const service_manager&) = delete;

  /// Whether anybody listens.
  bool is_there() const noexcept { return fd_ >= 0; }

  // Thread-safe, and they never block: what the manager does not take is lost.

  /// Peers can connect and the chain is open; `status` is one line for `systemctl status`.
  void ready(std::string_view status) const noexcept;
  /// The line for `systemctl status`.
  void status(std::string_view text) const noexcept;
  /// Every actor answers: the time until the watchdog bites begins anew.
  void alive() const noexcept;
  /// The configuration is read again; `ready` says when that is done.
  void reloading() const noexcept;
  void stopping() const noexcept;

 private:
  void send(const std::string& text) const noexcept;

  int fd_ = -1;  ///< Connected to the manager's socket; -1: there is none.
};

}  // namespace timenode::app
