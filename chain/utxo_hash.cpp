#include "chain/utxo_hash.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

namespace timenode::chain {

namespace {

// Whether l's decimal digits come before r's as text: 10 before 9.
bool before_as_text(std::uint32_t l, std::uint32_t r) noexcept {
  char left[10];  // The longest is 4294967295.
  char right[10];
  const auto left_end = std::to_chars(left, std::end(left), l).ptr;
  const auto right_end = std::to_chars(right, std::end(right), r).ptr;
  return std::lexicographical_compare(left, left_end, right, right_end);
}

}  // namespace

void utxo_hasher::add(const hash256& txid, const coin_group& coins) {
  const auto add_one = [&](std::uint32_t vout, const coin& x) {
    hasher_.update(txid).update_le(vout).update_le(x.value).update(x.script_pubkey);
  };
  count_ += coins.size();
  // Up to ten outputs (0 to 9) both orders agree, and few transactions have more.
  if (coins.empty() || coins.rbegin()->first < 10) {
    for (const auto& [vout, x] : coins)
      add_one(vout, x);
    return;
  }
  std::vector<const coin_group::value_type*> sorted;
  sorted.reserve(coins.size());
  for (const auto& entry : coins)
    sorted.push_back(&entry);
  std::sort(sorted.begin(), sorted.end(),
            [](const auto* l, const auto* r) { return before_as_text(l->first, r->first); });
  for (const auto* entry : sorted)
    add_one(entry->first, entry->second);
}

}  // namespace timenode::chain
