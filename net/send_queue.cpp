#include "net/send_queue.hpp"

#include <algorithm>
#include <utility>

namespace timenode::net {

namespace {

/// An empty queue keeps room for this many buffers: enough for a conversation, little for an idle
/// peer.
constexpr std::size_t kept_capacity = 8;

/// The written part of the queue is cut off when it is at least this long, and half of all.
constexpr std::size_t compact_at = 64;

}  // namespace

void send_queue::push(shared_buffer bytes) {
  bytes_ += bytes->size();
  buffers_.push_back(std::move(bytes));
}

std::size_t send_queue::bytes_behind_front() const noexcept {
  return head_ == buffers_.size() ? 0 : bytes_ - (buffers_[head_]->size() - offset_);
}

std::size_t send_queue::gather(std::span<iovec> out, std::size_t most) const noexcept {
  std::size_t used = 0;
  std::size_t total = 0;
  auto offset = offset_;
  for (auto i = head_; i < buffers_.size() && used < out.size() && total < most; ++i) {
    const auto& text = *buffers_[i];
    // An iovec is not const-correct; sendmsg only reads.
    out[used++] = {.iov_base = const_cast<char*>(text.data()) + offset,
                   .iov_len = text.size() - offset};
    total += text.size() - offset;
    offset = 0;
  }
  return used;
}

void send_queue::consume(std::size_t count, std::span<shared_buffer> done) noexcept {
  bytes_ -= count;
  count += offset_;
  std::size_t finished = 0;
  while (head_ < buffers_.size() && count >= buffers_[head_]->size()) {
    count -= buffers_[head_]->size();
    auto buffer = std::move(buffers_[head_++]);
    if (finished < done.size())
      done[finished++] = std::move(buffer);
  }
  offset_ = count;
  if (head_ == buffers_.size()) {
    buffers_.clear();
    head_ = 0;
    if (buffers_.capacity() > kept_capacity)
      buffers_ = {};
  } else if (head_ >= compact_at && head_ * 2 >= buffers_.size()) {
    buffers_.erase(buffers_.begin(), buffers_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
}

void send_queue::clear() noexcept {
  *this = {};
}

}  // namespace timenode::net
