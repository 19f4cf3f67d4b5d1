#include "app/flight_recorder.hpp"
#include "tests/unit/chain_support.hpp"
#include "tests/unit/child_process.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <memory>

using namespace timenode;
using namespace timenode::test;

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t start = 1'766'000'000 * second;

/// A memory with a few entries, as if of two threads.
struct record_fixture {
  record_fixture() {
    memory->begin("timenode 9.9", start);
    const auto registry = memory->add_name("timenode.registry");
    const auto want = memory->add_name("want, endpoint");
    auto& first = memory->take_ring();
    auto& second_ring = memory->take_ring();
    flight_memory::add(second_ring, {start + 2 * second, 7, 15'000, registry, want, 3, 0});
    flight_memory::add(first, {start + second, 7, 15, registry, want, 0, 0});
    memory->add_line(start + second + 1, 3, "disk is slow\nvery");
  }

  temporary_directory dir;
  std::unique_ptr<flight_memory> memory{new flight_memory{}};
};

}  // namespace

TEST_CASE_FIXTURE(record_fixture,
                  "flight record: a timeline has events of all threads and log lines in order") {
  CHECK(flight_timeline(*memory).value() ==
        "timenode 9.9, started 2025-12-17T19:33:20.000000Z\n"
        "2025-12-17T19:33:21.000000Z timenode.registry #7 want, endpoint took 15 us\n"
        "2025-12-17T19:33:21.000000Z log warn disk is slow very\n"
        "2025-12-17T19:33:22.000000Z timenode.registry #7 want, endpoint took 15 ms at most, as "
        "did 3 "
        "more since the last one noted\n");
}

TEST_CASE_FIXTURE(record_fixture,
                  "flight record: what is written is read back, for its owner only") {
  const auto file = write_flight_record(*memory, dir.path(), "asked");
  REQUIRE_MESSAGE(file.has_value(), (file ? "" : file.error().reason));
  CHECK(file->filename().string().starts_with("flight-2"));
  CHECK(file->filename().string().ends_with("Z-asked.bin"));
  using perms = fs::perms;
  CHECK(fs::status(*file).permissions() == (perms::owner_read | perms::owner_write));
  CHECK(read_flight_record(*file) == flight_timeline(*memory));
}

TEST_CASE_FIXTURE(record_fixture,
                  "flight record: the ring keeps the newest, and the ten newest files stay") {
  auto& ring = memory->take_ring();
  for (std::size_t i = 0; i < flight_memory::ring_size + 5; ++i)
    flight_memory::add(ring,
                       {start + 100 * second + static_cast<std::int64_t>(i), i, 1, 1, 2, 0, 0});
  const auto timeline = flight_timeline(*memory).value();
  CHECK(timeline.find("#4 ") == std::string::npos);
  CHECK(timeline.find("#5 ") != std::string::npos);
  for (int i = 0; i < 13; ++i)
    REQUIRE(write_flight_record(*memory, dir.path(), "asked"));
  CHECK(std::distance(fs::directory_iterator{dir.path()}, fs::directory_iterator{}) == 10);
}

TEST_CASE_FIXTURE(
    record_fixture,
    "flight record: what is none, or of another version, or cut short is told apart") {
  CHECK(read_flight_record(dir.path() / "none").error().reason.find("none") != std::string::npos);
  std::ofstream{dir.path() / "text"} << "hello";
  CHECK(read_flight_record(dir.path() / "text").error().reason.find("no flight record") !=
        std::string::npos);
  memory->version = 99;
  const auto file = write_flight_record(*memory, dir.path(), "asked").value();
  CHECK(read_flight_record(file).error().reason.find("another version") != std::string::npos);
  memory->version = flight_memory::right_version;
  const auto whole = write_flight_record(*memory, dir.path(), "whole").value();
  fs::resize_file(whole, sizeof(flight_memory) / 2);
  CHECK(read_flight_record(whole).value().find("disk is slow") != std::string::npos);
  CHECK_FALSE(write_flight_record(*memory, dir.path() / "no", "asked"));
}

TEST_CASE_FIXTURE(record_fixture, "flight record: names without end are folded into one") {
  for (int i = 0; i < 2000; ++i)
    memory->add_name("name " + std::to_string(i));
  CHECK(memory->add_name("one more") == 0);
  CHECK(memory->name_of(0) == "more");
  CHECK(memory->name_of(65'535).empty());
}

// The handlers of sanitizers stay in place, so that there is nothing to see then.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE_FIXTURE(record_fixture,
                  "flight record: a program that crashes leaves one, and dies of what it died of") {
  for (const int signal : {SIGSEGV, SIGABRT, SIGFPE}) {
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      // What the test runner has set up for its own crashes is not the program's.
      for (const int x : {SIGSEGV, SIGABRT, SIGFPE})
        std::signal(x, SIG_DFL);
      process_flight_memory().begin("crasher", start);
      process_flight_memory().add_line(start, 2, "about to crash");
      write_flight_record_on_crash(dir.path());
      ::raise(signal);
      ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == signal);
    const auto records = crash_records(dir.path());
    REQUIRE(records.size() == 1);
    const auto timeline = read_flight_record(records.front()).value();
    CHECK(timeline.starts_with("crasher"));
    CHECK(timeline.find("about to crash") != std::string::npos);
    CHECK(timeline.find("log critical the program ") != std::string::npos);
    fs::remove(records.front());
  }
}
#endif
