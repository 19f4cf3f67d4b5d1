#include "actors/ask_book.hpp"

#include <algorithm>

namespace timenode::sync {

std::optional<ask_book::match> ask_book::answered(const ip_address& peer,
                                                  std::uint64_t first_height) {
  for (auto i = asks_.begin(); i != asks_.end() && i->first <= first_height; ++i)
    if (i->second.peer == peer && i->second.covers(first_height)) {
      auto result = match{i->second, false};
      asks_.erase(i);
      return result;
    }
  for (auto i = late_.begin(); i != late_.end(); ++i)
    if (i->peer == peer && i->covers(first_height)) {
      auto result = match{*i, true};
      late_.erase(i);
      return result;
    }
  return std::nullopt;
}

std::optional<ask_book::match> ask_book::answered_empty(const ip_address& peer) {
  auto oldest = asks_.end();
  for (auto i = asks_.begin(); i != asks_.end(); ++i)
    if (i->second.peer == peer &&
        (oldest == asks_.end() || i->second.asked_at < oldest->second.asked_at))
      oldest = i;
  if (oldest == asks_.end())
    return std::nullopt;
  auto result = match{oldest->second, false};
  asks_.erase(oldest);
  return result;
}

void ask_book::keep_late(const ask& x, monotonic_ns now) {
  if (late_.size() >= max_late_asks)
    late_.pop_front();
  late_.push_back(x);
  late_.back().expires = now + late_ask_life;
}

std::vector<ask> ask_book::expire(monotonic_ns now) {
  while (!late_.empty() && late_.front().expires <= now)
    late_.pop_front();
  std::vector<ask> result;
  for (auto i = asks_.begin(); i != asks_.end();) {
    if (i->second.expires > now) {
      ++i;
      continue;
    }
    result.push_back(i->second);
    keep_late(i->second, now);
    i = asks_.erase(i);
  }
  return result;
}

std::uint32_t ask_book::release(const ip_address& peer, bool may_answer, monotonic_ns now) {
  std::uint32_t result = 0;
  for (auto i = asks_.begin(); i != asks_.end();) {
    if (i->second.peer != peer) {
      ++i;
      continue;
    }
    ++result;
    if (may_answer)
      keep_late(i->second, now);
    i = asks_.erase(i);
  }
  if (!may_answer)
    std::erase_if(late_, [&](const ask& x) { return x.peer == peer; });
  return result;
}

void ask_book::list(std::uint64_t from, std::vector<height_range>& out) const {
  for (const auto& [first, x] : asks_)
    if (x.last >= from)
      out.emplace_back(first, x.last);
}

std::vector<const ask*> ask_book::covering(std::uint64_t height) const {
  std::vector<const ask*> result;
  for (auto i = asks_.begin(); i != asks_.end() && i->first <= height; ++i)
    if (i->second.covers(height))
      result.push_back(&i->second);
  return result;
}

std::optional<monotonic_ns> ask_book::next_expiry() const {
  std::optional<monotonic_ns> result;
  for (const auto& [_, x] : asks_)
    if (!result || x.expires < *result)
      result = x.expires;
  return result;
}

std::uint64_t ask_book::blocks() const noexcept {
  std::uint64_t result = 0;
  for (const auto& [_, x] : asks_)
    result += x.count();
  return result;
}

}  // namespace timenode::sync
