#include "actors/seen_cache.hpp"

#include "chain/sha256.hpp"

namespace timenode {

hash256 item_hash(std::string_view line) noexcept {
  return chain::sha256_hasher{}.update(line).finish();
}

std::string evidence_of(std::string_view line) {
  // As long as what the decoder gives for a malformed line.
  constexpr std::size_t longest = 120;
  std::string result{line.substr(0, longest)};
  if (!result.empty() && result.back() == '\n')
    result.pop_back();
  for (auto& c : result)
    if (c < ' ' || c > '~')
      c = '.';
  return result;
}

seen_cache::seen_cache(std::size_t seen, std::size_t ignored) : seen_{seen}, ignored_{ignored} {}

bool seen_cache::add(const hash256& item, monotonic_ns now) {
  return !ignored_.contains(item, now) && seen_.insert(item, now, now + seen_for);
}

bool seen_cache::add_own(const hash256& item, monotonic_ns now) {
  ignored_.erase(item);
  return seen_.insert(item, now, now + seen_for);
}

void seen_cache::ignored(const hash256& item, monotonic_ns now) {
  seen_.erase(item);
  ignored_.insert(item, now, now + ignored_for);
}

void seen_cache::forget(const hash256& item) {
  seen_.erase(item);
}

}  // namespace timenode
