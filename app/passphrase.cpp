#include "app/passphrase.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace timenode::app {

namespace {

/// Longer than anybody types or any generator makes.
constexpr std::size_t max_passphrase = 1024;

std::string system_reason() {
  return std::strerror(errno);
}

/// Closes itself.
class descriptor {
 public:
  explicit descriptor(int fd) noexcept : fd_{fd} {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

/// Reads up to the end of a line, byte by byte: nothing behind it is taken away from others.
outcome<secret_text> read_line(int fd, const std::string& what) {
  std::string line;
  line.reserve(max_passphrase);  // so that it never moves and leaves copies behind
  for (;;) {
    char c = 0;
    const auto count = ::read(fd, &c, 1);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return fail("cannot read " + what + ": " + system_reason());
    if (count == 0 || c == '\n')
      return secret_text{std::move(line)};
    if (line.size() == max_passphrase)
      return fail("the passphrase in " + what + " is longer than " +
                  std::to_string(max_passphrase) + " bytes");
    line.push_back(c);
  }
}

/// The terminal does not show what is typed, as long as this lives.
class without_echo {
 public:
  explicit without_echo(int fd) noexcept : fd_{fd}, works_{::tcgetattr(fd, &before_) == 0} {
    auto quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    works_ = works_ && ::tcsetattr(fd_, TCSAFLUSH, &quiet) == 0;
  }
  without_echo(const without_echo&) = delete;
  without_echo& operator=(const without_echo&) = delete;
  ~without_echo() {
    if (works_)
      ::tcsetattr(fd_, TCSAFLUSH, &before_);
  }
  bool works() const noexcept { return works_; }

 private:
  int fd_;
  termios before_{};
  bool works_;
};

outcome<secret_text> ask(int fd, const std::string& prompt) {
  const auto say = [fd](std::string_view text) {
    return ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  };
  const without_echo quiet{fd};
  if (!quiet.works() || !say(prompt + ": "))
    return fail("the terminal cannot be used: " + system_reason());
  auto line = read_line(fd, "the terminal");
  say("\n");
  return line;
}

}  // namespace

outcome<secret_text> passphrase_from_file(const std::filesystem::path& file) {
  const descriptor in{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat info {};
  if (in.get() < 0 || ::fstat(in.get(), &info) != 0)
    return fail("cannot read the passphrase file " + file.string() + ": " + system_reason());
  if (S_ISREG(info.st_mode) && (info.st_mode & 077) != 0)
    return fail("others may read the passphrase file " + file.string() + ": run chmod 600 on it");
  auto line = read_line(in.get(), "the passphrase file " + file.string());
  if (line && line->empty())
    return fail("the first line of the passphrase file " + file.string() + " is empty");
  return line;
}

outcome<secret_text> passphrase_from_terminal(const std::string& prompt, bool twice) {
  const descriptor terminal{::open("/dev/tty", O_RDWR | O_CLOEXEC)};
  if (terminal.get() < 0)
    return fail("there is no terminal");
  auto first = ask(terminal.get(), prompt);
  if (!first || !twice)
    return first;
  const auto second = ask(terminal.get(), "The same again");
  if (!second)
    return tl::unexpected{second.error()};
  if (first->view() != second->view())
    return fail("the two passphrases differ");
  return first;
}

passphrase_source passphrase_for(std::optional<std::filesystem::path> file,
                                 std::filesystem::path about, bool is_new) {
  return [file = std::move(file), about = std::move(about), is_new]() -> outcome<secret_text> {
    if (file)
      return passphrase_from_file(*file);
    // Read before the first thread starts.
    if (const auto* text = std::getenv(passphrase_variable);
        text && *text)  // NOLINT(concurrency-mt-unsafe)
      return secret_text{text};
    auto typed = passphrase_from_terminal(
        (is_new ? "New passphrase for " : "Passphrase of ") + about.string(), is_new);
    if (typed)
      return typed;
    return fail("the key file " + about.string() + " needs a passphrase, and " +
                typed.error().reason + "; give it in a file (--passphrase-file, " +
                "masternode.passphrase_file) or in the environment variable " +
                passphrase_variable);
  };
}

}  // namespace timenode::app
