#include "app/child_process.hpp"

#include "app/signals.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

namespace timenode::app {

namespace {

/// As far as `last_lines` looks back.
constexpr std::streamoff tail_bytes = 16'384;

constexpr int exec_failed_status = 127;

/// Only async-signal-safe calls, for the parent may have had threads.
[[noreturn]] void become(char* const* arguments, int output, pid_t parent) noexcept {
  // Before the check, or a parent that dies in between would be missed.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent)
    _exit(exec_failed_status);
  // Ctrl+C is for the parent, which stops us in order.
  setpgid(0, 0);
  unblock_signals_in_child();
  const auto nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing >= 0)
    dup2(nothing, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  execv("/proc/self/exe", arguments);
  _exit(exec_failed_status);
}

std::string describe(int status) {
  if (WIFSIGNALED(status)) {
    const auto signal = WTERMSIG(status);
    const auto* name = sigdescr_np(signal);
    return "killed by signal " + std::to_string(signal) +
           (name ? " (" + std::string{name} + ")" : std::string{});
  }
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

outcome<child_process> child_process::start(const std::vector<std::string>& arguments,
                                            const std::filesystem::path& output) {
  auto texts = arguments;
  texts.insert(texts.begin(), "timenode");
  std::vector<char*> pointers;
  for (auto& x : texts)
    pointers.push_back(x.data());
  pointers.push_back(nullptr);

  const auto file = open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0)
    return fail("cannot write " + output.string() + ": " + std::generic_category().message(errno));
  const auto parent = getpid();
  const auto pid = fork();
  if (pid == 0)
    become(pointers.data(), file, parent);
  const auto error = errno;
  close(file);
  if (pid < 0)
    return fail("cannot start another process: " + std::generic_category().message(error));
  return child_process{pid};
}

child_process::child_process(child_process&& other) noexcept
    : pid_{std::exchange(other.pid_, -1)}, status_{other.status_}, ended_{std::move(other.ended_)} {
}

child_process& child_process::operator=(child_process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(status_, other.status_);
  std::swap(ended_, other.ended_);
  return *this;
}

child_process::~child_process() {
  if (pid_ < 0 || ended_)
    return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR)
    ;
}

const std::optional<std::string>& child_process::ended() {
  int status = 0;
  if (!ended_ && waitpid(pid_, &status, WNOHANG) == pid_) {
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    ended_ = describe(status);
  }
  return ended_;
}

void child_process::send(int signal) {
  // A child that was not waited for keeps its number, so this cannot hit another process.
  if (!ended())
    kill(pid_, signal);
}

std::size_t stop_all(std::span<child_process> children, std::chrono::milliseconds patience) {
  using clock = std::chrono::steady_clock;
  const auto deadline = clock::now() + patience;
  const auto alive = [](child_process& x) { return !x.ended(); };
  for (auto& x : children)
    x.send(SIGTERM);
  while (std::any_of(children.begin(), children.end(), alive) && clock::now() < deadline) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - clock::now());
    const auto signal = wait_for_signal(
        std::clamp(left, std::chrono::milliseconds{1}, std::chrono::milliseconds{100}));
    if (signal && *signal != SIGCHLD)
      break;
  }
  std::size_t killed = 0;
  for (auto& x : children) {
    if (!alive(x))
      continue;
    x.send(SIGKILL);
    ++killed;
  }
  while (std::any_of(children.begin(), children.end(), alive))
    wait_for_signal(std::chrono::milliseconds{10});
  return killed;
}

std::vector<std::string> last_lines(const std::filesystem::path& file, std::size_t count) {
  std::ifstream in{file, std::ios::binary | std::ios::ate};
  if (!in)
    return {};
  const auto size = static_cast<std::streamoff>(in.tellg());
  in.seekg(std::max<std::streamoff>(0, size - tail_bytes));
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    lines.push_back(std::move(line));
  if (lines.size() > count)
    lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
  return lines;
}

}  // namespace timenode::app
