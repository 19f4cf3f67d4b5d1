#pragma once

// For the tests of the Asio transport: handlers that write down what they are told, and a peer of
// plain blocking sockets. Nothing sleeps: everything waits for an event, with a deadline far beyond
// need.

#include "net/asio_transport.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace net_test {

using namespace timenode;
using namespace std::chrono_literals;

/// Passed only by a test that fails; sanitizers on a loaded machine are slow.
inline constexpr auto deadline = 60s;

inline std::string ping_line(std::uint64_t nonce) {
  return "{\"Ping\":{\"nonce\":" + std::to_string(nonce) + ",\"timestamp\":1764550000}}\n";
}

inline net::shared_buffer buffer(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

/// Facts that threads add to and the test waits for.
template <class Facts>
class watched {
 public:
  template <class F>
  void change(F f) {
    {
      std::lock_guard guard{mutex_};
      f(facts_);
    }
    changed_.notify_all();
  }

  /// False when it did not happen.
  template <class P>
  bool wait(P holds) {
    std::unique_lock guard{mutex_};
    return changed_.wait_for(guard, deadline, [&] { return holds(std::as_const(facts_)); });
  }

  Facts now() {
    std::lock_guard guard{mutex_};
    return facts_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Facts facts_;
};

/// What one connection's handler was told.
struct heard {
  std::vector<std::uint64_t> nonces;  ///< Of the pings.
  std::vector<std::string> malformed;
  std::size_t batches = 0;
  std::size_t lines = 0;
  std::size_t bytes = 0;
  std::size_t drained = 0;
  std::size_t connected = 0;
  endpoint local;
  std::vector<std::string> ends;  ///< Reasons of on_closed and on_failed; one when all is well.
  bool failed = false;
  bool destroyed = false;
  bool called_after_end = false;

  bool over() const { return !ends.empty() && destroyed; }
};

using watched_heard = watched<heard>;
using heard_ptr = std::shared_ptr<watched_heard>;

/// Writes down; `on_batch`, if any, runs for each batch before it is written down.
class recorder final : public net::connection_handler {
 public:
  using batch_function = std::function<void(const net::received_batch&)>;

  explicit recorder(heard_ptr x, batch_function on_batch = {})
      : heard_{std::move(x)}, on_batch_{std::move(on_batch)} {}
  ~recorder() override {
    heard_->change([](heard& x) { x.destroyed = true; });
  }

  void on_connected(const endpoint& local) override {
    note([&](heard& x) {
      ++x.connected;
      x.local = local;
    });
  }
  void on_failed(const std::string& reason) override {
    note([&](heard& x) {
      x.failed = true;
      x.ends.push_back(reason);
    });
  }
  void on_received(net::received_batch&& batch) override {
    if (on_batch_)
      on_batch_(batch);
    note([&](heard& x) {
      ++x.batches;
      x.lines += batch.lines.size();
      x.bytes += batch.bytes;
      for (const auto& line : batch.lines) {
        if (auto wrong = std::get_if<wire::malformed_line>(&line))
          x.malformed.push_back(wrong->reason);
        else if (auto message = std::get_if<wire::message>(&line))
          if (auto ping = std::get_if<wire::ping>(message))
            x.nonces.push_back(ping->nonce);
      }
    });
  }
  void on_drained() override {
    note([](heard& x) { ++x.drained; });
  }
  void on_closed(const std::string& reason) override {
    note([&](heard& x) { x.ends.push_back(reason); });
  }

 private:
  template <class F>
  void note(F f) {
    heard_->change([&](heard& x) {
      x.called_after_end = x.called_after_end || !x.ends.empty();
      f(x);
    });
  }

  heard_ptr heard_;
  batch_function on_batch_;
};

/// A connection and what its handler heard.
struct watched_link {
  net::connection_ptr connection;
  heard_ptr log = std::make_shared<watched_heard>();

  void start(recorder::batch_function on_batch = {}) {
    connection->start(std::make_unique<recorder>(log, std::move(on_batch)));
  }
  bool wait_lines(std::size_t n) {
    return log->wait([n](const heard& x) { return x.lines >= n; });
  }
  /// The reason why it ended, after its handler is gone.
  std::string wait_end() {
    if (!log->wait([](const heard& x) { return x.over(); }))
      return "did not end";
    auto x = log->now();
    CHECK(x.ends.size() == 1);
    CHECK_FALSE(x.called_after_end);
    return x.ends.front();
  }
};

/// What a listener was told.
struct arrivals {
  std::vector<std::pair<std::uint64_t, endpoint>> accepted;
  std::vector<std::string> errors;
  bool destroyed = false;
};

class arrival_recorder final : public net::listener_handler {
 public:
  explicit arrival_recorder(std::shared_ptr<watched<arrivals>> x) : arrivals_{std::move(x)} {}
  ~arrival_recorder() override {
    arrivals_->change([](arrivals& x) { x.destroyed = true; });
  }
  void on_accepted(std::uint64_t id, const endpoint& remote) override {
    arrivals_->change([&](arrivals& x) { x.accepted.emplace_back(id, remote); });
  }
  void on_accept_error(const std::string& reason) override {
    arrivals_->change([&](arrivals& x) { x.errors.push_back(reason); });
  }

 private:
  std::shared_ptr<watched<arrivals>> arrivals_;
};

inline ip_address ip(std::string_view text) {
  return ip_address::parse(text).value();
}

/// On a loaded machine a test may come late to take what was accepted. Only a test of just that sets
/// the time itself.
inline net::asio_transport_options patient(net::asio_transport_options x) {
  if (x.take_timeout == net::asio_transport_options{}.take_timeout)
    x.take_timeout = deadline;
  return x;
}

/// A transport that listens on a port of the system's choice.
struct server {
  explicit server(std::string_view address = "127.0.0.1", net::asio_transport_options options = {})
      : transport{patient(options)} {
    auto result =
        transport.listen({.ip = ip(address), .port = 0}, std::make_unique<arrival_recorder>(log));
    if (result)
      at = *result;
    else
      problem = result.error().reason;
  }

  /// The n-th that came, counted from 0, and where it came from.
  std::pair<watched_link, endpoint> take(std::size_t n = 0) {
    REQUIRE(log->wait([n](const arrivals& x) { return x.accepted.size() > n; }));
    auto [id, remote] = log->now().accepted[n];
    watched_link result{.connection = transport.take(id)};
    REQUIRE(result.connection);
    CHECK(result.connection->remote() == remote);
    return {std::move(result), remote};
  }

  std::shared_ptr<watched<arrivals>> log = std::make_shared<watched<arrivals>>();
  net::asio_transport transport;
  endpoint at;
  std::string problem;
};

/// The other side as anyone might write it: a blocking socket, with deadlines instead of hanging.
class plain_peer {
 public:
  explicit plain_peer(const endpoint& to, int receive_buffer = 0) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(fd_ >= 0);
    timeval limit{.tv_sec = deadline.count(), .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (receive_buffer != 0)
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(to.port);
    auto bytes = to.ip.v4_bytes();
    std::memcpy(&address.sin_addr, bytes.data(), bytes.size());
    REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  }
  plain_peer(plain_peer&& x) noexcept : fd_{std::exchange(x.fd_, -1)} {}
  ~plain_peer() { close(); }

  void write(std::string_view text) {
    while (!text.empty()) {
      auto n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      REQUIRE(n > 0);
      text.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  /// As much as the kernel takes at once, of at most `most` bytes of repetitions of `line`.
  std::size_t write_until_blocked(std::string_view line, std::size_t most) {
    std::string text;
    while (text.size() < (64u << 10))
      text += line;
    std::size_t total = 0;
    while (total < most) {
      auto n = ::send(fd_, text.data() + total % line.size(), text.size() - line.size(),
                      MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0) {
        REQUIRE(errno == EAGAIN);
        break;
      }
      total += static_cast<std::size_t>(n);
    }
    return total;
  }

  /// One read; empty at the end of the stream.
  std::string read() {
    char bytes[65536];
    auto n = ::recv(fd_, bytes, sizeof(bytes), 0);
    if (n < 0) {
      error_ = errno;
      return {};
    }
    return {bytes, static_cast<std::size_t>(n)};
  }

  /// All until the other side closes, or fails: see `error`.
  std::string read_all() {
    std::string result;
    for (auto piece = read(); !piece.empty(); piece = read())
      result += piece;
    return result;
  }

  std::string read_at_least(std::size_t n) {
    std::string result;
    while (result.size() < n) {
      auto piece = read();
      REQUIRE_FALSE(piece.empty());
      result += piece;
    }
    return result;
  }

  void shut_sending() { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0)
      ::close(std::exchange(fd_, -1));
  }
  void reset() {
    linger value{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &value, sizeof(value));
    close();
  }
  int error() const { return error_; }
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
  int error_ = 0;
};

}  // namespace net_test
