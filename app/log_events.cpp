#include "app/log_events.hpp"

#include "timenode/events_page.hpp"

#include <utility>

namespace timenode {

namespace {

/// What stands between the next two backticks; moves behind them.
std::string_view quoted(std::string_view& row) {
  const auto open = row.find('`');
  const auto close = open == row.npos ? row.npos : row.find('`', open + 1);
  if (close == row.npos)
    return {};
  const auto result = row.substr(open + 1, close - open - 1);
  row.remove_prefix(close + 1);
  return result;
}

std::vector<std::string> pieces_of(std::string_view line) {
  std::vector<std::string> result;
  for (;;) {
    const auto hole = line.find("{}");
    result.emplace_back(line.substr(0, hole));
    if (hole == line.npos)
      return result;
    line.remove_prefix(hole + 2);
  }
}

/// Whether the pieces stand in the line in their order, the first at its front, the last at its end.
bool fits(const std::vector<std::string>& pieces, std::string_view line) {
  if (!line.starts_with(pieces.front()))
    return false;
  if (pieces.size() == 1)
    return line.size() == pieces.front().size();
  line.remove_prefix(pieces.front().size());
  for (std::size_t i = 1; i + 1 < pieces.size(); ++i) {
    const auto found = line.find(pieces[i]);
    if (found == line.npos)
      return false;
    line.remove_prefix(found + pieces[i].size());
  }
  return line.ends_with(pieces.back());
}

}  // namespace

log_events::log_events(std::string_view page) {
  while (!page.empty()) {
    const auto end = page.find('\n');
    auto row = page.substr(0, end);
    page.remove_prefix(end == page.npos ? page.size() : end + 1);
    if (!row.starts_with("| `"))
      continue;
    event x;
    x.name = quoted(row);
    if (!row.starts_with(" | "))
      continue;
    row.remove_prefix(3);
    x.level = row.substr(0, row.find(' '));
    x.pieces = pieces_of(quoted(row));
    events_.push_back(std::move(x));
  }
}

std::string_view log_events::name_of(std::string_view level, std::string_view line) const {
  if (line.starts_with("folded "))
    return "folded";
  for (const auto& x : events_)
    if (x.level == level && fits(x.pieces, line))
      return x.name;
  return "other";
}

const log_events& known_log_events() {
  static const log_events events{events_page};
  return events;
}

}  // namespace timenode
