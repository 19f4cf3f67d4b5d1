#include "app/service_manager.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

using timenode::app::service_manager;

namespace {

/// A socket as systemd has it, in the abstract space or as a file.
class manager_socket {
 public:
  explicit manager_socket(const std::string& name) : fd_{::socket(AF_UNIX, SOCK_DGRAM, 0)} {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, name.data(), name.size());
    if (name.front() == '@')
      at.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&at), length) == 0);
    timeval deadline{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~manager_socket() {
    ::unsetenv("NOTIFY_SOCKET");
    ::close(fd_);
  }
  manager_socket(const manager_socket&) = delete;
  manager_socket& operator=(const manager_socket&) = delete;

  std::string receive() const {
    std::array<char, 4096> buffer{};
    const auto bytes = ::recv(fd_, buffer.data(), buffer.size(), 0);
    REQUIRE(bytes > 0);
    return {buffer.data(), static_cast<std::size_t>(bytes)};
  }

 private:
  int fd_;
};

std::string unique_name() {
  return "timenode-notify-" + std::to_string(::getpid());
}

void speak(const manager_socket& socket) {
  const service_manager manager;
  CHECK(manager.is_there());
  manager.ready("height\n7");
  CHECK(socket.receive() == "READY=1\nSTATUS=height 7");
  manager.status("in sync");
  CHECK(socket.receive() == "STATUS=in sync");
  manager.alive();
  CHECK(socket.receive() == "WATCHDOG=1");
  manager.reloading();
  CHECK(socket.receive().starts_with("RELOADING=1\nMONOTONIC_USEC="));
  manager.stopping();
  CHECK(socket.receive() == "STOPPING=1\nSTATUS=stopping");
}

}  // namespace

TEST_CASE("service manager: what happens is told in systemd's words") {
  speak(manager_socket{"@" + unique_name()});
  const auto file = "/tmp/" + unique_name();
  speak(manager_socket{file});
  ::unlink(file.c_str());
}

TEST_CASE("service manager: without one, nothing is told and nothing fails") {
  ::unsetenv("NOTIFY_SOCKET");
  const service_manager none;
  CHECK_FALSE(none.is_there());
  none.ready("x");
  none.alive();
  for (const auto* name : {"", "relative", "/no/such/socket"}) {
    CAPTURE(name);
    ::setenv("NOTIFY_SOCKET", name, 1);
    const service_manager wrong;
    CHECK_FALSE(wrong.is_there());
    wrong.ready("x");
  }
  ::setenv("NOTIFY_SOCKET", ("/" + std::string(200, 'x')).c_str(), 1);
  CHECK_FALSE(service_manager{}.is_there());
  ::unsetenv("NOTIFY_SOCKET");
}

TEST_CASE("service manager: one that does not read blocks nobody") {
  const manager_socket socket{"@" + unique_name()};
  const service_manager manager;
  for (int i = 0; i < 100'000; ++i)
    manager.alive();
  CHECK(socket.receive() == "WATCHDOG=1");
}
