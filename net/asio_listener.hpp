#pragma once

// Accepting connections. Private to net/asio_*.cpp.

#include "net/asio_engine.hpp"
#include "net/socket.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace timenode::net {

/// Accepts until it is stopped; survives every error. `start` and `stop` may be called from any
/// thread, the rest runs on the executor.
class asio_listener final : public std::enable_shared_from_this<asio_listener> {
 public:
  /// Takes a socket that listens. Throws boost::system::system_error when the kernel cannot watch
  /// it.
  asio_listener(std::shared_ptr<asio_engine> engine, unique_fd fd,
                std::unique_ptr<listener_handler> handler);

  void start();
  void stop();

 private:
  using clock = std::chrono::steady_clock;

  void post(void (asio_listener::*step)());
  void run(void (asio_listener::*step)()) noexcept;
  void wait();
  void accept_all();
  void welcome(accepted_socket x);
  void report_and_retry(const std::string& reason);
  void finish();

  std::shared_ptr<asio_engine> engine_;
  boost::asio::any_io_executor executor_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer retry_;
  std::chrono::milliseconds backoff_;
  clock::time_point last_report_ = clock::time_point::min();
  std::unique_ptr<listener_handler> handler_;  ///< Null once stopped.
};

}  // namespace timenode::net
