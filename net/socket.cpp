#include "net/socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace timenode::net {

namespace {

/// Protocol page, section 5: TCP keepalive after 30 s of silence, every 10 s.
constexpr int keepalive_idle_seconds = 30;
constexpr int keepalive_interval_seconds = 10;
/// Our own pings find a dead peer after 90 s; the kernel should not be slower: 30 s + 6 x 10 s.
constexpr int keepalive_probes = 6;
/// The same for what was sent and is not acknowledged, on which there is no keepalive. A peer whose bytes come while ours
/// are lost seems to live by his pings; the kernel by itself sends ours again after up to 120 s each time, for a quarter of
/// an hour (tcp(7), tcp_retries2), so that the connection is of no use for two minutes after the way is free.
constexpr int unacknowledged_milliseconds = 90'000;

/// A socket address of either family, in the form that the kernel takes.
struct socket_address {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
};

socket_address to_address(const endpoint& x) noexcept {
  socket_address result;
  if (x.ip.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(x.port);
    auto bytes = x.ip.v4_bytes();
    std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
    std::memcpy(&result.storage, &v4, sizeof(v4));
    result.size = sizeof(v4);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(x.port);
    auto bytes = x.ip.v6_bytes();
    std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
    std::memcpy(&result.storage, &v6, sizeof(v6));
    result.size = sizeof(v6);
  }
  return result;
}

endpoint to_endpoint(const socket_address& x) noexcept {
  endpoint result;
  if (x.storage.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &x.storage, sizeof(v4));
    std::array<std::uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    result = {.ip = ip_address::from_v4(bytes), .port = ntohs(v4.sin_port)};
  } else if (x.storage.ss_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &x.storage, sizeof(v6));
    std::array<std::uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    result = {.ip = ip_address::from_v6(bytes), .port = ntohs(v6.sin6_port)};
  }
  return result;
}

/// Sets an option. Failure is ignored: each of them makes a connection better, none is needed for
/// it.
void set_option(int fd, int level, int name, int value) noexcept {
  ::setsockopt(fd, level, name, &value, sizeof(value));
}

void set_connection_options(int fd) noexcept {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, keepalive_idle_seconds);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, keepalive_interval_seconds);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, keepalive_probes);
  set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, unacknowledged_milliseconds);
}

unique_fd open_socket(const ip_address& family) noexcept {
  return unique_fd{::socket(family.is_v4() ? AF_INET : AF_INET6,
                            SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP)};
}

std::string explain_bind(int error) {
  return error == EADDRNOTAVAIL ? "no interface of this machine has that address"
                                : explain_errno(error);
}

}  // namespace

unique_fd& unique_fd::operator=(unique_fd&& other) noexcept {
  unique_fd old{std::exchange(fd_, other.release())};
  return *this;
}

unique_fd::~unique_fd() {
  if (fd_ >= 0)
    ::close(fd_);
}

int unique_fd::release() noexcept {
  return std::exchange(fd_, -1);
}

std::string explain_errno(int error) {
  switch (error) {
  case ECONNREFUSED:
    return "connection refused";
  case ECONNRESET:
    return "connection reset";
  case ECONNABORTED:
    return "connection aborted";
  case EPIPE:
    return "closed by the peer";
  case ETIMEDOUT:
    return "timed out: the other host does not answer";
  case ENETUNREACH:
    return "network unreachable";
  case EHOSTUNREACH:
    return "host unreachable";
  case ENETDOWN:
    return "network is down";
  case EADDRNOTAVAIL:
    return "no local address or port is free for it";
  case EACCES:
  case EPERM:
    return "not permitted by this machine (firewall, or a port below 1024)";
  case EAFNOSUPPORT:
    return "this machine has no such address family (is IPv6 switched off?)";
  case EMFILE:
    return "too many open files in this process: raise its limit (ulimit -n, LimitNOFILE=)";
  case ENFILE:
    return "too many open files on this machine: raise fs.file-max";
  default:
    return std::generic_category().message(error);
  }
}

outcome<unique_fd> start_connect(const endpoint& to, const std::optional<ip_address>& from) {
  auto fd = open_socket(to.ip);
  if (!fd)
    return fail(explain_errno(errno));
  set_connection_options(fd.get());
  if (from && !from->is_unspecified()) {
    if (from->is_v4() != to.ip.is_v4())
      return fail("cannot bind to " + from->to_string() + ": the peer is " +
                  (to.ip.is_v4() ? "IPv4" : "IPv6"));
    // The port is chosen at connect, so that one local address can have more than 28,000
    // connections to different peers; reuse lets it be one that a closed connection still occupies.
    set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    set_option(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    auto address = to_address({.ip = *from, .port = 0});
    if (::bind(fd.get(), address.get(), address.size) != 0)
      return fail("cannot bind to " + from->to_string() + ": " + explain_bind(errno));
  }
  auto address = to_address(to);
  if (::connect(fd.get(), address.get(), address.size) != 0 && errno != EINPROGRESS)
    return fail(explain_errno(errno));
  return fd;
}

outcome<unique_fd> open_listener(const endpoint& at) {
  auto where = [&] { return "cannot listen on " + at.to_string() + ": "; };
  auto fd = open_socket(at.ip);
  if (!fd)
    return fail(where() + explain_errno(errno));
  // A restart must not wait for the old connections' TIME_WAIT to pass.
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (!at.ip.is_v4())
    set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, at.ip.is_unspecified() ? 0 : 1);
  auto address = to_address(at);
  if (::bind(fd.get(), address.get(), address.size) != 0 || ::listen(fd.get(), SOMAXCONN) != 0) {
    if (errno == EADDRINUSE)
      return fail("port " + std::to_string(at.port) + " on " + at.ip.to_string() +
                  " is in use by another program: stop it or choose another with --listen");
    return fail(where() + explain_bind(errno));
  }
  return fd;
}

accepted_socket accept_one(int listener) noexcept {
  socket_address from;
  accepted_socket result;
  result.fd = unique_fd{::accept4(listener, from.get(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (!result.fd) {
    result.error = errno;
    return result;
  }
  set_connection_options(result.fd.get());
  result.remote = to_endpoint(from);
  return result;
}

endpoint local_endpoint(int fd) noexcept {
  socket_address address;
  if (::getsockname(fd, address.get(), &address.size) != 0)
    return {};
  return to_endpoint(address);
}

endpoint remote_endpoint(int fd) noexcept {
  socket_address address;
  if (::getpeername(fd, address.get(), &address.size) != 0)
    return {};
  return to_endpoint(address);
}

int pending_error(int fd) noexcept {
  int result = 0;
  socklen_t size = sizeof(result);
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &size) != 0)
    return errno;
  return result;
}

void close_by_reset(int fd) noexcept {
  linger value{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, sizeof(value));
}

}  // namespace timenode::net
