#include "app/key_file.hpp"

#include "chain/hex.hpp"
#include "chain/write_all.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

namespace timenode::app {

namespace {

/// A sealed key has some 300 bytes.
constexpr std::size_t max_key_file = 4096;

std::string system_reason() {
  return std::strerror(errno);
}

/// The text of a file, wiped in the end by the caller's `secret_text`.
outcome<secret_text> read_secret(const std::filesystem::path& file) {
  const auto fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fail("cannot read the key file " + file.string() + ": " + system_reason());
  struct stat info {};
  std::string text(max_key_file + 1, '\0');
  const auto known = ::fstat(fd, &info) == 0;
  const auto count = known ? ::read(fd, text.data(), text.size()) : -1;
  const auto reason = system_reason();
  ::close(fd);
  if (count < 0)
    return fail("cannot read the key file " + file.string() + ": " + reason);
  text.resize(static_cast<std::size_t>(count));
  if ((info.st_mode & 077) != 0)
    return fail("others may read the key file " + file.string() + ": run chmod 600 on it");
  return secret_text{std::move(text)};
}

outcome<void> make_directory_of(const std::filesystem::path& file) {
  std::error_code error;
  if (file.has_parent_path())
    std::filesystem::create_directories(file.parent_path(), error);
  if (error)
    return fail("cannot make the directory of the key file " + file.string() + ": " +
                error.message());
  return {};
}

}  // namespace

const timenode::public_key& stored_key::public_key() const noexcept {
  if (const auto* plain = std::get_if<chain::key_pair>(&content))
    return plain->public_key();
  return std::get<sealed_key>(content).key;
}

outcome<stored_key> read_key_file(const std::filesystem::path& file) {
  const auto secret = read_secret(file);
  if (!secret)
    return tl::unexpected{secret.error()};
  const auto text = secret->view();
  const auto line = text.substr(0, text.find('\n'));
  if (line.empty())
    return fail("the key file " + file.string() + " is empty");
  if (line == sealed_key_header) {
    auto sealed = parse_sealed_key(text);
    if (!sealed)
      return fail("the key file " + file.string() + " is damaged: " + sealed.error().reason);
    return stored_key{*sealed};
  }
  auto seed = chain::from_hex<chain::secret_seed>(line);
  if (!seed)
    return fail("the key file " + file.string() +
                " is damaged: 64 hexadecimal digits are expected on its first line, or \"" +
                std::string{sealed_key_header} + "\"");
  auto keys = chain::key_pair::from_seed(*seed);
  std::fill(seed->begin(), seed->end(), std::uint8_t{0});
  return stored_key{std::move(keys)};
}

outcome<chain::key_pair> open_key(const stored_key& x, const passphrase_source& passphrase) {
  if (const auto* plain = std::get_if<chain::key_pair>(&x.content))
    return *plain;
  const auto text = passphrase();
  if (!text)
    return tl::unexpected{text.error()};
  return unseal(std::get<sealed_key>(x.content), *text);
}

outcome<void> write_key_file(const std::filesystem::path& file, const chain::key_pair& keys,
                             const secret_text* passphrase, const passphrase_cost& cost) {
  secret_text text;
  if (passphrase) {
    const auto sealed = seal(keys, *passphrase, cost);
    if (!sealed)
      return tl::unexpected{sealed.error()};
    text = secret_text{to_text(*sealed)};
  } else {
    text = secret_text{chain::to_hex(keys.seed()) + "\n"};
  }
  if (auto made = make_directory_of(file); !made)
    return made;
  // Made with its final rights: it is never readable for others, not even for a moment.
  const auto fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 && errno == EEXIST)
    return fail("there is a key file " + file.string() +
                " already; a key is never overwritten: move it away, or name another file");
  if (fd < 0)
    return fail("cannot make the key file " + file.string() + ": " + system_reason());
  const auto written = chain::write_all(fd, text.view()) && ::fsync(fd) == 0;
  const auto reason = system_reason();
  ::close(fd);
  if (written)
    return {};
  ::unlink(file.c_str());
  return fail("cannot write the key file " + file.string() + ": " + reason);
}

outcome<chain::key_pair> load_or_create_key(const std::filesystem::path& file,
                                            const passphrase_source& passphrase) {
  std::error_code error;
  if (!std::filesystem::exists(file, error) && !error) {
    auto keys = chain::key_pair::generate();
    if (auto written = write_key_file(file, keys); !written)
      return tl::unexpected{written.error()};
    return keys;
  }
  const auto stored = read_key_file(file);
  if (!stored)
    return tl::unexpected{stored.error()};
  return open_key(*stored, passphrase);
}

}  // namespace timenode::app
