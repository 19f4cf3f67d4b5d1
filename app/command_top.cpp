#include "app/commands.hpp"
#include "app/signals.hpp"
#include "app/terminal.hpp"
#include "app/top_page.hpp"

#include <nlohmann/json.hpp>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>

namespace timenode::app {

namespace {

using std::chrono::milliseconds;

rpc_outcome<top_look> look_at(const rpc_target& node) {
  std::vector<rpc_question> questions;
  for (auto& method : top_methods())
    questions.push_back({std::move(method), json::array()});
  auto answers = ask_node(node, questions);
  if (!answers)
    return tl::unexpected{answers.error()};
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return top_look{std::move(*answers), std::chrono::steady_clock::now(),
                  std::chrono::duration_cast<std::chrono::seconds>(now).count()};
}

/// Keys come one by one, and are not shown, as long as this lives.
class single_keys {
 public:
  single_keys() : is_terminal_{tcgetattr(STDIN_FILENO, &before_) == 0} {
    if (!is_terminal_)
      return;
    auto now = before_;
    now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &now);
  }
  ~single_keys() {
    if (is_terminal_)
      tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  single_keys(const single_keys&) = delete;
  single_keys& operator=(const single_keys&) = delete;

  /// Waits so long; true when 'q' was pressed meanwhile, or there is nobody to press it any more.
  bool quit_within(milliseconds time) const {
    pollfd wait{STDIN_FILENO, POLLIN, 0};
    if (::poll(&wait, is_terminal_ ? 1 : 0, static_cast<int>(time.count())) <= 0)
      return false;
    char key = 0;
    return ::read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q';
  }

 private:
  termios before_{};
  bool is_terminal_;
};

int complain(const rpc_failure& why, const rpc_target& node) {
  std::fprintf(stderr, "timenode: %s\n", explain(why, node.at).c_str());
  return EXIT_FAILURE;
}

int print_once(const rpc_target& node) {
  const auto look = look_at(node);
  if (!look)
    return complain(look.error(), node);
  // As many lines as there are.
  for (const auto& line : top_page(*look, nullptr, 1000))
    std::printf("%s\n", line.c_str());
  return EXIT_SUCCESS;
}

}  // namespace

int run_top(const top_command& x) {
  const auto node = target_of(x.node);
  if (!node) {
    std::fprintf(stderr, "timenode: %s\n", node.error().reason.c_str());
    return EXIT_FAILURE;
  }
  if (!is_terminal(STDOUT_FILENO))
    return print_once(*node);
  block_signals();
  std::optional<rpc_failure> failed;
  {
    const single_keys keys;
    live_screen screen{STDOUT_FILENO};
    std::optional<top_look> before;
    do {
      auto look = look_at(*node);
      if (!look) {
        // It may be restarting: what was seen last stays in memory, and the next look tells.
        screen.show({explain(look.error(), node->at), "", "trying again; q ends it"});
        failed = look.error();
        continue;
      }
      failed.reset();
      screen.show(
          top_page(*look, before ? &*before : nullptr, size_of_terminal(STDOUT_FILENO).rows));
      before = std::move(*look);
    } while (!stop_signal_pending() && !keys.quit_within(x.interval));
  }
  return failed ? complain(*failed, *node) : EXIT_SUCCESS;
}

}  // namespace timenode::app
