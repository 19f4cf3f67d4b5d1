#include "net/line_budget.hpp"

namespace timenode::net {

std::optional<line_budget::holder> line_budget::hold(holder who, std::size_t bytes,
                                                     monotonic_ns now) {
  now_ = now;
  const auto i = lines_.find(who);
  if (bytes < small_beginning_bytes) {
    if (i != lines_.end())
      release(who);
    return excess();
  }
  auto& x = i != lines_.end() ? i->second : lines_.emplace(who, line{0, now}).first->second;
  // Fewer bytes than before: the line was finished, and another one began.
  if (bytes < x.bytes)
    x.since = now;
  total_ += bytes - x.bytes;
  x.bytes = bytes;
  return excess();
}

void line_budget::release(holder who) {
  const auto i = lines_.find(who);
  if (i == lines_.end())
    return;
  total_ -= i->second.bytes;
  lines_.erase(i);
}

std::optional<line_budget::holder> line_budget::excess() {
  if (total_ <= limit_)
    return std::nullopt;
  // Half of the average at least, so that what goes helps; there is always one above the average.
  const auto worth_it = total_ / lines_.size() / 2;
  const auto growth = [this](const line& x) {
    return static_cast<double>(x.bytes) / static_cast<double>(now_ - x.since + 1);
  };
  auto victim = lines_.end();
  for (auto i = lines_.begin(); i != lines_.end(); ++i)
    if (i->second.bytes >= worth_it &&
        (victim == lines_.end() || growth(i->second) < growth(victim->second)))
      victim = i;
  const auto result = victim->first;
  release(result);
  return result;
}

}  // namespace timenode::net
