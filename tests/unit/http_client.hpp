#pragma once

// A plain HTTP client for tests: bytes as they are, every wait with a deadline.

#include "messages/ip_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace rpc_test {

struct response {
  int status = 0;
  std::string head;
  std::map<std::string, std::string> headers;  ///< Names in lower case.
  std::string body;
};

class http_client {
 public:
  explicit http_client(const timenode::endpoint& to) : fd_{::socket(AF_INET, SOCK_STREAM, 0)} {
    // Far longer than any test waits: a failure, not a measure.
    timeval deadline{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof(deadline));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(to.port);
    const auto bytes = to.ip.v4_bytes();
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::uint8_t*>(&address.sin_addr));
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      ::close(fd_);
      throw std::runtime_error("cannot connect");
    }
  }
  ~http_client() { ::close(fd_); }
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;

  /// Sends as much as the other side takes.
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0)
        return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  /// Sends nothing more.
  void finish() { ::shutdown(fd_, SHUT_WR); }

  /// The next response, or none when the connection ended. Throws when nothing comes.
  std::optional<response> receive() {
    const auto end = read_until([this] { return received_.find("\r\n\r\n"); });
    if (end == std::string::npos)
      return std::nullopt;
    response result;
    result.head = received_.substr(0, end + 4);
    received_.erase(0, end + 4);
    read_head(result);
    const auto length = result.headers.contains("content-length")
                            ? std::stoul(result.headers["content-length"])
                            : 0;
    if (read_until([&] { return received_.size() >= length ? length : std::string::npos; }) ==
        std::string::npos)
      return std::nullopt;
    result.body = received_.substr(0, length);
    received_.erase(0, length);
    return result;
  }

  /// True when something came, or the end did, within that time.
  bool readable_within(int milliseconds) {
    pollfd wait{fd_, POLLIN, 0};
    return ::poll(&wait, 1, milliseconds) > 0;
  }

  /// True when the other side closed, without another byte.
  bool closed() { return received_.empty() && !read_more(); }

  /// A POST of `body` and its response.
  response post(const std::string& body, const std::string& headers = "") {
    send("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    return receive().value();
  }

 private:
  template <class F>
  std::size_t read_until(F where) {
    auto found = where();
    while (found == std::string::npos && read_more())
      found = where();
    return found;
  }

  bool read_more() {
    std::array<char, 65536> buffer;
    const auto bytes = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (bytes < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      throw std::runtime_error("nothing came");
    if (bytes <= 0)
      return false;
    received_.append(buffer.data(), static_cast<std::size_t>(bytes));
    return true;
  }

  static void read_head(response& out) {
    out.status = std::stoi(out.head.substr(9, 3));
    std::size_t line = out.head.find("\r\n") + 2;
    for (auto end = out.head.find("\r\n", line); end > line && end != std::string::npos;
         line = end + 2, end = out.head.find("\r\n", line)) {
      const auto colon = out.head.find(": ", line);
      auto name = out.head.substr(line, colon - line);
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      out.headers[name] = out.head.substr(colon + 2, end - colon - 2);
    }
  }

  int fd_;
  std::string received_;
};

}  // namespace rpc_test
