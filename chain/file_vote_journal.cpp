#include "chain/file_vote_journal.hpp"

#include "chain/hex.hpp"
#include "chain/sha256.hpp"
#include "messages/wire_codec.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

namespace timenode::chain {

namespace {

// A line is: checksum, height, deed, round, block hash, block as JSON or "-". The checksum is the first 16
// hexadecimal digits of the SHA-256 of what follows it.
constexpr std::size_t checksum_digits = 16;
constexpr std::array<std::string_view, 4> deed_names{"propose", "prepare", "lock", "vote"};

std::string system_reason() {
  return std::strerror(errno);
}

std::string checksum_of(std::string_view text) {
  return to_hex(sha256({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}))
      .substr(0, checksum_digits);
}

std::string line_of(std::uint64_t height, const signed_record& x, const block_ptr& block) {
  auto text = std::to_string(height) + " " +
              std::string{deed_names[static_cast<std::size_t>(x.what)]} + " " +
              std::to_string(x.round) + " " + to_hex(x.block) + " ";
  if (block)
    wire::encode_block(*block, text);
  else
    text += "-";
  return checksum_of(text) + " " + text + "\n";
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
  const auto checksum = take_word(line);  // of what is left of the line then
  if (checksum != checksum_of(line))
    return std::nullopt;
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

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

outcome<std::unique_ptr<file_vote_journal>>
file_vote_journal::open(const std::filesystem::path& file, std::size_t rewrite_above_bytes) {
  std::unique_ptr<file_vote_journal> result{new file_vote_journal{file, rewrite_above_bytes}};
  if (auto read = result->read(); !read)
    return tl::unexpected<failure>{std::move(read.error())};
  // What was cut short goes, so that the next line begins on a line of its own.
  if (auto written = result->rewrite(); !written)
    return tl::unexpected<failure>{std::move(written.error())};
  return result;
}

file_vote_journal::file_vote_journal(std::filesystem::path file, std::size_t rewrite_above_bytes)
    : file_(std::move(file)), rewrite_above_(rewrite_above_bytes) {}

file_vote_journal::~file_vote_journal() {
  if (fd_ >= 0)
    ::close(fd_);
}

outcome<void> file_vote_journal::read() {
  std::error_code error;
  if (!std::filesystem::exists(file_, error) && !error)
    return {};
  std::ifstream in{file_, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
  if (!in.is_open() || in.bad())
    return fail("cannot read the vote journal " + file_.string() + ": " + system_reason());
  wire::line_decoder decoder;
  std::string_view rest{text};
  for (std::size_t number_of_line = 1; !rest.empty(); ++number_of_line) {
    const auto end = rest.find('\n');
    if (end == rest.npos)
      return {};  // Cut short while it was written, so what it says was never sent.
    auto parsed = parse(rest.substr(0, end), decoder);
    rest.remove_prefix(end + 1);
    if (parsed)
      restore({parsed->height, parsed->record, std::move(parsed->block)});
    else if (!rest.empty())
      return fail("the vote journal " + file_.string() + " is damaged at line " +
                  std::to_string(number_of_line) +
                  ", so it is not known what this masternode signed. Wait until the network is a "
                  "few blocks further, then remove the file and start again");
  }
  return {};
}

outcome<void> file_vote_journal::store(const entry& x) {
  if (size_ > rewrite_above_)
    if (auto written = rewrite(); !written)
      return written;
  return append(line_of(x.height, x.record, x.block));
}

outcome<void> file_vote_journal::append(const std::string& lines) {
  if (write_all(fd_, lines) && ::fdatasync(fd_) == 0) {
    size_ += lines.size();
    return {};
  }
  const auto reason = system_reason();
  // Half a line must not stay before the next one.
  if (::ftruncate(fd_, static_cast<off_t>(size_)) != 0 || ::lseek(fd_, 0, SEEK_END) < 0)
    if (auto opened = reopen(); !opened)
      return opened;
  return fail("cannot write the vote journal " + file_.string() + ": " + reason +
              "; this masternode signs nothing until that works again");
}

/// What still counts, beside the old file and then in its place.
outcome<void> file_vote_journal::rewrite() {
  std::string text;
  for (const auto& x : entries())
    text += line_of(x.height, x.record, x.block);
  const auto next = file_.string() + ".new";
  const auto fd = ::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const auto written = fd >= 0 && write_all(fd, text) && ::fsync(fd) == 0;
  const auto reason = system_reason();
  if (fd >= 0)
    ::close(fd);
  if (!written || ::rename(next.c_str(), file_.c_str()) != 0)
    return fail("cannot write the vote journal " + next + ": " +
                (written ? system_reason() : reason));
  const auto directory = file_.has_parent_path() ? file_.parent_path().string() : ".";
  const auto parent = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent >= 0) {
    ::fsync(parent);
    ::close(parent);
  }
  return reopen();
}

outcome<void> file_vote_journal::reopen() {
  if (fd_ >= 0)
    ::close(fd_);
  fd_ = ::open(file_.c_str(), O_WRONLY | O_CLOEXEC);
  const auto end = fd_ >= 0 ? ::lseek(fd_, 0, SEEK_END) : -1;
  if (end < 0)
    return fail("cannot open the vote journal " + file_.string() + ": " + system_reason());
  size_ = static_cast<std::size_t>(end);
  return {};
}

}  // namespace timenode::chain
