#pragma once

// Runs one test case of this program in a process of its own, to be killed or to be given a world of its
// own. The case is marked doctest::skip(), so that it runs only here.

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

namespace timenode::test {

/// A child that runs a test case, with a pipe from its descriptor 3 to us. Killed at the end.
class child_process {
 public:
  /// `argument` reaches the test case as `child_argument()`.
  child_process(const std::string& test_case, const std::string& argument) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
      throw std::runtime_error{"no pipe can be made"};
    pipe_ = ends[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 3);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    const std::string filter = "--test-case=" + test_case;
    std::array<const char*, 4> arguments{"child", filter.c_str(), "--no-skip", nullptr};
    const std::string variable = "TIMENODE_TEST_CHILD=" + argument;
    std::vector<char*> environment{const_cast<char*>(variable.c_str())};
    for (char** entry = environ; *entry != nullptr; ++entry)
      environment.push_back(*entry);
    environment.push_back(nullptr);
    const int failed = ::posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr,
                                     const_cast<char**>(arguments.data()), environment.data());
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    if (failed != 0)
      throw std::runtime_error{"no child can be started"};
  }
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;
  ~child_process() {
    if (pid_ > 0)
      kill();
    ::close(pipe_);
  }

  /// Waits for that many bytes from the child. False when it ended before.
  bool wait_for(std::size_t bytes) const {
    std::array<char, 256> buffer;
    while (bytes > 0) {
      const auto got = ::read(pipe_, buffer.data(), std::min(bytes, buffer.size()));
      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0)
        return false;
      bytes -= static_cast<std::size_t>(got);
    }
    return true;
  }

  /// All that comes until the child ends.
  std::string read_all() const {
    std::string result;
    std::array<char, 256> buffer;
    for (;;) {
      const auto got = ::read(pipe_, buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0)
        return result;
      result.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }

  void kill() {
    ::kill(pid_, SIGKILL);
    wait();
  }

  /// The child's exit code; -1 when a signal ended it.
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
  int pipe_ = -1;
};

/// In the child: what it was given. Empty elsewhere.
inline std::string child_argument() {
  const char* const result = std::getenv("TIMENODE_TEST_CHILD");
  return result != nullptr ? result : "";
}

/// In the child: sends bytes to who started it.
inline void tell_parent(const std::string& bytes) {
  if (::write(3, bytes.data(), bytes.size()) < 0)
    std::_Exit(3);
}

}  // namespace timenode::test
