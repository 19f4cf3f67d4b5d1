#pragma once

// What actors tell each other of masternodes.

#include "messages/ip_address.hpp"
#include "messages/ledger.hpp"
#include "messages/link_types.hpp"
#include "messages/wire.hpp"

#include <caf/inspector_access.hpp>

#include <cstdint>
#include <string>
#include <vector>

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
  std::int64_t uptime = 0;         ///< Seconds that it was active in all, up to now.
  std::string why;                 ///< The last transition's reason.

  template <class Inspector>
  friend bool inspect(Inspector& f, masternode_entry& x) {
    return f.object(x).fields(
        f.field("ip", x.ip), f.field("reward_address", x.reward_address), f.field("tier", x.tier),
        f.field("key", x.key), f.field("active", x.active), f.field("ours", x.ours),
        f.field("connected", x.connected), f.field("hearsay", x.hearsay),
        f.field("active_since", x.active_since), f.field("first_seen", x.first_seen),
        f.field("last_seen", x.last_seen), f.field("heartbeat", x.heartbeat),
        f.field("attestations", x.attestations), f.field("uptime", x.uptime),
        f.field("why", x.why));
  }
};

/// A masternode became active or inactive, or was refused something.
struct masternode_change {
  std::int64_t at = 0;  ///< Unix seconds.
  bool active = false;  ///< From then on.
  std::string why;

  template <class Inspector>
  friend bool inspect(Inspector& f, masternode_change& x) {
    return f.object(x).fields(f.field("at", x.at), f.field("active", x.active),
                              f.field("why", x.why));
  }
};

/// A heartbeat that came.
struct heartbeat_record {
  std::uint64_t sequence = 0;
  std::int64_t timestamp = 0;  ///< Unix seconds, as its masternode said.
  bool verified = false;       ///< Enough others attested to it.
  std::vector<ip_address> witnesses;

  template <class Inspector>
  friend bool inspect(Inspector& f, heartbeat_record& x) {
    return f.object(x).fields(f.field("sequence", x.sequence), f.field("timestamp", x.timestamp),
                              f.field("verified", x.verified), f.field("witnesses", x.witnesses));
  }
};

/// All that is known of one masternode, and why it counts as what it does.
struct masternode_detail {
  masternode_entry entry;
  bool known = false;                        ///< False: nothing is; the rest is empty.
  std::string belief;                        ///< Where knowledge of it comes from, as a sentence.
  std::string next;                          ///< What happens by itself, if nothing is heard.
  std::int64_t next_in = -1;                 ///< In so many seconds; -1: nothing will.
  std::vector<masternode_change> changes;    ///< The last ones, the latest first.
  std::vector<heartbeat_record> heartbeats;  ///< The last ones, the latest first.
  std::uint64_t verified_heartbeats = 0;     ///< Since it is known.

  template <class Inspector>
  friend bool inspect(Inspector& f, masternode_detail& x) {
    return f.object(x).fields(
        f.field("entry", x.entry), f.field("known", x.known), f.field("belief", x.belief),
        f.field("next", x.next), f.field("next_in", x.next_in), f.field("changes", x.changes),
        f.field("heartbeats", x.heartbeats), f.field("verified_heartbeats", x.verified_heartbeats));
  }
};

/// What came of heartbeats, all masternodes together.
struct attestation_stats {
  std::uint64_t kept = 0;             ///< Heartbeats that are remembered.
  std::uint64_t verified = 0;         ///< Of these.
  std::uint64_t masternodes = 0;      ///< That have any.
  std::uint64_t verified_in_all = 0;  ///< Also those that are not remembered any more.

  template <class Inspector>
  friend bool inspect(Inspector& f, attestation_stats& x) {
    return f.object(x).fields(f.field("kept", x.kept), f.field("verified", x.verified),
                              f.field("masternodes", x.masternodes),
                              f.field("verified_in_all", x.verified_in_all));
  }
};

}  // namespace timenode
