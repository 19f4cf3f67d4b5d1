#pragma once

#include "chain/keys.hpp"
#include "messages/wire.hpp"

#include <cstdint>
#include <string>

namespace timenode {

/// What makes this node a masternode.
struct masternode_identity {
  chain::key_pair keys;
  std::string reward_address;
  wire::masternode_tier tier = wire::masternode_tier::free;
  /// Sequence number of the first heartbeat. 0 stands for the Unix time at start, which is above
  /// all that an earlier run used (it beat at most every 54 s), so that no peer takes the first
  /// ones for replays.
  std::uint64_t first_sequence = 0;
};

}  // namespace timenode
