#pragma once

// What a connection has yet to write.

#include "net/buffer.hpp"

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <vector>

namespace timenode::net {

/// Shared buffers in order, the first of them perhaps written in part. Holds no memory to speak of
/// when empty. Not thread-safe.
class send_queue {
 public:
  /// Appends. `bytes` must be neither null nor empty.
  void push(shared_buffer bytes);

  /// How many bytes wait.
  std::size_t bytes() const noexcept { return bytes_; }

  /// The same without the buffer that is being written: what a peer that does not read makes us keep,
  /// however long one message may be.
  std::size_t bytes_behind_front() const noexcept;

  bool empty() const noexcept { return bytes_ == 0; }

  /// Points `out` at the bytes in front, at most about `most` of them; returns how many entries
  /// were used. They hold until `consume` or `clear`, also while others `push`.
  std::size_t gather(std::span<iovec> out, std::size_t most) const noexcept;

  /// Drops the first `count` bytes. Buffers that are done are moved into `done` as far as it goes,
  /// so that the caller can free them outside its lock.
  void consume(std::size_t count, std::span<shared_buffer> done) noexcept;

  /// Drops everything.
  void clear() noexcept;

 private:
  std::vector<shared_buffer> buffers_;  ///< Those before `head_` are null.
  std::size_t head_ = 0;
  std::size_t offset_ = 0;  ///< How much of the front buffer is written.
  std::size_t bytes_ = 0;
};

}  // namespace timenode::net
