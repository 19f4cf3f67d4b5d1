#include "tests/sim/sim_store.hpp"

#include "chain/chain_state.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace sim {

using namespace timenode;

sim_disk::sim_disk(network_id network)
    : network_{network}, chain_{std::make_shared<chain::memory_store>(network)} {}

void sim_disk::fill(std::span<const checked_block> blocks) {
  chain::chain_state{*chain_}.apply(blocks, std::numeric_limits<std::int64_t>::max() / 2, true);
  synced_ = chain_->tip().height;
}

void sim_disk::lose_unsynced() {
  if (chain_->tip().height <= synced_)
    return;
  const auto blocks = chain_->blocks(1, synced_, std::numeric_limits<std::size_t>::max());
  std::vector<checked_block> checked;
  for (const auto& x : blocks)
    checked.push_back(*chain::check_block(x));
  wipe();
  fill(checked);
}

void sim_disk::wipe() {
  chain_ = std::make_shared<chain::memory_store>(network_);
  synced_ = 0;
}

sim_store::sim_store(std::shared_ptr<sim_disk> disk, committed tell)
    : disk_{std::move(disk)}, chain_{disk_->chain()}, tell_{std::move(tell)} {}

outcome<void> sim_store::commit(const chain::store_batch& batch, bool sync) {
  if (frozen_)
    return fail("the process has ended");
  const auto before = chain_->tip();
  if (auto result = chain_->commit(batch, sync); !result)
    return result;
  const auto height = chain_->tip().height;
  disk_->synced_ = sync ? height : std::min(disk_->synced_, height - batch.append.size());
  tell_(batch, before);
  return {};
}

}  // namespace sim
