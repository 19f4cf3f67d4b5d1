#include "tests/bench/running_node.hpp"

#include "tests/bench/bench.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

extern char** environ;

namespace bench {

namespace {

constexpr std::uint16_t peer_port = 24100;
constexpr std::uint16_t rpc_port = 24101;
constexpr double patience = 10;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error{errno, std::generic_category(), what};
}

sockaddr_in address(const std::string& ip, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  if (inet_pton(AF_INET, ip.c_str(), &result.sin_addr) != 1)
    fail("not an address: " + ip);
  return result;
}

int try_dial(const std::string& own_ip, const std::string& ip, std::uint16_t port) {
  const int result = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (result < 0)
    fail("socket");
  const auto from = address(own_ip, 0);
  const auto to = address(ip, port);
  if (bind(result, reinterpret_cast<const sockaddr*>(&from), sizeof(from)) == 0 &&
      connect(result, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0) {
    const int on = 1;
    setsockopt(result, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return result;
  }
  close(result);
  return -1;
}

int dial(const std::string& own_ip, const std::string& ip, std::uint16_t port) {
  for (const auto begin = clock::now();;) {
    if (const int x = try_dial(own_ip, ip, port); x >= 0)
      return x;
    if (seconds_since(begin) > patience)
      fail("nobody listens on " + ip + ":" + std::to_string(port));
    poll(nullptr, 0, 10);
  }
}

pid_t spawn(const std::vector<std::string>& command) {
  std::vector<char*> words;
  for (const auto& x : command)
    words.push_back(const_cast<char*>(x.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t result = 0;
  const int error = posix_spawn(&result, words[0], &files, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0)
    throw std::system_error{error, std::generic_category(), command[0]};
  return result;
}

}  // namespace

tcp_stream::tcp_stream(const std::string& own_ip, const std::string& ip, std::uint16_t port)
    : socket_{dial(own_ip, ip, port)} {}

tcp_stream::~tcp_stream() {
  close(socket_);
}

void tcp_stream::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0)
      fail("write");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::size_t tcp_stream::read(char* to, std::size_t size) {
  const auto came = ::recv(socket_, to, size, 0);
  if (came < 0)
    fail("read");
  return static_cast<std::size_t>(came);
}

std::string_view tcp_stream::line() {
  for (auto from = begin_;;) {
    if (const auto end = rest_.find('\n', from); end != std::string::npos) {
      last_.assign(rest_, begin_, end - begin_);
      begin_ = end + 1;
      return last_;
    }
    rest_.erase(0, std::exchange(begin_, 0));
    from = rest_.size();
    constexpr std::size_t chunk = 1u << 16;
    rest_.resize(from + chunk);
    const auto came = read(rest_.data() + from, chunk);
    rest_.resize(from + came);
    if (came == 0)
      throw std::runtime_error{"the node closed the connection"};
  }
}

void tcp_stream::skip(std::size_t bytes) {
  const auto here = std::min(bytes, rest_.size() - begin_);
  begin_ += here;
  bytes -= here;
  std::vector<char> buffer(1u << 18);
  while (bytes > 0) {
    const auto came = read(buffer.data(), std::min(bytes, buffer.size()));
    if (came == 0)
      throw std::runtime_error{"the other side closed the connection"};
    bytes -= came;
  }
}

loopback::loopback() {
  const tcp_stream listener{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  auto at = address("127.0.0.1", 0);
  socklen_t size = sizeof(at);
  if (bind(listener.number(), reinterpret_cast<sockaddr*>(&at), sizeof(at)) != 0 ||
      listen(listener.number(), 1) != 0 ||
      getsockname(listener.number(), reinterpret_cast<sockaddr*>(&at), &size) != 0)
    fail("a socket that listens on 127.0.0.1");
  here_ = std::make_unique<tcp_stream>("127.0.0.1", "127.0.0.1", ntohs(at.sin_port));
  there_ = std::make_unique<tcp_stream>(accept(listener.number(), nullptr, nullptr));
}

void run_program(const std::vector<std::string>& command) {
  int status = 0;
  if (waitpid(spawn(command), &status, 0) < 0 || status != 0)
    throw std::runtime_error{command[0] + " " + command[1] + " failed"};
}

running_node::running_node(const std::string& program, std::string ip,
                           const std::filesystem::path& directory,
                           const std::vector<std::string>& peers)
    : ip_{std::move(ip)} {
  std::filesystem::create_directories(directory);
  const auto config = directory / "config.toml";
  std::ofstream{config} << "[metrics]\nenabled = false\n";
  std::vector<std::string> command{program,      "run",
                                   "--config",   config.string(),
                                   "--network",  "testnet",
                                   "--listen",   ip_ + ":" + std::to_string(peer_port),
                                   "--rpc",      ip_ + ":" + std::to_string(rpc_port),
                                   "--data-dir", (directory / "data").string()};
  for (const auto& x : peers) {
    command.emplace_back("--peer");
    command.push_back(x);
  }
  pid_ = spawn(command);
}

running_node::~running_node() {
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
}

std::uint64_t running_node::height() const {
  tcp_stream x{ip_, ip_, rpc_port};
  const std::string_view body = R"({"jsonrpc":"2.0","id":1,"method":"getblockcount"})";
  x.write("POST / HTTP/1.1\r\nHost: " + ip_ +
          "\r\nConnection: close\r\nContent-Type: application/json\r\n"
          "Content-Length: " +
          std::to_string(body.size()) + "\r\n\r\n" + std::string{body});
  std::string answer;
  char buffer[4096];
  while (const auto came = x.read(buffer, sizeof(buffer)))
    answer.append(buffer, came);
  constexpr std::string_view key = "\"result\":";
  const auto at = answer.find(key);
  if (at == std::string::npos)
    throw std::runtime_error{"no height in: " + answer};
  return std::stoull(answer.substr(at + key.size()));
}

void running_node::wait_ready() const {
  tcp_stream{ip_, ip_, peer_port};
}

std::size_t running_node::memory() const {
  std::ifstream in{"/proc/" + std::to_string(pid_) + "/statm"};
  std::size_t all = 0;
  std::size_t resident = 0;
  in >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

void shake_hands(tcp_stream& with) {
  with.write(
      "{\"Handshake\":{\"magic\":[84,73,77,69],\"protocol_version\":1,\"network\":\"Testnet\"}}\n");
  while (with.line().find("\"Ack\"") == std::string_view::npos) {
  }
}

}  // namespace bench
