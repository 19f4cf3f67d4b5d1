#include "chain/block_store.hpp"

#include <string>

namespace timenode::chain {

outcome<void> check_batch(const store_batch& batch, const chain_tip& tip) {
  if (batch.remove > tip.height)
    return fail("the batch would remove " + std::to_string(batch.remove) + " blocks from height "
                + std::to_string(tip.height) + " and so the genesis block");
  if (batch.append.size() != batch.undo.size())
    return fail("the batch has " + std::to_string(batch.append.size()) + " blocks and "
                + std::to_string(batch.undo.size()) + " undo records");
  auto height = tip.height - batch.remove;
  for (const auto& x : batch.append)
    if (x.block == nullptr || x.block->header.height != ++height)
      return fail("the batch has a hole below height " + std::to_string(height));
  if (batch.tip.height != height
      || (!batch.append.empty() && batch.tip.hash != batch.append.back().hash))
    return fail("the batch's tip is not its last block");
  return {};
}

} // namespace timenode::chain
