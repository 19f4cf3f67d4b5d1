#include "app/logging.hpp"

#include "app/log_events.hpp"
#include "app/log_tail.hpp"
#include "app/status_line.hpp"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace timenode::app {

namespace {

spdlog::level::level_enum to_spdlog(log_level x) noexcept {
  constexpr std::array levels{spdlog::level::trace, spdlog::level::debug, spdlog::level::info,
                              spdlog::level::warn,  spdlog::level::err,   spdlog::level::off};
  return levels[static_cast<std::size_t>(x)];
}

std::string_view name_of(spdlog::level::level_enum x) noexcept {
  constexpr std::array<std::string_view, 7> names{"trace", "debug",    "info", "warn",
                                                  "error", "critical", "off"};
  return names[static_cast<std::size_t>(x)];
}

void append(std::string_view text, spdlog::memory_buf_t& to) {
  to.append(text.data(), text.data() + text.size());
}

void append_time(spdlog::log_clock::time_point at, spdlog::memory_buf_t& to) {
  using namespace std::chrono;
  const auto ms = floor<milliseconds>(at).time_since_epoch().count();
  const auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  fmt::format_to(std::back_inserter(to), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                 utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                 utc.tm_sec, ms % 1000);
}

/// Length of the UTF-8 character at the front of `text`; 0 when there is none. Not more exact than
/// a JSON parser that rejects broken encodings: overlong forms and surrogates do not pass.
std::size_t utf8_length(std::string_view text) noexcept {
  const auto at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto first = at(0);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xc2 ? 0
                             : first < 0xe0 ? 2
                             : first < 0xf0 ? 3
                             : first < 0xf5 ? 4
                                            : 0;
  if (length == 0 || text.size() < length)
    return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((at(i) & 0xc0) != 0x80)
      return 0;
  if ((first == 0xe0 && at(1) < 0xa0) || (first == 0xed && at(1) > 0x9f) ||
      (first == 0xf0 && at(1) < 0x90) || (first == 0xf4 && at(1) > 0x8f))
    return 0;
  return length;
}

/// Appends `text` without what would end the line, move a terminal's cursor or break JSON. `quote`:
/// it stands between quotes.
void append_escaped(std::string_view text, bool quote, spdlog::memory_buf_t& to) {
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text.front());
    const auto length = utf8_length(text);
    if (length == 0)
      append("\xef\xbf\xbd", to);  // U+FFFD, for bytes that are no text
    else if (quote && (c == '"' || c == '\\'))
      fmt::format_to(std::back_inserter(to), "\\{}", text.front());
    else if (c < 0x20 || c == 0x7f)
      fmt::format_to(std::back_inserter(to), "\\u{:04x}", c);
    else
      append(text.substr(0, length), to);
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

class text_formatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& x, spdlog::memory_buf_t& to) override {
    append_time(x.time, to);
    append(" ", to);
    const auto level = name_of(x.level);
    // What a terminal shows in colour.
    x.color_range_start = to.size();
    append(level, to);
    x.color_range_end = to.size();
    append(" ", to);
    for (auto width = level.size(); width < 5; ++width)
      append(" ", to);
    append_escaped({x.payload.data(), x.payload.size()}, false, to);
    append("\n", to);
  }
  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<text_formatter>();
  }
};

class json_formatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& x, spdlog::memory_buf_t& to) override {
    append("{\"time\":\"", to);
    append_time(x.time, to);
    append("\",\"level\":\"", to);
    append(name_of(x.level), to);
    append("\",\"event\":\"", to);
    append(known_log_events().name_of(name_of(x.level), {x.payload.data(), x.payload.size()}), to);
    append("\",\"message\":\"", to);
    append_escaped({x.payload.data(), x.payload.size()}, true, to);
    append("\"}\n", to);
  }
  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<json_formatter>();
  }
};

outcome<spdlog::sink_ptr> make_sink(const logging_config& x) {
  if (!x.file) {
    auto result = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    if (auto line = status_line_on_stderr())
      return make_sink_above(std::move(line), std::move(result));
    return result;
  }
  try {
    if (x.file->has_parent_path())
      std::filesystem::create_directories(x.file->parent_path());
    return std::make_shared<spdlog::sinks::rotating_file_sink_mt>(x.file->string(), x.max_size,
                                                                  x.max_files);
  } catch (const std::exception& e) {
    return fail("cannot write the log file " + x.file->string() + ": " + e.what());
  }
}

}  // namespace

outcome<void> set_up_logging(const logging_config& x) {
  auto sink = make_sink(x);
  if (!sink)
    return tl::unexpected{sink.error()};
  auto logger = std::make_shared<spdlog::logger>(
      "timenode", make_folding_sink(std::move(*sink), process_log_tail(), process_flight_memory()));
  logger->set_formatter(make_line_formatter(x.format));
  logger->set_level(to_spdlog(x.level));
  // Lines are few; whoever follows the file wants to see them now.
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
  return {};
}

void set_log_level(log_level x) {
  spdlog::default_logger_raw()->set_level(to_spdlog(x));
}

void flush_log() {
  if (auto* logger = spdlog::default_logger_raw())
    logger->flush();
}

void log_notices(const std::vector<config_notice>& notices) {
  for (const auto& x : notices)
    spdlog::log(to_spdlog(x.level), "{}", x.text);
}

std::unique_ptr<spdlog::formatter> make_line_formatter(log_format format) {
  if (format == log_format::json)
    return std::make_unique<json_formatter>();
  return std::make_unique<text_formatter>();
}

}  // namespace timenode::app
