#pragma once

// Chain files: one block a line, as JSON in the wire form (protocol page, section 3), from low to high;
// plain or compressed with xz.

#include "chain/file_stream.hpp"
#include "messages/ledger.hpp"
#include "messages/outcome.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace timenode::chain {

/// Reads the blocks of a file one after the other. Uses at most some MB more than twice the longest
/// line that is allowed (8 MiB), whatever the file holds.
class chain_file_reader {
 public:
  /// "-" is the standard input. Compression is told by the file's first bytes.
  static outcome<chain_file_reader> open(const std::string& name);
  chain_file_reader(chain_file_reader&&) noexcept;
  chain_file_reader& operator=(chain_file_reader&&) noexcept;
  ~chain_file_reader();

  /// The next block; none at the end of the file. Empty lines are passed over. The failure begins with
  /// the line's number ("line 17: ..."); no more can be read then. Nothing about the block is checked but
  /// its form.
  outcome<std::optional<block_ptr>> next();

  /// Number of the line that `next` returned or failed on last, from 1.
  std::uint64_t line() const noexcept;
  /// Bytes taken from the file so far, as it lies on the disk.
  std::uint64_t bytes_consumed() const noexcept;
  /// Size of the file; none for a pipe.
  std::optional<std::uint64_t> bytes_total() const noexcept;

 private:
  struct impl;
  explicit chain_file_reader(std::unique_ptr<impl> x) noexcept;
  std::unique_ptr<impl> impl_;
};

/// Writes blocks to a file, which has its name only from `finish` on (see `output_stream`).
class chain_file_writer {
 public:
  /// "-" is the standard output; a name that ends in ".xz" is compressed.
  static outcome<chain_file_writer> create(const std::string& name);

  outcome<void> write(const block& x);
  outcome<void> finish() { return out_.finish(); }

 private:
  explicit chain_file_writer(output_stream out) noexcept : out_(std::move(out)) {}

  output_stream out_;
  std::string line_;  ///< Kept for its memory.
};

}  // namespace timenode::chain
