#include "chain/block_shelf.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace timenode::chain {

block_shelf::change block_shelf::plan(std::span<const shelved_block> removed,
                                      const store_batch& batch) const {
  change result;
  if (removed.empty() && blocks_.empty())
    return result;
  // Blocks lower than this cannot come back.
  const auto final_below =
      batch.tip.height > max_reorg_depth ? batch.tip.height - max_reorg_depth : 0;
  std::set<hash256> appended;
  for (const auto& x : batch.append)
    appended.insert(x.hash);

  auto left = blocks_;
  for (const auto& x : removed)
    if (x.bytes <= limit_)  // Else all others would go for it.
      left.emplace(key{x.height, x.hash}, x);
  auto bytes = std::size_t{0};
  for (const auto& [_, x] : left)
    bytes += x.bytes;
  for (auto i = left.begin(); i != left.end();) {
    const auto& x = i->second;
    if (x.height > final_below && bytes <= limit_ && !appended.contains(x.hash)) {
      ++i;
      continue;
    }
    bytes -= x.bytes;
    if (blocks_.contains(i->first))
      result.dropped.push_back(x);
    i = left.erase(i);
  }
  for (const auto& [k, x] : left)
    if (!blocks_.contains(k))
      result.added.push_back(x);
  return result;
}

void block_shelf::apply(const change& x) {
  for (const auto& y : x.dropped)
    drop(y);
  for (const auto& y : x.added)
    add(y);
}

void block_shelf::add(const shelved_block& x) {
  if (blocks_.emplace(key{x.height, x.hash}, x).second)
    bytes_ += x.bytes;
}

void block_shelf::drop(const shelved_block& x) {
  if (blocks_.erase(key{x.height, x.hash}) > 0)
    bytes_ -= x.bytes;
}

const shelved_block* block_shelf::find(const hash256& hash) const {
  const auto i = std::find_if(blocks_.begin(), blocks_.end(),
                              [&hash](const auto& x) { return x.first.second == hash; });
  return i == blocks_.end() ? nullptr : &i->second;
}

std::vector<shelved_block> block_shelf::list() const {
  std::vector<shelved_block> result;
  result.reserve(blocks_.size());
  for (const auto& [_, x] : blocks_)
    result.push_back(x);
  return result;
}

}  // namespace timenode::chain
