#pragma once

// Checks blocks without the chain: sizes, merkle root, rewards, no double spend inside. There are
// several, so that checking uses the cores.

#include "actors/interfaces.hpp"

#include <caf/typed_event_based_actor.hpp>

namespace timenode {

class block_checker_state {
 public:
  static constexpr auto name = "timenode.block-checker";

  explicit block_checker_state(block_checker_actor::pointer) {}

  block_checker_actor::behavior_type make_behavior();
};

using block_checker = block_checker_actor::stateful_impl<block_checker_state>;

}  // namespace timenode
