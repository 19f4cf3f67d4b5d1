#include "app/line_files.hpp"

#include "chain/write_all.hpp"
#include "net/socket.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

namespace timenode::app {

namespace {

using net::unique_fd;

std::string system_reason(int error) {
  if (error == ENOSPC || error == EDQUOT)
    return "the disk is full";
  return std::generic_category().message(error);
}

/// What the file has, up to one byte more than a list may have; the errno on failure.
tl::expected<std::string, int> read_all(int fd) {
  std::string result;
  char chunk[64 << 10];
  while (result.size() <= max_list_bytes) {
    const auto got = ::read(fd, chunk, sizeof chunk);
    if (got == 0)
      return result;
    if (got > 0)
      result.append(chunk, static_cast<std::size_t>(got));
    else if (errno != EINTR)
      return tl::unexpected{errno};
  }
  return result;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> result;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (end > 0)
      result.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

}  // namespace

line_files::line_files(std::filesystem::path directory) : directory_{std::move(directory)} {}

std::filesystem::path line_files::file_of(const std::string& name) const {
  return directory_ / (name + ".list");
}

outcome<std::vector<std::string>> line_files::load(const std::string& name) {
  const auto file = file_of(name);
  const auto complain = [&file](int error) {
    return fail("cannot read " + file.string() + ": " + system_reason(error) +
                "; mend its rights, or remove it to begin without it");
  };
  const auto fd = unique_fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd && errno == ENOENT)
    return std::vector<std::string>{};
  if (!fd)
    return complain(errno);
  const auto text = read_all(fd.get());
  if (!text)
    return complain(text.error());
  if (text->size() > max_list_bytes)
    return fail(file.string() + " has more than " + std::to_string(max_list_bytes >> 20) +
                " MiB and so is no list of ours; remove it to begin without it");
  return split_lines(*text);
}

outcome<void> line_files::save(const std::string& name, const std::vector<std::string>& lines) {
  const auto file = file_of(name);
  auto fresh = file;
  fresh += ".new";
  std::string text;
  for (const auto& line : lines)
    text += line + '\n';
  const std::lock_guard guard{writing_};
  const auto complain = [&](int error) {
    ::unlink(fresh.c_str());
    return fail("cannot write " + file.string() + ": " + system_reason(error));
  };
  {
    const auto fd =
        unique_fd{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
    if (!fd)
      return complain(errno);
    if (!chain::write_all(fd.get(), text))
      return complain(errno);
    if (::fsync(fd.get()) != 0)
      return complain(errno);
  }
  if (::rename(fresh.c_str(), file.c_str()) != 0)
    return complain(errno);
  // The name is in the directory, and only this brings it to the disk.
  const auto dir = unique_fd{::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!dir || ::fsync(dir.get()) != 0)
    return fail("cannot bring " + file.string() + " to the disk: " + system_reason(errno));
  return {};
}

}  // namespace timenode::app
