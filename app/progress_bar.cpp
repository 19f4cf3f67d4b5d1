#include "app/progress_bar.hpp"

#include "app/terminal.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace timenode::app {

namespace {

/// Shorter ones tell nothing; longer ones not more.
constexpr std::size_t shortest_bar = 10;
constexpr std::size_t longest_bar = 50;

std::string percent(double fraction) {
  // Whoever reads 100 thinks that it is done.
  const auto shown = fraction >= 1 ? 100 : std::min(99, static_cast<int>(fraction * 100));
  return fmt::format("{} %", shown);
}

}  // namespace

std::string render_bar(std::string_view what, const progress_point& at, double blocks_per_second,
                       std::optional<double> seconds_left, std::size_t width) {
  auto tail = fmt::format("height {}  {:.0f} blocks/s", at.height, blocks_per_second);
  if (seconds_left)
    tail += fmt::format("  {:.0f} s left", *seconds_left);
  std::string head{what};
  if (at.fraction) {
    const auto fraction = std::clamp(*at.fraction, 0.0, 1.0);
    // So that the bar does not change its length as the number grows.
    const auto number = fmt::format("{:>5}", percent(fraction));
    const auto others = head.size() + number.size() + tail.size() + 6;
    if (others + shortest_bar <= width) {
      const auto length = std::min(width - others, longest_bar);
      const auto full = static_cast<std::size_t>(fraction * static_cast<double>(length));
      head += " [" + std::string(full, '#') + std::string(length - full, '-') + "]";
    }
    head += " " + number;
  }
  return (head + "  " + tail).substr(0, width);
}

std::string render_sync(const sync_progress& x, std::size_t width) {
  if (x.state != "syncing" || x.target <= x.height)
    return {};
  const auto fraction = static_cast<double>(x.height) / static_cast<double>(x.target);
  const auto left =
      x.eta_seconds < 0 ? std::nullopt : std::optional{static_cast<double>(x.eta_seconds)};
  return render_bar(
      fmt::format("syncing to {} from {} {}", x.target, x.peers, x.peers == 1 ? "peer" : "peers"),
      {0, x.height, fraction}, x.blocks_per_second, left, width);
}

progress_bar::progress_bar(output out, std::string what, clock::time_point now)
    : out_{std::move(out)}, what_{std::move(what)}, begin_{now} {}

void progress_bar::update(const progress_point& at, clock::time_point now) {
  if (!first_)
    first_ = at.blocks;
  const auto interval = out_.columns ? clock::duration{redraw_interval} : line_interval;
  if (now - drawn_.value_or(out_.columns ? now - interval : begin_) < interval)
    return;
  drawn_ = now;
  const auto seconds = std::chrono::duration<double>(now - begin_).count();
  const auto rate = seconds > 0 ? static_cast<double>(at.blocks - *first_) / seconds : 0;
  std::optional<double> left;
  if (at.fraction && *at.fraction > 0 && seconds > 0)
    left = std::max(0.0, seconds / *at.fraction - seconds);
  if (out_.columns)
    out_.write("\r" + render_bar(what_, at, rate, left, out_.columns()) + "\x1b[K");
  else
    out_.write(fmt::format("{}: {}{} blocks, height {}, {:.0f} blocks/s\n", what_,
                           at.fraction ? percent(*at.fraction) + ", " : std::string{}, at.blocks,
                           at.height, rate));
}

void progress_bar::clear() {
  if (out_.columns && drawn_)
    out_.write("\r\x1b[K");
}

progress_bar::output progress_on_stderr() {
  progress_bar::output result;
  result.write = [](std::string_view text) { put_text(STDERR_FILENO, text); };
  if (is_terminal(STDERR_FILENO))
    result.columns = [] { return size_of_terminal(STDERR_FILENO).columns; };
  return result;
}

}  // namespace timenode::app
