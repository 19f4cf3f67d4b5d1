#include "app/child_process.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

using namespace timenode::app;
using namespace std::chrono_literals;

namespace {

/// The child is this test program again, with these two as what it does.
const std::vector<std::string> waits{"--no-skip", "--test-case=child helper: waits"};
const std::vector<std::string> waits_on{"--no-skip", "--test-case=child helper: heeds no SIGTERM"};

struct scratch {
  ~scratch() { std::filesystem::remove(file); }
  std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("timenode-child-" + std::to_string(getpid()));
};

std::string contents(const std::filesystem::path& file) {
  std::ifstream in{file};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// Until the child has printed that; false when it does not.
bool printed(const std::filesystem::path& file, const std::string& text) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (std::chrono::steady_clock::now() < end) {
    if (contents(file).find(text) != std::string::npos)
      return true;
    std::this_thread::yield();
  }
  return false;
}

[[noreturn]] void wait_for_ever() {
  for (;;)
    pause();
}

}  // namespace

TEST_CASE("child helper: waits" * doctest::skip()) {
  REQUIRE(write(STDOUT_FILENO, "ready\n", 6) == 6);
  wait_for_ever();
}

TEST_CASE("child helper: heeds no SIGTERM" * doctest::skip()) {
  std::signal(SIGTERM, SIG_IGN);
  REQUIRE(write(STDOUT_FILENO, "ready\n", 6) == 6);
  wait_for_ever();
}

TEST_CASE("child process: what it prints is in its file, and how it ended is told") {
  const scratch x;
  auto child = child_process::start({"--help"}, x.file);
  REQUIRE(child);
  while (!child->ended())
    std::this_thread::yield();
  CHECK(*child->ended() == "exit status 0");
  CHECK(child->ended_well());
  CHECK(contents(x.file).find("doctest") != std::string::npos);
}

TEST_CASE("child process: one that is killed says by what") {
  const scratch x;
  auto child = child_process::start(waits, x.file);
  REQUIRE(child);
  REQUIRE(printed(x.file, "ready"));
  CHECK_FALSE(child->ended());
  child->send(SIGKILL);
  while (!child->ended())
    std::this_thread::yield();
  CHECK(*child->ended() == "killed by signal 9 (Killed)");
  CHECK_FALSE(child->ended_well());
}

TEST_CASE("child process: one that is forgotten is not left behind") {
  const scratch x;
  pid_t pid = 0;
  {
    auto child = child_process::start(waits, x.file);
    REQUIRE(child);
    pid = child->pid();
    const auto moved = std::move(*child);
    CHECK(kill(pid, 0) == 0);
  }
  CHECK(kill(pid, 0) != 0);
}

TEST_CASE("child process: all are asked to stop, and what obeys is waited for") {
  const scratch x;
  std::vector<child_process> children;
  for (int i = 0; i < 2; ++i) {
    std::filesystem::remove(x.file);
    auto child = child_process::start(waits, x.file);
    REQUIRE(child);
    REQUIRE(printed(x.file, "ready"));
    children.push_back(std::move(*child));
  }
  // Far more than a slow machine needs: it is over when both have ended.
  CHECK(stop_all(children, 60s) == 0);
  CHECK(*children[0].ended() == "killed by signal 15 (Terminated)");
  CHECK(*children[1].ended() == "killed by signal 15 (Terminated)");
}

TEST_CASE("child process: one that does not stop in time is killed") {
  const scratch x;
  std::vector<child_process> children;
  auto child = child_process::start(waits_on, x.file);
  REQUIRE(child);
  REQUIRE(printed(x.file, "ready"));
  children.push_back(std::move(*child));
  CHECK(stop_all(children, 100ms) == 1);
  CHECK(*children[0].ended() == "killed by signal 9 (Killed)");
  CHECK(stop_all(children, 100ms) == 0);
}

TEST_CASE("child process: the last lines of a file, of a short one all, of none none") {
  const scratch x;
  std::ofstream{x.file} << "a\nb\nc\n";
  CHECK(last_lines(x.file, 2) == std::vector<std::string>{"b", "c"});
  CHECK(last_lines(x.file, 9) == std::vector<std::string>{"a", "b", "c"});
  CHECK(last_lines("/nonexistent/file", 2).empty());
  std::ofstream{x.file} << std::string(1u << 20, 'x') << "\nend\n";
  CHECK(last_lines(x.file, 1) == std::vector<std::string>{"end"});
}
