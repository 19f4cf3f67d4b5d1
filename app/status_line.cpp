#include "app/status_line.hpp"

#include "app/terminal.hpp"

#include <spdlog/formatter.h>
#include <spdlog/sinks/sink.h>
#include <unistd.h>

#include <utility>

namespace timenode::app {

namespace {

constexpr std::string_view clear_line = "\r\x1b[K";

class sink_above final : public spdlog::sinks::sink {
 public:
  sink_above(std::shared_ptr<status_line> line, spdlog::sink_ptr below)
      : line_{std::move(line)}, sink_{std::move(below)} {}

  void log(const spdlog::details::log_msg& x) override {
    line_->write_above([&] {
      sink_->log(x);
      // Else what is still in a buffer would come after the line.
      sink_->flush();
    });
  }
  void flush() override { sink_->flush(); }
  void set_pattern(const std::string& x) override { sink_->set_pattern(x); }
  void set_formatter(std::unique_ptr<spdlog::formatter> x) override {
    sink_->set_formatter(std::move(x));
  }

 private:
  std::shared_ptr<status_line> line_;
  spdlog::sink_ptr sink_;
};

}  // namespace

status_line::status_line(std::function<void(std::string_view)> write) : write_{std::move(write)} {}

void status_line::show(const std::string& text) {
  const std::lock_guard lock{mutex_};
  if (closed_ || text == shown_)
    return;
  shown_ = text;
  write_(std::string{clear_line} + text);
}

void status_line::close() {
  const std::lock_guard lock{mutex_};
  if (!shown_.empty())
    write_(clear_line);
  shown_.clear();
  closed_ = true;
}

void status_line::write_above(const std::function<void()>& log) {
  const std::lock_guard lock{mutex_};
  if (!shown_.empty())
    write_(clear_line);
  log();
  if (!shown_.empty())
    write_(shown_);
}

std::shared_ptr<status_line> status_line_on_stderr() {
  static const auto result = is_terminal(STDERR_FILENO)
                                 ? std::make_shared<status_line>(
                                       [](std::string_view text) { put_text(STDERR_FILENO, text); })
                                 : nullptr;
  return result;
}

spdlog::sink_ptr make_sink_above(std::shared_ptr<status_line> line, spdlog::sink_ptr sink) {
  return std::make_shared<sink_above>(std::move(line), std::move(sink));
}

}  // namespace timenode::app
