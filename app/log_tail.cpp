#include "app/log_tail.hpp"

#include <spdlog/details/log_msg.h>
#include <spdlog/sinks/base_sink.h>

#include <utility>

namespace timenode {

// -- the tail -----------------------------------------------------------------------

void log_tail::add(log_line x) {
  const std::lock_guard lock{mutex_};
  x.number = ++last_;
  lines_.push_back(std::move(x));
  if (lines_.size() > most)
    lines_.pop_front();
}

void log_tail::count(int level) noexcept {
  if (level >= 0 && static_cast<std::size_t>(level) < counts_.size())
    ++counts_[static_cast<std::size_t>(level)];
}

log_tail::counts log_tail::counted() const noexcept {
  counts result{};
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i] = counts_[i];
  return result;
}

std::vector<log_line> log_tail::after(std::uint64_t number) const {
  const std::lock_guard lock{mutex_};
  std::vector<log_line> result;
  for (const auto& x : lines_)
    if (x.number > number)
      result.push_back(x);
  return result;
}

log_tail& process_log_tail() {
  static log_tail tail;
  return tail;
}

// -- folding ------------------------------------------------------------------------

bool line_folder::shows(int level, std::string_view text, clock::time_point now) {
  if (seen_.size() >= max_remembered && !seen_.contains({level, std::string{text}}))
    return true;
  auto& x = seen_.try_emplace({level, std::string{text}}, seen{now, 0}).first->second;
  return ++x.count <= shown_at_most;
}

std::vector<line_folder::folded> line_folder::due(clock::time_point now) {
  std::vector<folded> result;
  for (auto i = seen_.begin(); i != seen_.end();) {
    const auto& [line, x] = *i;
    if (now - x.since < window) {
      ++i;
      continue;
    }
    if (x.count > shown_at_most)
      result.push_back({line.first, "folded " + std::to_string(x.count - shown_at_most) +
                                        " more lines within " + std::to_string(window.count()) +
                                        " s: " + line.second});
    i = seen_.erase(i);
  }
  return result;
}

namespace {

class folding_sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  folding_sink(std::shared_ptr<spdlog::sinks::sink> to, log_tail& tail, flight_memory& memory)
      : to_{std::move(to)}, tail_{tail}, memory_{memory} {}

 protected:
  void sink_it_(const spdlog::details::log_msg& x) override {
    tail_.count(x.level);
    const auto now = line_folder::clock::now();
    // Told when the next line of any kind comes: a flood that has ended harms nobody meanwhile.
    for (const auto& folded : folder_.due(now)) {
      spdlog::details::log_msg told{x.time, x.source, x.logger_name,
                                    static_cast<spdlog::level::level_enum>(folded.level),
                                    folded.text};
      pass_on(told);
    }
    if (folder_.shows(x.level, {x.payload.data(), x.payload.size()}, now))
      pass_on(x);
  }
  void flush_() override { to_->flush(); }
  void set_pattern_(const std::string& pattern) override { to_->set_pattern(pattern); }
  void set_formatter_(std::unique_ptr<spdlog::formatter> x) override {
    to_->set_formatter(std::move(x));
  }

 private:
  void pass_on(const spdlog::details::log_msg& x) {
    const auto since_epoch = x.time.time_since_epoch();
    const std::string_view text{x.payload.data(), x.payload.size()};
    const auto level = spdlog::level::to_string_view(x.level);
    tail_.add({0, since_epoch / std::chrono::milliseconds{1},
               std::string{level.data(), level.size()}, std::string{text}});
    memory_.add_line(since_epoch / std::chrono::nanoseconds{1}, static_cast<std::uint8_t>(x.level),
                     text);
    to_->log(x);
  }

  std::shared_ptr<spdlog::sinks::sink> to_;
  log_tail& tail_;
  flight_memory& memory_;
  line_folder folder_;
};

}  // namespace

std::shared_ptr<spdlog::sinks::sink> make_folding_sink(std::shared_ptr<spdlog::sinks::sink> to,
                                                       log_tail& tail, flight_memory& memory) {
  return std::make_shared<folding_sink>(std::move(to), tail, memory);
}

}  // namespace timenode
