#pragma once

// Answers a peer's questions about the chain from the store's read side. Reads wait for the disk,
// so a running node spawns it detached.

#include "actors/answer_cache.hpp"
#include "actors/interfaces.hpp"
#include "chain/block_store.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace timenode {

class block_server_state {
 public:
  static constexpr auto name = "timenode.block-server";

  /// The shortest that an unspent output is on the wire: a larger set does not fit into 4 MiB for
  /// sure.
  static constexpr std::size_t least_utxo_bytes = 140;

  /// @param chain  What the chain keeper stores.
  block_server_state(block_server_actor::pointer self,
                     std::shared_ptr<const chain::chain_reader> chain);

  block_server_actor::behavior_type make_behavior();

 private:
  // An overload for each question; anything else is refused.
  caf::result<encoded_line> answer(const wire::get_block_height&);
  caf::result<encoded_line> answer(const wire::get_blocks&);
  caf::result<encoded_line> answer(const wire::get_block_range&);
  caf::result<encoded_line> answer(const wire::get_block_hash&);
  caf::result<encoded_line> answer(const wire::block_request&);
  caf::result<encoded_line> answer(const wire::get_genesis_hash&);
  caf::result<encoded_line> answer(const wire::consensus_query&);
  caf::result<encoded_line> answer(const wire::get_utxo_state_hash&);
  caf::result<encoded_line> answer(const wire::get_utxo_set&);
  template <class Other>
  caf::result<encoded_line> answer(const Other&);

  encoded_line range(std::uint64_t first, std::uint64_t last, range_kind kind);

  std::shared_ptr<const chain::chain_reader> chain_;
  answer_cache cache_;
};

using block_server = block_server_actor::stateful_impl<block_server_state>;

}  // namespace timenode
