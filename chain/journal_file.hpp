#pragma once

// A text file that grows by lines that must not be lost: what a masternode is about to sign. Each has a checksum, a line
// that a crash cut short is left out, and any other damage is an error, for then it is not known what was signed.

#include "messages/outcome.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace timenode::chain {

class journal_file {
 public:
  struct description {
    std::string name;    ///< "vote journal"
    std::string remedy;  ///< What to do when it is damaged: a sentence without its full stop.
  };
  /// Takes a line without its checksum; false when it cannot be read.
  using line_reader = std::function<bool(std::string_view)>;

  journal_file(std::filesystem::path file, description what);
  ~journal_file();
  journal_file(const journal_file&) = delete;
  journal_file& operator=(const journal_file&) = delete;

  /// Gives all lines to `take`, in order; a file that is not there has none. Fails when it cannot be read or is damaged.
  outcome<void> read(const line_reader& take) const;
  /// Makes these the only lines, beside the old file and then in its place, and is ready to append.
  outcome<void> rewrite(std::span<const std::string> lines);
  /// Adds the lines and brings them to where they survive a crash: all with one sync. After `rewrite`. When it fails,
  /// none of them counts.
  outcome<void> append(std::span<const std::string> lines);

  /// Bytes.
  std::size_t size() const noexcept { return size_; }

 private:
  outcome<void> reopen();

  std::filesystem::path file_;
  description what_;
  int fd_ = -1;
  std::size_t size_ = 0;
};

}  // namespace timenode::chain
