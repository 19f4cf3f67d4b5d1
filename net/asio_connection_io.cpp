// Reading and writing of asio_connection.

#include "net/asio_connection.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace timenode::net {

namespace {

/// One read takes at most this: 1,000 pings or half of a full blocks response. Larger chunks gain
/// little and hold up the other connections of the thread for longer.
constexpr std::size_t chunk_bytes = 64u << 10;

/// Reads in a row before the thread looks at the other connections.
constexpr int reads_per_turn = 4;

/// One write call takes at most this many buffers and about this many bytes; larger ones gain
/// nothing.
constexpr std::size_t buffers_per_write = 64;
constexpr std::size_t bytes_per_write = 256u << 10;

/// Write calls in a row before the thread looks at the other connections, and at our own input.
constexpr std::size_t writes_per_turn = 4;

/// A peer that goes on sending while we close is not listened to beyond this.
constexpr std::size_t max_drained_bytes = 4u << 20;

/// What each I/O thread has once, so that an idle connection needs neither.
struct thread_scratch {
  std::array<char, chunk_bytes + wire::line_decoder::padding> chunk{};
  wire::line_decoder decoder;
};

thread_scratch& scratch() {
  thread_local auto result = std::make_unique<thread_scratch>();
  return *result;
}

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK;
}

/// recv and sendmsg that nothing interrupts.
ssize_t receive(int fd, char* to, std::size_t size) {
  ssize_t result;
  do
    result = ::recv(fd, to, size, MSG_DONTWAIT);
  while (result < 0 && errno == EINTR);
  return result;
}

ssize_t send_all(int fd, std::span<iovec> from) {
  msghdr message{};
  message.msg_iov = from.data();
  message.msg_iovlen = from.size();
  ssize_t result;
  do
    result = ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (result < 0 && errno == EINTR);
  return result;
}

}  // namespace

// -- reading ------------------------------------------------------------------------

void asio_connection::resume_reading() {
  if (phase_ == phase::open && !read_waiting_)
    read();
}

void asio_connection::on_readable() {
  read_waiting_ = false;
  if (phase_ == phase::open)
    read();
  else if (phase_ == phase::closing)
    drain_input();
}

std::size_t asio_connection::may_read(std::size_t most) {
  std::lock_guard guard{mutex_};
  auto room = most;
  // One byte above the limit: the newline of a line that just keeps it, or the proof of one that
  // does not.
  if (!opened_up_)
    room = std::min<std::size_t>(room, greeting_bytes + 1 - received_);
  if (owed_messages_ >= read_credit_messages || owed_bytes_ >= read_credit_bytes || read_over_)
    room = 0;
  paused_ = room == 0;
  return close_reason_ ? 0 : room;
}

void asio_connection::read() {
  auto& to = scratch().chunk;
  for (int i = 0; i < reads_per_turn; ++i) {
    auto room = may_read(chunk_bytes);
    if (room == 0)
      return;
    auto got = receive(fd(), to.data(), room);
    if (got == 0)
      return on_eof();
    if (got < 0) {
      if (!would_block(errno))
        return finish(explain_errno(errno));
      break;
    }
    auto size = static_cast<std::size_t>(got);
    if (!deliver({to.data(), size}))
      return;
    if (size < room)
      break;  // Most likely that was all; if not, waiting ends at once.
  }
  // Not when this very step resumed while another wait is under way.
  if (!std::exchange(read_waiting_, true))
    wait_readable(&asio_connection::on_readable);
}

bool asio_connection::deliver(std::string_view chunk) {
  received_batch batch;
  bool opened_up;
  std::uint64_t received;
  {
    std::lock_guard guard{mutex_};
    received = received_ += chunk.size();
    opened_up = opened_up_;
  }
  framer_.limit(opened_up ? wire::max_line_bytes : greeting_bytes);
  framer_.feed(chunk);
  if (auto lines = count_lines(chunk))
    batch.lines.reserve(lines + 1);
  while (auto line = framer_.next()) {
    batch.bytes += line->size() + 1;
    batch.lines.push_back(scratch().decoder.decode_padded(*line));
  }
  if (const auto kept = framer_.buffered(); held_ || kept >= small_beginning_bytes) {
    held_ = kept >= small_beginning_bytes;
    engine_->hold_unfinished(*this, kept);
  }
  any_line_ = any_line_ || !batch.lines.empty();
  // Empty lines and a beginning can use up the greeting without a line that anyone could answer.
  if (!opened_up && received > greeting_bytes && !any_line_)
    framer_.fault();
  if (framer_.faulted()) {
    read_over_ = true;
    auto reason = opened_up
                      ? "a line longer than " + std::to_string(wire::max_line_bytes) + " bytes"
                      : "no line within the first " + std::to_string(greeting_bytes) + " bytes";
    batch.lines.emplace_back(wire::malformed_line{std::move(reason), framer_.evidence(), true});
  }
  if (batch.lines.empty())
    return true;
  {
    std::lock_guard guard{mutex_};
    if (close_reason_)
      return false;
    owed_messages_ += batch.lines.size();
    owed_bytes_ += batch.bytes;
    paused_ = paused_ || read_over_;
  }
  handler_->on_received(std::move(batch));
  return !read_over_;
}

void asio_connection::on_eof() {
  // It may have closed only its sending half and still take our last lines.
  while (write_some(1) == write_result::more)
    ;
  finish("closed by the peer");
}

void asio_connection::drain_input() {
  auto& to = scratch().chunk;
  for (int i = 0; i < reads_per_turn; ++i) {
    auto got = receive(fd(), to.data(), chunk_bytes);
    if (got < 0 && would_block(errno))
      break;
    if (got <= 0 || (drained_ += static_cast<std::size_t>(got)) > max_drained_bytes)
      return finish_close();
  }
  if (!std::exchange(read_waiting_, true))
    wait_readable(&asio_connection::on_readable);
}

// -- writing ------------------------------------------------------------------------

asio_connection::write_result asio_connection::write_some(std::size_t calls) {
  for (std::size_t i = 0; i < calls; ++i) {
    std::array<iovec, buffers_per_write> vectors;
    std::size_t used;
    std::size_t wanted = 0;
    {
      std::lock_guard guard{mutex_};
      used = queue_.gather(vectors, bytes_per_write);
      if (used == 0) {
        flushing_ = false;
        return write_result::emptied;
      }
    }
    for (std::size_t k = 0; k < used; ++k)
      wanted += vectors[k].iov_len;
    auto written = send_all(fd(), {vectors.data(), used});
    if (written < 0) {
      if (would_block(errno))
        return write_result::would_block;
      write_error_ = errno;
      return write_result::failed;
    }
    auto count = static_cast<std::size_t>(written);
    // Freed after the lock is: whoever sends must not wait for that.
    std::array<shared_buffer, buffers_per_write> done;
    std::lock_guard guard{mutex_};
    queue_.consume(count, done);
    sent_ += count;
    if (count < wanted)
      return write_result::would_block;
    if (queue_.empty()) {
      flushing_ = false;
      return write_result::emptied;
    }
  }
  return write_result::more;
}

void asio_connection::write_at_once(std::unique_lock<std::mutex>& guard) {
  // Open, not closing, and no step is writing: `flushing_` was not set, so the queue was empty.
  std::array<iovec, buffers_per_write> vectors;
  const auto used = queue_.gather(vectors, bytes_per_write);
  const auto written = send_all(fd(), {vectors.data(), used});
  std::array<shared_buffer, buffers_per_write> done;  // Freed after the lock is.
  if (written > 0) {
    queue_.consume(static_cast<std::size_t>(written), done);
    sent_ += static_cast<std::uint64_t>(written);
  }
  if (queue_.empty())
    flushing_ = false;
  else
    post(&asio_connection::flush);  // Waits for room, or finds what is wrong.
  guard.unlock();
}

void asio_connection::flush() {
  if (phase_ != phase::open)
    return;
  switch (write_some(writes_per_turn)) {
  case write_result::emptied:
    break;
  case write_result::would_block:
    wait_writable(&asio_connection::flush);
    break;
  case write_result::more: {
    std::lock_guard guard{mutex_};
    post(&asio_connection::flush);
    break;
  }
  case write_result::failed:
    return finish(explain_errno(write_error_));
  }
  after_write();
}

void asio_connection::after_write() {
  {
    std::lock_guard guard{mutex_};
    if (!above_low_water_ || queue_.bytes() >= send_low_water_bytes || close_reason_)
      return;
    above_low_water_ = false;
  }
  handler_->on_drained();
}

}  // namespace timenode::net
