#pragma once

// The names of what the log tells of, as docs/events.md lists them. That page is a part of the program,
// so that they cannot disagree.

#include <string>
#include <string_view>
#include <vector>

namespace timenode {

class log_events {
 public:
  /// Reads the tables of the page: rows that begin with "| `name` | level | `line` |".
  explicit log_events(std::string_view page);

  /// The name of the event that a line tells of; "other" when it is in no table. The first row that fits
  /// counts. `level`: "info".
  std::string_view name_of(std::string_view level, std::string_view line) const;

  std::size_t size() const noexcept { return events_.size(); }

 private:
  struct event {
    std::string name;
    std::string level;
    std::vector<std::string> pieces;  ///< Of the line, between the {}.
  };

  std::vector<event> events_;
};

/// Those of docs/events.md.
const log_events& known_log_events();

}  // namespace timenode
