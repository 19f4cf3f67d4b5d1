#include "app/commands.hpp"
#include "app/logging.hpp"
#include "app/signals.hpp"
#include "app/terminal.hpp"
#include "app/testnet_nodes.hpp"
#include "app/testnet_poll.hpp"
#include "app/testnet_table.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace timenode::app {

namespace {

using steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// Often enough for a live table, and to see when all is well.
constexpr milliseconds poll_interval{500};
/// A node answers in milliseconds; a frozen one must not hold up the table for long.
constexpr milliseconds poll_deadline{2000};
/// Where there is no terminal, a line at most so often.
constexpr milliseconds line_interval{1000};
/// A node stops within 5 s.
constexpr milliseconds stop_patience{6000};
/// A block that one node has all others have within a moment.
constexpr milliseconds settling_patience{3000};
/// Events that the table shows.
constexpr std::size_t shown_events = 6;

/// The network while it runs.
class testnet_run {
 public:
  testnet_run(const testnet_command& command, std::vector<testnet_node> nodes,
              std::vector<child_process> children, std::uint64_t least_height, std::string where)
      : command_{command}, nodes_{std::move(nodes)}, children_{std::move(children)},
        least_height_{least_height}, where_{std::move(where)} {
    for (const auto& x : nodes_)
      rpc_.push_back(x.rpc);
    ends_.resize(nodes_.size());
    if (is_terminal(STDOUT_FILENO))
      screen_ = std::make_unique<live_screen>(STDOUT_FILENO);
  }

  /// Watches until it is over, stops the nodes and tells how it was. Returns whether all was well.
  bool run() {
    while (!over_) {
      const auto polled = steady::now();
      look();
      show();
      // A network that takes long to answer is not asked without a pause.
      const auto took = std::chrono::duration_cast<milliseconds>(steady::now() - polled);
      pause(std::max(poll_interval, 2 * took));
    }
    look();
    // A block that was just made may not have come to all when they were asked.
    for (const auto until = steady::now() + settling_patience;
         command_.block_time && !verdict_.ok() && steady::now() < until;)
      look();
    const auto verdict = verdict_;
    note("stopping the nodes");
    show();
    const auto killed = stop_all(children_, stop_patience);
    screen_.reset();
    tell_end(verdict, killed);
    return verdict.ok() && killed == 0;
  }

 private:
  double seconds() const { return std::chrono::duration<double>(steady::now() - begin_).count(); }

  void pause(milliseconds most) {
    if (command_.time) {
      const auto left = std::chrono::ceil<milliseconds>(begin_ + *command_.time - steady::now());
      most = std::clamp(left, milliseconds{0}, most);
    }
    const auto signal = wait_for_signal(most);
    over_ = (signal && *signal != SIGCHLD) ||
            (command_.time && steady::now() >= begin_ + *command_.time) ||
            std::all_of(ends_.begin(), ends_.end(), [](const auto& x) { return x.has_value(); });
  }

  /// Asks all nodes and judges.
  void look() {
    views_ = poll_nodes(rpc_, poll_deadline);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (!ends_[i] && children_[i].ended()) {
        ends_[i] = "ended by itself: " + *children_[i].ended();
        note(nodes_[i].p2p.ip.to_string() + " " + *ends_[i]);
        for (const auto& line : last_words(nodes_[i]))
          note("  | " + line);
      }
      if (ends_[i])
        views_[i].trouble = *ends_[i];
      else if (views_[i].trouble.empty())
        seen_.insert(nodes_[i].p2p.ip);
      else if (!seen_.contains(nodes_[i].p2p.ip))
        views_[i].trouble = "starting (" + views_[i].trouble + ")";
    }
    verdict_ = judge(views_, least_height_);
    if (verdict_.ok() && !seconds_to_ok_) {
      seconds_to_ok_ = seconds();
      note("all nodes are in sync, with one connection a pair");
    }
  }

  /// Something happened that the user should see once.
  void note(const std::string& text) {
    auto line = fmt::format("{:6.1f} s  {}", seconds(), text);
    if (!screen_)
      put_text(STDOUT_FILENO, line + "\n");
    events_.push_back(std::move(line));
    if (events_.size() > max_events)
      events_.erase(events_.begin());
  }

  void show() {
    if (screen_) {
      const auto head = fmt::format(
          "timenode testnet: {} nodes, {:.0f} s{}, Ctrl+C ends it; {}", nodes_.size(), seconds(),
          command_.time ? fmt::format(" of {}", command_.time->count()) : "", where_);
      const auto count = std::min(events_.size(), shown_events);
      screen_->show(
          table_page(head, views_, verdict_, {events_.data() + events_.size() - count, count}));
      return;
    }
    auto line = progress_line(verdict_);
    if (line == shown_ || steady::now() - shown_at_ < line_interval)
      return;
    put_text(STDOUT_FILENO, fmt::format("{:6.1f} s  {}\n", seconds(), line));
    shown_ = std::move(line);
    shown_at_ = steady::now();
  }

  void tell_end(const testnet_verdict& verdict, std::size_t killed) {
    std::string text;
    // What was on the screen is gone with it.
    if (is_terminal(STDOUT_FILENO))
      for (const auto& event : events_)
        text += event + "\n";
    for (const auto& row : table_rows(views_))
      text += row + "\n";
    for (const auto& line : closing_lines(verdict, seconds_to_ok_))
      text += line + "\n";
    if (killed > 0)
      text += fmt::format(
          "NOT OK: {} nodes were killed before they had stopped: they took more than {} s, or you "
          "asked twice\n",
          killed, stop_patience.count() / 1000);
    put_text(STDOUT_FILENO, text);
  }

  /// As many events as are told again in the end.
  static constexpr std::size_t max_events = 100;

  const testnet_command& command_;
  std::vector<testnet_node> nodes_;
  std::vector<child_process> children_;
  std::uint64_t least_height_;
  std::string where_;
  std::vector<endpoint> rpc_;
  std::unique_ptr<live_screen> screen_;  ///< Null: no terminal.
  steady::time_point begin_ = steady::now();
  bool over_ = false;
  std::vector<node_view> views_;
  testnet_verdict verdict_;
  std::set<ip_address> seen_;                     ///< Have answered once.
  std::vector<std::optional<std::string>> ends_;  ///< How nodes ended that should not have.
  std::optional<double> seconds_to_ok_;
  std::vector<std::string> events_;
  std::string shown_;
  steady::time_point shown_at_{};
};

int give_up(const std::string& why) {
  fmt::print(stderr, "timenode: {}\n", why);
  return EXIT_FAILURE;
}

/// The height of the chain that the first node begins with.
outcome<std::uint64_t> give_chain(const testnet_node& first, const testnet_command& x) {
  if (!x.chain)
    return 0;
  node_config config;
  config.data_dir = first.dir;
  return import_file(config, *x.chain, stop_signal_pending);
}

}  // namespace

int run_testnet(const testnet_command& x) {
  block_signals();
  logging_config quiet;
  quiet.level = log_level::warn;
  if (const auto logging = set_up_logging(quiet); !logging)
    return give_up(logging.error().reason);
  auto dir = testnet_directory::make(x.dir);
  if (!dir)
    return give_up(dir.error().reason);
  auto nodes = plan_testnet(x, dir->path());
  if (const auto prepared = prepare_testnet(nodes, x); !prepared)
    return give_up(prepared.error().reason);
  const auto height = give_chain(nodes.front(), x);
  if (!height)
    return give_up(height.error().reason);
  auto children = start_testnet(nodes);
  if (!children)
    return give_up(children.error().reason);
  fmt::print("{} {} on 127.0.0.1{}, in {}\n", nodes.size(), nodes.size() == 1 ? "node" : "nodes",
             nodes.size() == 1 ? "" : " to " + nodes.back().p2p.ip.to_string(),
             dir->path().string());
  fmt::print("ask one with: timenode status --rpc {}\n", nodes.back().rpc.to_string());
  std::fflush(stdout);

  testnet_run run{x, std::move(nodes), std::move(*children), *height, dir->path().string()};
  const auto well = run.run();
  if (!well && !dir->kept()) {
    dir->keep();
    fmt::print("the nodes' logs are in {}\n", dir->path().string());
  }
  return well ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace timenode::app
