#include "chain/journal_file.hpp"

#include "chain/hex.hpp"
#include "chain/sha256.hpp"
#include "chain/write_all.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

namespace timenode::chain {

namespace {

// Before each line stands the first 16 hexadecimal digits of its SHA-256.
constexpr std::size_t checksum_digits = 16;

std::string system_reason() {
  return std::strerror(errno);
}

std::string checksum_of(std::string_view text) {
  return to_hex(sha256({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}))
      .substr(0, checksum_digits);
}

std::string text_of(std::span<const std::string> lines) {
  std::string result;
  for (const auto& line : lines)
    result += checksum_of(line) + " " + line + "\n";
  return result;
}

}  // namespace

journal_file::journal_file(std::filesystem::path file, description what)
    : file_{std::move(file)}, what_{std::move(what)} {}

journal_file::~journal_file() {
  if (fd_ >= 0)
    ::close(fd_);
}

outcome<void> journal_file::read(const line_reader& take) const {
  std::error_code error;
  if (!std::filesystem::exists(file_, error) && !error)
    return {};
  std::ifstream in{file_, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
  if (!in.is_open() || in.bad())
    return fail("cannot read the " + what_.name + " " + file_.string() + ": " + system_reason());
  std::string_view rest{text};
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const auto end = rest.find('\n');
    if (end == rest.npos)
      return {};  // Cut short while it was written, so what it says was never sent.
    const auto line = rest.substr(0, end);
    const auto sum = line.substr(0, line.find(' '));
    const auto what = line.substr(std::min(line.size(), sum.size() + 1));
    rest.remove_prefix(end + 1);
    const auto good = sum == checksum_of(what) && take(what);
    // The disk may have had room for the end of the last line and not for all before it.
    if (!good && !rest.empty())
      return fail("the " + what_.name + " " + file_.string() + " is damaged at line " +
                  std::to_string(number) + ", so it is not known what this masternode signed. " +
                  what_.remedy);
  }
  return {};
}

outcome<void> journal_file::append(std::span<const std::string> lines) {
  const auto text = text_of(lines);
  if (write_all(fd_, text) && ::fdatasync(fd_) == 0) {
    size_ += text.size();
    return {};
  }
  const auto reason = system_reason();
  // Half a line must not stay before the next one.
  if (::ftruncate(fd_, static_cast<off_t>(size_)) != 0 || ::lseek(fd_, 0, SEEK_END) < 0)
    if (auto opened = reopen(); !opened)
      return opened;
  return fail("cannot write the " + what_.name + " " + file_.string() + ": " + reason +
              "; this masternode signs nothing until that works again");
}

outcome<void> journal_file::rewrite(std::span<const std::string> lines) {
  const auto next = file_.string() + ".new";
  const auto fd = ::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const auto written = fd >= 0 && write_all(fd, text_of(lines)) && ::fsync(fd) == 0;
  const auto reason = system_reason();
  if (fd >= 0)
    ::close(fd);
  if (!written || ::rename(next.c_str(), file_.c_str()) != 0)
    return fail("cannot write the " + what_.name + " " + next + ": " +
                (written ? system_reason() : reason));
  const auto directory = file_.has_parent_path() ? file_.parent_path().string() : ".";
  const auto parent = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent >= 0) {
    ::fsync(parent);
    ::close(parent);
  }
  return reopen();
}

outcome<void> journal_file::reopen() {
  if (fd_ >= 0)
    ::close(fd_);
  fd_ = ::open(file_.c_str(), O_WRONLY | O_CLOEXEC);
  const auto end = fd_ >= 0 ? ::lseek(fd_, 0, SEEK_END) : -1;
  if (end < 0)
    return fail("cannot open the " + what_.name + " " + file_.string() + ": " + system_reason());
  size_ = static_cast<std::size_t>(end);
  return {};
}

}  // namespace timenode::chain
