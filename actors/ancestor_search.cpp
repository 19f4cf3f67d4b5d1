#include "actors/ancestor_search.hpp"

#include <algorithm>

namespace timenode::sync {

ancestor_search::ancestor_search(std::uint64_t differs, const hash256& their_hash,
                                 std::uint64_t tip, std::uint64_t max_depth) noexcept
    : high_{differs}, high_hash_{their_hash}, floor_{tip > max_depth ? tip - max_depth : 0} {}

std::optional<std::uint64_t> ancestor_search::next() const noexcept {
  if (high_ == low_ + 1 || too_deep())
    return std::nullopt;
  if (!galloping_)
    return low_ + (high_ - low_) / 2;
  // Genesis is the same for certain: peers of another network do not get past the handshake.
  const auto least = std::max<std::uint64_t>(floor_, low_ + 1);
  return high_ > least + step_ ? high_ - step_ : least;
}

void ancestor_search::answered(const hash256& theirs, const hash256& ours) noexcept {
  const auto asked = next();
  if (!asked)
    return;
  if (theirs == ours) {
    low_ = *asked;
    galloping_ = false;
    return;
  }
  high_ = *asked;
  high_hash_ = theirs;
  step_ *= 2;
}

std::optional<std::uint64_t> ancestor_search::found() const noexcept {
  return high_ == low_ + 1 && !too_deep() ? std::optional{low_} : std::nullopt;
}

}  // namespace timenode::sync
