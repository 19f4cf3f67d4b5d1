#include "app/logging.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <spdlog/details/log_msg.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

using namespace timenode::app;

namespace {

std::string formatted(log_format format, spdlog::level::level_enum level, const std::string& text) {
  const auto time = spdlog::log_clock::time_point{std::chrono::milliseconds{1'769'862'896'789}};
  const spdlog::details::log_msg message{time, {}, "x", level, text};
  spdlog::memory_buf_t buffer;
  make_line_formatter(format)->format(message, buffer);
  return {buffer.data(), buffer.size()};
}

/// Restores the default logger of the test program, and removes the directory.
struct scratch {
  scratch() { std::filesystem::create_directories(dir); }
  ~scratch() {
    spdlog::set_default_logger(before);
    std::filesystem::remove_all(dir);
  }
  std::shared_ptr<spdlog::logger> before = spdlog::default_logger();
  std::filesystem::path dir =
      std::filesystem::temp_directory_path() / ("timenode-logging-" + std::to_string(getpid()));
};

std::string contents(const std::filesystem::path& file) {
  std::ifstream in{file};
  return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace

TEST_CASE("logging: a line has time, level and message") {
  CHECK(formatted(log_format::text, spdlog::level::info, "all is well") ==
        "2026-01-31T12:34:56.789Z info  all is well\n");
  CHECK(formatted(log_format::text, spdlog::level::critical, "x") ==
        "2026-01-31T12:34:56.789Z critical x\n");
  CHECK(formatted(log_format::json, spdlog::level::warn, "all is well") ==
        "{\"time\":\"2026-01-31T12:34:56.789Z\",\"level\":\"warn\",\"event\":\"other\",\"message\":"
        "\"all is well\"}\n");
}

TEST_CASE("logging: a message cannot begin a line of its own or move the cursor") {
  const auto line = formatted(log_format::text, spdlog::level::info, "a\nb\r\x1b[31mc\x7f");
  CHECK(line == "2026-01-31T12:34:56.789Z info  a\\u000ab\\u000d\\u001b[31mc\\u007f\n");
}

TEST_CASE("logging: a JSON line is JSON, whatever is in the message") {
  std::string all;
  for (int i = 1; i < 256; ++i)
    all += static_cast<char>(i);
  const std::vector<std::string> messages{
      "",
      "\"quoted\" and \\ too",
      "tab\tnewline\n",
      std::string{"nul\0x", 5},
      "caf\xc3\xa9 \xe2\x82\xac",
      "\xff",
      "\xe2\x82",
      "\xed\xa0\x80 lone",
      "\xc0\xaf overlong",
      "\xf4\x90\x80\x80",
      all,
      "\xf0\x9f\x98\x80",
  };
  for (const auto& message : messages) {
    const auto line = formatted(log_format::json, spdlog::level::info, message);
    CAPTURE(line);
    CHECK(line.find('\n') == line.size() - 1);
    const auto parsed = nlohmann::json::parse(line, nullptr, false);
    REQUIRE_FALSE(parsed.is_discarded());
    CHECK(parsed.at("level") == "info");
  }
  const auto exact =
      nlohmann::json::parse(formatted(log_format::json, spdlog::level::info, messages[2]));
  CHECK(exact.at("message") == messages[2]);
  const auto text =
      nlohmann::json::parse(formatted(log_format::json, spdlog::level::info, messages[4]));
  CHECK(text.at("message") == messages[4]);
}

TEST_CASE("logging: a file is made with its directory, filtered by level, and rotated") {
  const scratch x;
  logging_config config;
  config.file = x.dir / "deeper" / "a.log";
  config.max_size = 1000;
  config.max_files = 2;
  config.level = log_level::warn;
  REQUIRE(set_up_logging(config));
  spdlog::info("not this");
  spdlog::warn("but this");
  CHECK(contents(*config.file).find("but this") != std::string::npos);
  CHECK(contents(*config.file).find("not this") == std::string::npos);
  for (int i = 0; i < 100; ++i)
    spdlog::warn("line {} of many that fill the file", i);
  std::size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator{config.file->parent_path()}) {
    ++files;
    CHECK(std::filesystem::file_size(file) <= config.max_size);
  }
  CHECK(files == 3);
}

TEST_CASE("logging: a file that cannot be written is a failure that names it") {
  const scratch x;
  logging_config config;
  config.file = "/proc/nothing/a.log";
  const auto done = set_up_logging(config);
  REQUIRE_FALSE(done);
  CHECK(done.error().reason.find("/proc/nothing/a.log") != std::string::npos);
}

TEST_CASE("logging: switched off, nothing is written") {
  const scratch x;
  logging_config config;
  config.file = x.dir / "a.log";
  config.level = log_level::off;
  REQUIRE(set_up_logging(config));
  spdlog::critical("x");
  flush_log();
  CHECK(contents(*config.file).empty());
}
