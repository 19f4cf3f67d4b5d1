#include "app/service_manager.hpp"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <system_error>

namespace timenode::app {

namespace {

/// What a newline in it would begin: another variable.
std::string one_line(std::string_view text) {
  std::string result{text};
  std::replace(result.begin(), result.end(), '\n', ' ');
  return result;
}

/// Microseconds of the monotonic clock, which RELOADING=1 must come with.
std::string monotonic_microseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::to_string(static_cast<long long>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000);
}

}  // namespace

service_manager::service_manager() {
  const char* path = std::getenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe)
  if (path == nullptr || *path == '\0')
    return;
  const std::string_view name{path};
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  // A name that begins with "@" is one in the abstract space, which begins with a zero byte.
  const auto is_abstract = name.front() == '@';
  if ((!is_abstract && name.front() != '/') || name.size() >= sizeof(to.sun_path)) {
    spdlog::warn(
        "NOTIFY_SOCKET={} is no path of a socket: the service manager is not told how this "
        "node is doing",
        name);
    return;
  }
  std::copy(name.begin(), name.end(), to.sun_path);
  if (is_abstract)
    to.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ >= 0 && ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), length) == 0)
    return;
  spdlog::warn("cannot reach the service manager at {}: {}", name,
               std::generic_category().message(errno));
  if (fd_ >= 0)
    ::close(fd_);
  fd_ = -1;
}

service_manager::~service_manager() {
  if (fd_ >= 0)
    ::close(fd_);
}

void service_manager::ready(std::string_view status) const noexcept {
  send("READY=1\nSTATUS=" + one_line(status));
}

void service_manager::status(std::string_view text) const noexcept {
  send("STATUS=" + one_line(text));
}

void service_manager::alive() const noexcept {
  send("WATCHDOG=1");
}

void service_manager::reloading() const noexcept {
  send("RELOADING=1\nMONOTONIC_USEC=" + monotonic_microseconds());
}

void service_manager::stopping() const noexcept {
  send("STOPPING=1\nSTATUS=stopping");
}

void service_manager::send(const std::string& text) const noexcept {
  if (fd_ >= 0)
    ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace timenode::app
