#include "tests/sim/sim_store.hpp"

#include "chain/chain_state.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

namespace sim {

using namespace timenode;

sim_disk::sim_disk(network_id network) : network_{network} {
  wipe();
}

void sim_disk::fill(std::span<const checked_block> blocks) {
  chain::chain_state{*chain_}.apply(blocks, std::numeric_limits<std::int64_t>::max() / 2, true);
  synced_ = chain_->tip().height;
}

void sim_disk::lose_unsynced() {
  if (chain_->tip().height <= synced_)
    return;
  const auto before = std::exchange(chain_, std::make_shared<chain::memory_store>(network_));
  std::vector<checked_block> checked;
  for (const auto& x : before->blocks(1, synced_, std::numeric_limits<std::size_t>::max()))
    checked.push_back(*chain::check_block(x));
  fill(checked);
  chain::store_batch proofs;
  proofs.tip = chain_->tip();
  for (std::uint64_t h = 1; h <= proofs.tip.height; ++h)
    if (auto x = before->certificate_at(h))
      proofs.certificates.emplace(h, std::move(*x));
  if (auto kept = chain_->commit(proofs, true); !kept)
    throw std::logic_error("the certificates before a power cut: " + kept.error().reason);
}

void sim_disk::wipe() {
  chain_ = std::make_shared<chain::memory_store>(network_);
  journal_ = std::make_shared<chain::memory_vote_journal>();
  approvals_ = std::make_shared<chain::memory_approval_journal>();
  lists_ = std::make_shared<net::memory_line_store>();
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
