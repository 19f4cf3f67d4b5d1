#include "app/flight_recorder.hpp"

#include "chain/write_all.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fstream>
#include <memory>
#include <mutex>
#include <system_error>
#include <utility>

namespace timenode {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_records = 10;
constexpr const char* file_prefix = "flight-";

std::tm utc(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm result{};
  gmtime_r(&time, &result);
  return result;
}

bool write_memory(int fd, const flight_memory& memory) noexcept {
  return chain::write_all(fd, {reinterpret_cast<const char*>(&memory), sizeof(memory)});
}

std::vector<fs::path> records_in(const fs::path& directory, const std::string& beginning) {
  std::vector<fs::path> result;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{directory, error})
    if (const auto name = entry.path().filename().string();
        name.starts_with(beginning) && name.ends_with(".bin"))
      result.push_back(entry.path());
  std::sort(result.begin(), result.end());
  return result;
}

void remove_oldest(const fs::path& directory) {
  auto all = records_in(directory, file_prefix);
  std::error_code error;
  std::sort(all.begin(), all.end(), [&error](const auto& a, const auto& b) {
    return fs::last_write_time(a, error) < fs::last_write_time(b, error);
  });
  for (std::size_t i = 0; i + max_records < all.size(); ++i)
    fs::remove(all[i], error);
}

}  // namespace

outcome<fs::path> write_flight_record(const flight_memory& memory, const fs::path& directory,
                                      const std::string& why) {
  // One at a time: two in the same second would have one name.
  static std::mutex mutex;
  const std::lock_guard lock{mutex};
  const auto t = utc(std::time(nullptr));
  const auto stem =
      fmt::format("{}{:04}{:02}{:02}T{:02}{:02}{:02}Z-{}", file_prefix, t.tm_year + 1900,
                  t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, why);
  auto file = directory / (stem + ".bin");
  std::error_code ignored;
  for (int i = 2; fs::exists(file, ignored); ++i)
    file = directory / fmt::format("{}-{}.bin", stem, i);
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const auto written = fd >= 0 && write_memory(fd, memory);
  const auto error = errno;
  if (fd >= 0)
    ::close(fd);
  if (!written)
    return fail("cannot write the flight record " + file.string() + ": " +
                std::generic_category().message(error));
  remove_oldest(directory);
  return file;
}

std::vector<fs::path> crash_records(const fs::path& directory) {
  return records_in(directory, std::string{file_prefix} + "crash-");
}

// -- crashes --------------------------------------------------------------------------

namespace {

/// What the handler needs, ready before anything is wrong.
std::array<char, 4096> crash_file{};
std::atomic<bool> crashing = false;

void on_crash(int signal) {
  // Once: a second crash, of another thread or of this handler, ends the program at once.
  if (!crashing.exchange(true)) {
    auto& memory = process_flight_memory();
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    constexpr std::array<std::pair<int, const char*>, 5> names{
        {{SIGSEGV, "the program crashed: SIGSEGV"},
         {SIGBUS, "the program crashed: SIGBUS"},
         {SIGILL, "the program crashed: SIGILL"},
         {SIGFPE, "the program crashed: SIGFPE"},
         {SIGABRT, "the program was aborted: SIGABRT (by itself, or by a watchdog)"}}};
    constexpr std::uint8_t critical = 5;
    for (const auto& [number, text] : names)
      if (number == signal)
        memory.add_line(std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec, critical, text);
    const int fd =
        ::open(crash_file.data(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0) {
      write_memory(fd, memory);
      ::close(fd);
    }
  }
  // The action is the default one again (SA_RESETHAND): the program ends as it would have.
  ::raise(signal);
}

}  // namespace

void write_flight_record_on_crash(const fs::path& directory) {
  const auto file = (directory / fmt::format("{}crash-{}.bin", file_prefix, ::getpid())).string();
  if (file.size() >= crash_file.size())
    return;
  std::copy(file.begin(), file.end(), crash_file.begin());
  crash_file[file.size()] = '\0';
  process_flight_memory();  // Its one-time set-up must not happen in the handler.
  // A stack of its own: that of the thread may be what is exhausted. Only for this thread, but a
  // node's threads do not recurse deeply.
  static std::array<char, 65536> stack;
  stack_t other{};
  other.ss_sp = stack.data();
  other.ss_size = stack.size();
  sigaltstack(&other, nullptr);
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) {
    struct sigaction now {};
    if (sigaction(signal, nullptr, &now) != 0 || now.sa_handler != SIG_DFL)
      continue;
    struct sigaction ours {};
    ours.sa_handler = on_crash;
    ours.sa_flags = static_cast<int>(SA_RESETHAND) | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&ours.sa_mask);
    sigaction(signal, &ours, nullptr);
  }
}

// -- reading ------------------------------------------------------------------------

namespace {

/// "2026-01-31T12:34:56.789012Z"
std::string time_text(std::int64_t nanoseconds) {
  const auto t = utc(nanoseconds / 1'000'000'000);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", t.tm_year + 1900, t.tm_mon + 1,
                     t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, nanoseconds % 1'000'000'000 / 1000);
}

std::string duration_text(std::uint32_t microseconds) {
  return microseconds < 10'000 ? fmt::format("{} us", microseconds)
                               : fmt::format("{} ms", microseconds / 1000);
}

std::string event_text(const flight_memory& memory, const flight_event& x) {
  auto result = fmt::format("{} #{} {} took {}", memory.name_of(x.actor_name), x.actor,
                            memory.name_of(x.message), duration_text(x.microseconds));
  if (x.folded > 0)
    result += fmt::format(" at most, as did {} more since the last one noted", x.folded);
  return result;
}

std::string line_text(const flight_line& x) {
  constexpr std::array<std::string_view, 7> levels{"trace", "debug",    "info", "warn",
                                                   "error", "critical", "off"};
  const auto end = std::find(x.text.begin(), x.text.end(), '\0');
  std::string text{x.text.begin(), end};
  // As a damaged file may have them.
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20; }, ' ');
  return fmt::format("log {} {}", levels[std::min<std::size_t>(x.level, 6)], text);
}

}  // namespace

outcome<std::string> flight_timeline(const flight_memory& memory) {
  if (memory.magic != flight_memory::right_magic)
    return fail("this is no flight record");
  if (memory.version != flight_memory::right_version || memory.size != sizeof(flight_memory))
    return fail(
        "this flight record was written by another version of timenode: replay it with that");
  std::vector<std::pair<std::int64_t, std::string>> entries;
  for (const auto& ring : memory.rings)
    for (const auto& x : ring.events)
      if (x.at > 0)
        entries.emplace_back(x.at, event_text(memory, x));
  for (const auto& x : memory.lines)
    if (x.at > 0)
      entries.emplace_back(x.at, line_text(x));
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto end = std::find(memory.program.begin(), memory.program.end(), '\0');
  auto result = fmt::format("{}, started {}\n", std::string{memory.program.begin(), end},
                            time_text(memory.started_at));
  for (const auto& [at, text] : entries)
    result += time_text(at) + " " + text + "\n";
  return result;
}

outcome<std::string> read_flight_record(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  // Zeroed: a record that was cut short lacks its end.
  const std::unique_ptr<flight_memory> memory{new flight_memory{}};
  in.read(reinterpret_cast<char*>(memory.get()), sizeof(flight_memory));
  if (in.gcount() <= 0)
    return fail("cannot read " + file.string() + ": " +
                std::generic_category().message(errno == 0 ? ENODATA : errno));
  auto result = flight_timeline(*memory);
  if (!result)
    return fail(file.string() + ": " + result.error().reason);
  return result;
}

}  // namespace timenode
