#include "chain/vote_journal.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace timenode::chain {

namespace {

std::string_view to_text(signed_record::deed x) noexcept {
  constexpr std::string_view names[]{"proposal", "prepare", "lock", "vote"};
  return names[static_cast<std::size_t>(x)];
}

}  // namespace

std::vector<signed_record> vote_journal::signed_for(std::uint64_t height) const {
  std::vector<signed_record> result;
  for (const auto& x : entries_)
    if (x.height == height)
      result.push_back(x.record);
  return result;
}

block_ptr vote_journal::block_of(const hash256& block) const {
  for (const auto& x : entries_)
    if (x.record.block == block && x.block)
      return x.block;
  return nullptr;
}

outcome<void> vote_journal::write_down(std::uint64_t height, const signed_record& x,
                                       const block_ptr& block) {
  if (height + heights_kept <= highest_)
    return fail("height " + std::to_string(height) + " is too far below " +
                std::to_string(highest_) + ", for which this masternode has signed already");
  for (const auto& known : entries_) {
    if (known.height != height || known.record.what != x.what || known.record.round != x.round)
      continue;
    if (known.record.block == x.block)
      return {};
    return fail("another " + std::string{to_text(x.what)} + " was signed for height " +
                std::to_string(height) + ", round " + std::to_string(x.round));
  }
  auto made = entry{height, x, block};
  if (auto stored = store(made); !stored)
    return stored;
  restore(std::move(made));
  return {};
}

void vote_journal::restore(entry x) {
  highest_ = std::max(highest_, x.height);
  entries_.push_back(std::move(x));
  forget_old();
}

void vote_journal::forget_old() {
  std::erase_if(entries_, [this](const entry& x) { return x.height + heights_kept <= highest_; });
}

}  // namespace timenode::chain
