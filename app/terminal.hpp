#pragma once

// What is shown to people at a terminal, and what to others.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace timenode::app {

/// Whether the descriptor is a terminal that understands cursor movements.
bool is_terminal(int fd);

struct terminal_size {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

/// As it is now; 80 by 24 when it cannot be told.
terminal_size size_of_terminal(int fd);

/// Writes all of it, also if the descriptor takes it piece by piece. What cannot be written is
/// dropped.
void put_text(int fd, std::string_view text);

/// Writes the text to standard output, as it is.
void print_text(const std::string& text);

/// A page that is drawn again and again in place, on the terminal's second screen, so that what was
/// on the first is there again afterwards. Text is ASCII.
class live_screen {
 public:
  explicit live_screen(int fd);
  /// Gives the first screen back.
  ~live_screen();
  live_screen(const live_screen&) = delete;
  live_screen& operator=(const live_screen&) = delete;

  /// Shows the lines instead of what was there, cut to the size that the terminal has now.
  void show(const std::vector<std::string>& lines);

 private:
  int fd_;
};

}  // namespace timenode::app
