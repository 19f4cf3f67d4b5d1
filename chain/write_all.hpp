#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string_view>

namespace timenode::chain {

/// Writes all of `bytes` to a file descriptor, going on after signals and partial writes (write(2)). False with `errno` set when it
/// cannot: some of them may have been written then. Allocates nothing, so that a signal handler may call it.
inline bool write_all(int fd, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const auto count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0) {
      errno = count == 0 ? ENOSPC : errno;  // POSIX leaves open what nothing written means
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace timenode::chain
