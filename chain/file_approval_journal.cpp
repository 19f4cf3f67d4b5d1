#include "chain/file_approval_journal.hpp"

#include "chain/hex.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace timenode::chain {

namespace {

// A line is: Unix seconds, the transaction's id, the output that it spends as "txid:place".
std::string line_of(const approved_output& x) {
  return std::to_string(x.at) + " " + to_hex(x.txid) + " " + to_hex(x.output.txid) + ":" +
         std::to_string(x.output.vout);
}

std::vector<std::string> lines_of(std::span<const approved_output> some) {
  std::vector<std::string> result;
  for (const auto& x : some)
    result.push_back(line_of(x));
  return result;
}

template <class T>
bool parse_number(std::string_view text, T& to) {
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, to);
  return parsed.ec == std::errc{} && parsed.ptr == end;
}

std::optional<approved_output> parse(std::string_view line) {
  const auto first = line.find(' ');
  const auto second = line.find(' ', first + 1);
  const auto colon = line.find(':', second + 1);
  if (first == line.npos || second == line.npos || colon == line.npos)
    return std::nullopt;
  approved_output result;
  const auto txid = from_hex<hash256>(line.substr(first + 1, second - first - 1));
  const auto spent = from_hex<hash256>(line.substr(second + 1, colon - second - 1));
  if (!txid || !spent || !parse_number(line.substr(0, first), result.at) ||
      !parse_number(line.substr(colon + 1), result.output.vout))
    return std::nullopt;
  result.txid = *txid;
  result.output.txid = *spent;
  return result;
}

}  // namespace

outcome<std::unique_ptr<file_approval_journal>>
file_approval_journal::open(const std::filesystem::path& file, std::size_t least_long_bytes) {
  std::unique_ptr<file_approval_journal> result{new file_approval_journal{file, least_long_bytes}};
  const auto read = result->file_.read([&](std::string_view line) {
    const auto parsed = parse(line);
    if (parsed)
      result->restored_.push_back(*parsed);
    return parsed.has_value();
  });
  if (!read)
    return tl::unexpected{read.error()};
  // What was cut short goes, so that the next line begins on a line of its own.
  if (const auto written = result->keep_only(result->restored_); !written)
    return tl::unexpected{written.error()};
  return result;
}

file_approval_journal::file_approval_journal(const std::filesystem::path& file,
                                             std::size_t least_long_bytes)
    : file_{file,
            {"approval journal", "Wait five hours, when nobody holds for final any more what it "
                                 "may have approved, then remove the file and "
                                 "start again"}},
      least_long_{least_long_bytes}, long_from_{least_long_bytes} {}

outcome<void> file_approval_journal::write_down(std::span<const approved_output> some) {
  return file_.append(lines_of(some));
}

outcome<void> file_approval_journal::keep_only(std::span<const approved_output> these) {
  auto done = file_.rewrite(lines_of(these));
  long_from_ = std::max(least_long_, 2 * file_.size());
  return done;
}

}  // namespace timenode::chain
