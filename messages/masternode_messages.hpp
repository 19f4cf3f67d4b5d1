#pragma once

// What actors tell each other of masternodes.

#include "messages/ip_address.hpp"
#include "messages/ledger.hpp"
#include "messages/link_types.hpp"
#include "messages/wire.hpp"

#include <caf/inspector_access.hpp>

#include <cstdint>
#include <string>

namespace timenode {

namespace wire {

template <class Inspector>
bool inspect(Inspector& f, masternode_tier& x) {
  return inspect_enum(f, x, masternode_tier::gold);
}

}  // namespace wire

struct masternode_entry {
  ip_address ip;
  std::string reward_address;
  wire::masternode_tier tier = wire::masternode_tier::free;
  public_key key{};
  bool active = false;
  bool ours = false;  ///< This node itself.
  bool connected = false;
  bool hearsay = false;            ///< Others named it; we never heard of it first hand.
  std::int64_t active_since = 0;   ///< Unix seconds; 0 while it is not active.
  std::int64_t first_seen = 0;     ///< Unix seconds.
  std::int64_t last_seen = 0;      ///< First hand.
  std::uint64_t heartbeat = 0;     ///< Last sequence number.
  std::uint64_t attestations = 0;  ///< Of the last heartbeat.
  std::string why;                 ///< The last transition's reason.

  template <class Inspector>
  friend bool inspect(Inspector& f, masternode_entry& x) {
    return f.object(x).fields(
        f.field("ip", x.ip), f.field("reward_address", x.reward_address), f.field("tier", x.tier),
        f.field("key", x.key), f.field("active", x.active), f.field("ours", x.ours),
        f.field("connected", x.connected), f.field("hearsay", x.hearsay),
        f.field("active_since", x.active_since), f.field("first_seen", x.first_seen),
        f.field("last_seen", x.last_seen), f.field("heartbeat", x.heartbeat),
        f.field("attestations", x.attestations), f.field("why", x.why));
  }
};

}  // namespace timenode
