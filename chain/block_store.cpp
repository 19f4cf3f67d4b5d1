#include "chain/block_store.hpp"

#include <string>

namespace timenode::chain {

namespace {

// Of a block that is stored already, only the height can be seen from here; `chain_state` holds the hash
// against it.
outcome<void> check_certificates(const store_batch& batch) {
  for (const auto& [height, certificate] : batch.certificates) {
    if (certificate.height != height || height == 0 || height > batch.tip.height)
      return fail("the batch has a certificate for height " + std::to_string(certificate.height) +
                  " in the place of " + std::to_string(height) + ", and its tip is at " +
                  std::to_string(batch.tip.height));
    for (const auto& x : batch.append)
      if (x.block->header.height == height && x.hash != certificate.block_hash)
        return fail("the batch's certificate for height " + std::to_string(height) +
                    " is one of another block");
  }
  return {};
}

}  // namespace

outcome<void> check_batch(const store_batch& batch, const chain_tip& tip,
                          std::uint64_t final_height) {
  if (batch.remove > tip.height)
    return fail("the batch would remove " + std::to_string(batch.remove) + " blocks from height " +
                std::to_string(tip.height) + " and so the genesis block");
  if (batch.remove > 0 && tip.height - batch.remove < final_height)
    return fail("the batch would remove " + std::to_string(batch.remove) + " blocks from height " +
                std::to_string(tip.height) + ", but block " + std::to_string(final_height) +
                " is final: its certificate is kept");
  if (batch.append.size() != batch.undo.size())
    return fail("the batch has " + std::to_string(batch.append.size()) + " blocks and " +
                std::to_string(batch.undo.size()) + " undo records");
  auto height = tip.height - batch.remove;
  for (const auto& x : batch.append)
    if (x.block == nullptr || x.block->header.height != ++height)
      return fail("the batch has a hole below height " + std::to_string(height));
  if (batch.tip.height != height ||
      (!batch.append.empty() && batch.tip.hash != batch.append.back().hash))
    return fail("the batch's tip is not its last block");
  return check_certificates(batch);
}

}  // namespace timenode::chain
