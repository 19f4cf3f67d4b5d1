#include "app/key_file.hpp"

#include "chain/hex.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

namespace timenode::app {

namespace {

std::string system_reason() {
  return std::strerror(errno);
}

outcome<chain::key_pair> create(const std::filesystem::path& file) {
  auto keys = chain::key_pair::generate();
  const auto seed = keys.seed();
  const auto text = chain::to_hex(seed) + "\n";
  // Made with its final rights: it is never readable for others, not even for a moment.
  const auto fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail("cannot make the key file " + file.string() + ": " + system_reason());
  const auto written = ::write(fd, text.data(), text.size());
  const auto synced = ::fsync(fd);
  ::close(fd);
  if (written != static_cast<ssize_t>(text.size()) || synced != 0) {
    ::unlink(file.c_str());
    return fail("cannot write the key file " + file.string() + ": " + system_reason());
  }
  return keys;
}

} // namespace

outcome<chain::key_pair> load_or_create_key(const std::filesystem::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) {
    if (errno == ENOENT)
      return create(file);
    return fail("cannot read the key file " + file.string() + ": " + system_reason());
  }
  if ((info.st_mode & 077) != 0)
    return fail("others may read the key file " + file.string() + ": run chmod 600 on it");
  std::ifstream in{file};
  std::string text;
  if (!std::getline(in, text))
    return fail("the key file " + file.string() + " is empty or cannot be read");
  const auto seed = chain::from_hex<chain::secret_seed>(text);
  if (!seed)
    return fail("the key file " + file.string()
                + " is damaged: 64 hexadecimal digits are expected on its first line");
  return chain::key_pair::from_seed(*seed);
}

} // namespace timenode::app
