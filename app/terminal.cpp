#include "app/terminal.hpp"

#include "chain/write_all.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace timenode::app {

namespace {

// ECMA-48 and xterm's private modes, as every terminal of today has them.
constexpr std::string_view enter_second_screen = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view leave_second_screen = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view to_the_top = "\x1b[H";
constexpr std::string_view clear_to_end_of_line = "\x1b[K";
constexpr std::string_view clear_below = "\x1b[J";

}  // namespace

bool is_terminal(int fd) {
  if (isatty(fd) == 0)
    return false;
  // Only read before other threads could change it.
  const auto* kind = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe)
  return kind && std::string_view{kind} != "dumb";
}

terminal_size size_of_terminal(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
    return {};
  return {size.ws_col, size.ws_row};
}

void put_text(int fd, std::string_view text) {
  chain::write_all(fd, text);
}

void print_text(const std::string& text) {
  std::fputs(text.c_str(), stdout);
}

live_screen::live_screen(int fd) : fd_{fd} {
  put_text(fd_, enter_second_screen);
}

live_screen::~live_screen() {
  put_text(fd_, leave_second_screen);
}

void live_screen::show(const std::vector<std::string>& lines) {
  const auto size = size_of_terminal(fd_);
  std::string page{to_the_top};
  // The last line is left free: writing to its end scrolls some terminals.
  const auto count = std::min(lines.size(), size.rows - 1);
  for (std::size_t i = 0; i < count; ++i) {
    page += std::string_view{lines[i]}.substr(0, size.columns);
    page += clear_to_end_of_line;
    page += "\r\n";
  }
  page += clear_below;
  put_text(fd_, page);
}

}  // namespace timenode::app
