#include "actors/hash_desk.hpp"

#include <algorithm>

namespace timenode::sync {

bool hash_desk::ask(const ip_address& peer, std::uint64_t height, monotonic_ns now) {
  auto& questions = asked_[peer];
  std::erase_if(questions, [now](const question& x) { return now - x.asked_at >= life; });
  const auto same = std::find_if(questions.begin(), questions.end(),
                                 [height](const question& x) { return x.height == height; });
  if (same != questions.end()) {
    if (now - same->asked_at < patience)
      return false;
    same->asked_at = now;
    return true;
  }
  if (questions.size() >= max_per_peer)
    return false;
  questions.push_back({height, now});
  return true;
}

bool hash_desk::answered(const ip_address& peer, std::uint64_t height, monotonic_ns now) {
  const auto found = asked_.find(peer);
  if (found == asked_.end())
    return false;
  auto& questions = found->second;
  const auto i = std::find_if(questions.begin(), questions.end(),
                              [height](const question& x) { return x.height == height; });
  if (i == questions.end())
    return false;
  const auto valid = now - i->asked_at < life;
  questions.erase(i);
  if (questions.empty())
    asked_.erase(found);
  return valid;
}

std::size_t hash_desk::size() const noexcept {
  std::size_t result = 0;
  for (const auto& [_, questions] : asked_)
    result += questions.size();
  return result;
}

}  // namespace timenode::sync
