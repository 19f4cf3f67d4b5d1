#include "actors/block_buffer.hpp"

#include <algorithm>
#include <iterator>

namespace timenode::sync {

std::size_t block_buffer::insert(sourced_blocks blocks, std::size_t elsewhere) {
  const auto before = blocks_;
  sourced_blocks piece;
  for (auto& x : blocks) {
    if (!piece.empty() && x.height() != piece.back().height() + 1)
      add(std::exchange(piece, {}));
    if (find(x.height()) == nullptr)
      piece.push_back(std::move(x));
    else
      add(std::exchange(piece, {}));
  }
  add(std::move(piece));
  trim(max_bytes_ > elsewhere ? max_bytes_ - elsewhere : 0);
  return blocks_ > before ? blocks_ - before : 0;
}

void block_buffer::add(sourced_blocks segment) {
  if (segment.empty())
    return;
  for (const auto& x : segment)
    bytes_ += x.bytes;
  blocks_ += segment.size();
  const auto first = segment.front().height();
  segments_.emplace(first, std::move(segment));
}

void block_buffer::forget(const sourced_block& x) noexcept {
  bytes_ -= x.bytes;
  --blocks_;
}

void block_buffer::trim(std::size_t limit) {
  while (bytes_ > limit && blocks_ > 1) {
    const auto last = std::prev(segments_.end());
    forget(last->second.back());
    last->second.pop_back();
    if (last->second.empty())
      segments_.erase(last);
  }
}

block_buffer::segment_map::const_iterator block_buffer::segment_of(std::uint64_t height) const {
  auto i = segments_.upper_bound(height);
  if (i == segments_.begin())
    return segments_.end();
  --i;
  return height - i->first < i->second.size() ? i : segments_.end();
}

const sourced_block* block_buffer::find(std::uint64_t height) const {
  const auto i = segment_of(height);
  return i == segments_.end() ? nullptr : &i->second[height - i->first];
}

sourced_blocks block_buffer::take(std::uint64_t height, std::size_t max_blocks,
                                  std::size_t max_bytes) {
  sourced_blocks result;
  std::size_t bytes = 0;
  // What is below will not be asked for again, and what is taken out is cut from the front of a
  // segment.
  drop_below(height);
  while (!segments_.empty() && segments_.begin()->first == height + result.size()) {
    auto node = segments_.extract(segments_.begin());
    auto& blocks = node.mapped();
    auto end = blocks.begin();
    for (; end != blocks.end() && result.size() < max_blocks; ++end) {
      if (!result.empty() && bytes + end->bytes > max_bytes)
        break;
      bytes += end->bytes;
      forget(*end);
      result.push_back(std::move(*end));
    }
    if (end == blocks.end())
      continue;
    blocks.erase(blocks.begin(), end);
    node.key() = blocks.front().height();
    segments_.insert(std::move(node));
    break;
  }
  return result;
}

void block_buffer::drop_from(const ip_address& ip) {
  auto old = std::exchange(segments_, {});
  bytes_ = 0;
  blocks_ = 0;
  for (auto& [_, blocks] : old) {
    sourced_blocks piece;
    for (auto& x : blocks)
      if (x.from != ip)
        piece.push_back(std::move(x));
      else
        add(std::exchange(piece, {}));
    add(std::move(piece));
  }
}

void block_buffer::drop_below(std::uint64_t height) {
  while (!segments_.empty() && segments_.begin()->first < height) {
    auto node = segments_.extract(segments_.begin());
    auto& blocks = node.mapped();
    const auto below = std::min<std::uint64_t>(height - node.key(), blocks.size());
    const auto end = blocks.begin() + static_cast<std::ptrdiff_t>(below);
    std::for_each(blocks.begin(), end, [this](const auto& x) { forget(x); });
    blocks.erase(blocks.begin(), end);
    if (blocks.empty())
      continue;
    node.key() = height;
    segments_.insert(std::move(node));
  }
}

void block_buffer::clear() {
  segments_.clear();
  bytes_ = 0;
  blocks_ = 0;
}

std::uint64_t block_buffer::first_missing(std::uint64_t from) const {
  for (auto i = segment_of(from); i != segments_.end() && i->first <= from; ++i)
    from = i->first + i->second.size();
  return from;
}

void block_buffer::list(std::uint64_t from, std::vector<height_range>& out) const {
  auto i = segment_of(from);
  if (i == segments_.end())
    i = segments_.lower_bound(from);
  for (; i != segments_.end(); ++i)
    out.emplace_back(i->first, i->first + i->second.size() - 1);
}

}  // namespace timenode::sync
