#pragma once

// Files of bytes, plain or compressed with xz, read and written piece by piece.

#include "messages/outcome.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace timenode::chain {

/// Reads a file from its beginning. What begins with xz's magic bytes is decompressed, whatever its name.
class input_stream {
 public:
  /// "-" is the standard input. The failure names the file and the reason.
  static outcome<input_stream> open(const std::string& name);
  input_stream(input_stream&&) noexcept;
  input_stream& operator=(input_stream&&) noexcept;
  ~input_stream();

  /// Fills the buffer from the front and returns how many bytes came; 0 at the end, and only there. The
  /// failure says whether the file cannot be read, is damaged, or ends in the middle.
  outcome<std::size_t> read(std::span<char> buffer);

  /// "standard input", or the file's name.
  const std::string& name() const noexcept;
  /// Bytes taken from the file so far, as it lies on the disk.
  std::uint64_t bytes_consumed() const noexcept;
  /// Size of the file when it was opened; none when it is a pipe or a terminal.
  std::optional<std::uint64_t> bytes_total() const noexcept;

 private:
  struct impl;
  explicit input_stream(std::unique_ptr<impl> x) noexcept;
  std::unique_ptr<impl> impl_;
};

/// Writes a file, under its name only when it is complete: until `finish`, the bytes are in a temporary
/// file beside it, which goes away with the stream.
class output_stream {
 public:
  /// Compresses when the name ends in ".xz". "-" is the standard output, never compressed. A name that
  /// is there and is no regular file (a pipe, a device) is written to directly.
  static outcome<output_stream> create(const std::string& name);
  output_stream(output_stream&&) noexcept;
  output_stream& operator=(output_stream&&) noexcept;
  ~output_stream();

  /// The failure names the file and the reason; the stream is of no use then.
  outcome<void> write(std::string_view bytes);

  /// Writes out what is left, syncs, and gives the file its name, replacing what had it.
  outcome<void> finish();

 private:
  struct impl;
  explicit output_stream(std::unique_ptr<impl> x) noexcept;
  std::unique_ptr<impl> impl_;
};

}  // namespace timenode::chain
