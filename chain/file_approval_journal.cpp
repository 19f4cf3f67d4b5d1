#include "chain/file_approval_journal.hpp"

#include "chain/hex.hpp"
#include "messages/wire_codec.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace timenode::chain {

namespace {

// A line is: Unix seconds, the transaction's id, the outputs that it spends as "txid:place" with commas between, and the
// transaction as its message, or "-".
std::string line_of(const approval& x) {
  auto result = std::to_string(x.at) + " " + to_hex(x.txid) + " ";
  for (const auto& output : x.outputs)
    result += (&output == x.outputs.data() ? "" : ",") + to_hex(output.txid) + ":" +
              std::to_string(output.vout);
  result += " " + (x.tx ? wire::to_line(wire::transaction_broadcast{*x.tx}) : "-");
  if (result.ends_with('\n'))
    result.pop_back();
  return result;
}

std::vector<std::string> lines_of(std::span<const approval> some) {
  std::vector<std::string> result;
  for (const auto& x : some)
    result.push_back(line_of(x));
  return result;
}

std::string_view take_until(char end, std::string_view& text) {
  const auto result = text.substr(0, text.find(end));
  text.remove_prefix(std::min(text.size(), result.size() + 1));
  return result;
}

template <class T>
bool parse_number(std::string_view text, T& to) {
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, to);
  return parsed.ec == std::errc{} && parsed.ptr == end;
}

std::optional<outpoint> parse_output(std::string_view text) {
  outpoint result;
  const auto txid = from_hex<hash256>(take_until(':', text));
  if (!txid || !parse_number(text, result.vout))
    return std::nullopt;
  result.txid = *txid;
  return result;
}

std::optional<approval> parse(std::string_view line, wire::line_decoder& decoder) {
  approval result;
  const auto at = take_until(' ', line);
  const auto txid = from_hex<hash256>(take_until(' ', line));
  if (!parse_number(at, result.at) || !txid)
    return std::nullopt;
  result.txid = *txid;
  for (auto outputs = take_until(' ', line); !outputs.empty();) {
    const auto output = parse_output(take_until(',', outputs));
    if (!output)
      return std::nullopt;
    result.outputs.push_back(*output);
  }
  if (line == "-")
    return result;
  auto decoded = decoder.decode(line);
  const auto* message = std::get_if<wire::message>(&decoded);
  const auto* tx = message ? std::get_if<wire::transaction_broadcast>(message) : nullptr;
  if (tx == nullptr)
    return std::nullopt;
  result.tx = tx->tx;
  return result;
}

}  // namespace

outcome<std::unique_ptr<file_approval_journal>>
file_approval_journal::open(const std::filesystem::path& file, std::size_t least_long_bytes) {
  std::unique_ptr<file_approval_journal> result{new file_approval_journal{file, least_long_bytes}};
  wire::line_decoder decoder;
  const auto read = result->file_.read([&](std::string_view line) {
    auto parsed = parse(line, decoder);
    const auto good = parsed.has_value();
    if (good)
      result->restored_.push_back(std::move(*parsed));
    return good;
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

outcome<void> file_approval_journal::write_down(std::span<const approval> some) {
  return file_.append(lines_of(some));
}

outcome<void> file_approval_journal::keep_only(std::span<const approval> these) {
  auto done = file_.rewrite(lines_of(these));
  long_from_ = std::max(least_long_, 2 * file_.size());
  return done;
}

}  // namespace timenode::chain
