#include "chain/salvage.hpp"

#include "chain/chain_state.hpp"

#include <limits>
#include <utility>
#include <vector>

namespace timenode::chain {

namespace {

// What is asked of the old store at a time, and goes into the new one as one batch.
constexpr std::uint64_t blocks_per_step = 1000;
constexpr std::size_t bytes_per_step = 8u << 20;
// A block that was stored was not too far ahead when it came, whatever the clock says today.
constexpr auto end_of_time = std::numeric_limits<std::int64_t>::max();

}  // namespace

salvage_report salvage(const chain_reader& from, block_store& to,
                       const salvage_callback& progress) {
  salvage_report result;
  chain_state state{to};
  const auto last = from.tip().height;
  while (result.ended_because.empty() && result.height < last) {
    const auto first = result.height + 1;
    const auto blocks = from.blocks(first, first + blocks_per_step - 1, bytes_per_step);
    std::vector<checked_block> checked;
    for (const auto& x : blocks) {
      auto next = check_block(x);
      if (!next) {
        result.ended_because = std::move(next.error().reason);
        break;
      }
      checked.push_back(std::move(*next));
    }
    if (blocks.empty()) {
      const auto trouble = from.trouble();
      result.ended_because = "block " + std::to_string(first) + " cannot be read" +
                             (trouble ? " (" + trouble->reason + ")" : std::string{});
    }
    if (checked.empty())
      break;
    auto applied = state.apply(checked, end_of_time, true);
    result.height += applied.applied;
    if (applied.rejected) {
      result.ended_because = std::move(applied.rejected->reason);
      result.storage_failed = applied.storage_failed;
    }
    if (result.ended_because.empty() && progress && !progress(result.height)) {
      result.cancelled = true;
      return result;
    }
  }
  return result;
}

}  // namespace timenode::chain
