#pragma once

// Real nodes as processes, and sockets that talk to them.

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// A TCP connection, blocking, closed at its end. Throws when something fails or ends.
class tcp_stream {
 public:
  /// Dials from `own_ip`; waits up to ten seconds for somebody to listen.
  tcp_stream(const std::string& own_ip, const std::string& ip, std::uint16_t port);
  explicit tcp_stream(int socket) noexcept : socket_{socket} {}
  ~tcp_stream();
  tcp_stream(const tcp_stream&) = delete;
  tcp_stream& operator=(const tcp_stream&) = delete;

  int number() const noexcept { return socket_; }
  void write(std::string_view bytes);
  /// Bytes that came, up to `size`; 0 at the end of the stream.
  std::size_t read(char* to, std::size_t size);
  /// The next line without its newline; valid until the next call. Lines and `skip` do not mix with `read`.
  std::string_view line();
  /// Reads this many bytes and forgets them.
  void skip(std::size_t bytes);

 private:
  std::string rest_;
  std::size_t begin_ = 0;
  std::string last_;
  int socket_;
};

/// Both ends of a TCP connection over loopback.
class loopback {
 public:
  loopback();
  tcp_stream& here() noexcept { return *here_; }
  tcp_stream& there() noexcept { return *there_; }

 private:
  std::unique_ptr<tcp_stream> here_;
  std::unique_ptr<tcp_stream> there_;
};

/// Runs a command to its end; throws when it fails.
void run_program(const std::vector<std::string>& command);

/// A running node on a loopback address, testnet; SIGTERM at the end.
class running_node {
 public:
  running_node(const std::string& program, std::string ip, const std::filesystem::path& directory,
               const std::vector<std::string>& peers = {});
  ~running_node();
  running_node(const running_node&) = delete;
  running_node& operator=(const running_node&) = delete;

  const std::string& ip() const noexcept { return ip_; }
  /// By RPC. Throws when it is not there.
  std::uint64_t height() const;
  /// Waits until it listens for peers, at most ten seconds.
  void wait_ready() const;
  /// Resident memory in bytes.
  std::size_t memory() const;

 private:
  std::string ip_;
  pid_t pid_;
};

/// Introduces itself on a connection to a node's port for peers (24100), and reads up to its Ack.
void shake_hands(tcp_stream& with);

}  // namespace bench
