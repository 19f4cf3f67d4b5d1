#include "chain/file_vote_journal.hpp"

#include "chain/hex.hpp"
#include "messages/wire_codec.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

namespace timenode::chain {

namespace {

// A line is: height, deed, round, block hash, block as JSON or "-".
constexpr std::array<std::string_view, 4> deed_names{"propose", "prepare", "lock", "vote"};

std::string line_of(std::uint64_t height, const signed_record& x, const block_ptr& block) {
  auto text = std::to_string(height) + " " +
              std::string{deed_names[static_cast<std::size_t>(x.what)]} + " " +
              std::to_string(x.round) + " " + to_hex(x.block) + " ";
  if (block)
    wire::encode_block(*block, text);
  else
    text += "-";
  return text;
}

std::string_view take_word(std::string_view& text) {
  const auto word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(text.size(), word.size() + 1));
  return word;
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t result = 0;
  const auto end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, result);
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != end)
    return std::nullopt;
  return result;
}

struct parsed_line {
  std::uint64_t height = 0;
  signed_record record;
  block_ptr block;
};

std::optional<parsed_line> parse(std::string_view line, wire::line_decoder& decoder) {
  const auto height = number(take_word(line));
  const auto deed = std::find(deed_names.begin(), deed_names.end(), take_word(line));
  const auto round = number(take_word(line));
  const auto hash = from_hex<hash256>(take_word(line));
  if (!height || deed == deed_names.end() || !round || !hash)
    return std::nullopt;
  parsed_line result{*height,
                     {static_cast<signed_record::deed>(deed - deed_names.begin()), *round, *hash},
                     nullptr};
  if (line == "-")
    return result;
  auto block = decoder.decode_block(line);
  if (!block)
    return std::nullopt;
  result.block = std::move(*block);
  return result;
}

}  // namespace

outcome<std::unique_ptr<file_vote_journal>>
file_vote_journal::open(const std::filesystem::path& file, std::size_t rewrite_above_bytes) {
  std::unique_ptr<file_vote_journal> result{new file_vote_journal{file, rewrite_above_bytes}};
  wire::line_decoder decoder;
  const auto read = result->file_.read([&](std::string_view line) {
    auto parsed = parse(line, decoder);
    if (parsed)
      result->restore({parsed->height, parsed->record, std::move(parsed->block)});
    return parsed.has_value();
  });
  if (!read)
    return tl::unexpected{read.error()};
  // What was cut short goes, so that the next line begins on a line of its own.
  if (const auto written = result->rewrite(); !written)
    return tl::unexpected{written.error()};
  return result;
}

file_vote_journal::file_vote_journal(const std::filesystem::path& file,
                                     std::size_t rewrite_above_bytes)
    : file_{file,
            {"vote journal", "Wait until the network is a few blocks further, then remove the file "
                             "and start again"}},
      rewrite_above_{rewrite_above_bytes} {}

outcome<void> file_vote_journal::store(const entry& x) {
  if (file_.size() > rewrite_above_)
    if (auto written = rewrite(); !written)
      return written;
  const std::array lines{line_of(x.height, x.record, x.block)};
  return file_.append(lines);
}

/// What still counts.
outcome<void> file_vote_journal::rewrite() {
  std::vector<std::string> lines;
  for (const auto& x : entries())
    lines.push_back(line_of(x.height, x.record, x.block));
  return file_.rewrite(lines);
}

}  // namespace timenode::chain
