#include "tests/sim/trace.hpp"

#include <fmt/format.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <utility>

namespace sim {

namespace {

class trace_sink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  trace_sink(trace& to, std::function<std::string()> who) : to_{to}, who_{std::move(who)} {}

 private:
  void sink_it_(const spdlog::details::log_msg& x) override {
    const auto level = spdlog::level::to_string_view(x.level);
    auto text = std::string{level.data(), level.size()};
    text += ": ";
    text.append(x.payload.data(), x.payload.size());
    to_.add(who_(), text);
  }
  void flush_() override {}

  trace& to_;
  std::function<std::string()> who_;
};

}  // namespace

std::string text_of_time(monotonic_ns at) {
  const auto ms = at / millisecond;
  return fmt::format("{}:{:02}:{:02}.{:03}", ms / 3'600'000, ms / 60'000 % 60, ms / 1000 % 60,
                     ms % 1000);
}

bool trace::write_to(const std::string& file) {
  file_.open(file, std::ios::binary);
  return file_.good();
}

void trace::add(std::string_view who, std::string_view what) {
  auto line = fmt::format("{:>13} {:<13} {}\n", text_of_time(now_()), who, what);
  // FNV-1a
  for (const auto x : line)
    digest_ = (digest_ ^ static_cast<unsigned char>(x)) * 0x100000001b3;
  ++count_;
  if (file_.is_open())
    file_ << line;
  if (keeps_)
    kept_.push_back(std::move(line));
}

struct log_to_trace::previous {
  std::shared_ptr<spdlog::logger> logger;
  spdlog::level::level_enum level;
};

log_to_trace::log_to_trace(trace& to, std::function<std::string()> who, bool verbose)
    : previous_{new previous{spdlog::default_logger(), spdlog::get_level()}} {
  auto logger = std::make_shared<spdlog::logger>("simulation",
                                                 std::make_shared<trace_sink>(to, std::move(who)));
  logger->set_level(verbose ? spdlog::level::debug : spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

log_to_trace::~log_to_trace() {
  spdlog::set_default_logger(previous_->logger);
  spdlog::set_level(previous_->level);
  delete previous_;
}

}  // namespace sim
