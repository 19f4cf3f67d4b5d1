#include "actors/answer_cache.hpp"

#include <iterator>
#include <utility>

namespace timenode {

wire::shared_line answer_cache::find(const range_key& key, const hash_source& hash_at) {
  const auto found = index_.find(key);
  if (found == index_.end())
    return nullptr;
  const auto i = found->second;
  if (hash_at(i->last_height) != i->last_hash) {
    erase(i);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, i);
  return i->line;
}

void answer_cache::insert(const range_key& key, std::uint64_t last_height, const hash256& last_hash,
                          wire::shared_line line) {
  if (line->size() > max_bytes_ / 4)
    return;
  if (const auto found = index_.find(key); found != index_.end())
    erase(found->second);
  bytes_ += line->size();
  entries_.push_front({key, last_height, last_hash, std::move(line)});
  index_.emplace(key, entries_.begin());
  while (bytes_ > max_bytes_)
    erase(std::prev(entries_.end()));
}

void answer_cache::erase(entry_list::iterator i) {
  bytes_ -= i->line->size();
  index_.erase(i->key);
  entries_.erase(i);
}

}  // namespace timenode
