#pragma once

// What actors tell each other, apart from the wire messages themselves: plain structs by subject,
// and here the whole node's and the CAF type ids of every type that travels. Who sends what to whom
// is in actors/interfaces.hpp. Every type here can cross to another machine: shared objects inspect
// as their value.

#include "messages/chain_messages.hpp"
#include "messages/consensus_messages.hpp"
#include "messages/ip_address.hpp"
#include "messages/ledger.hpp"
#include "messages/link_types.hpp"
#include "messages/masternode_messages.hpp"
#include "messages/mempool_messages.hpp"
#include "messages/network.hpp"
#include "messages/peer_messages.hpp"
#include "messages/sync_messages.hpp"
#include "messages/wake_call.hpp"
#include "messages/wire_codec.hpp"

#include <caf/inspector_access.hpp>
#include <caf/type_id.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace timenode {

// -- the whole node -----------------------------------------------------------

/// Everything that RPC, command line and dashboard show, taken within a second.
struct node_snapshot {
  registry_snapshot registry;
  std::vector<peer_snapshot> peers;  ///< One for each connection that answered.
  directory_snapshot directory;
  gossip_snapshot gossip;
  keeper_snapshot keeper;
  sync_snapshot sync;
  std::vector<masternode_entry> masternodes;
  attestation_stats attestations;
  consensus_snapshot consensus;
  mempool_snapshot mempool;
  std::map<std::string, std::uint64_t>
      invariant_violations;         ///< By name; all zero in a healthy node.
  std::vector<std::string> silent;  ///< Actors that did not answer in time.

  template <class Inspector>
  friend bool inspect(Inspector& f, node_snapshot& x) {
    return f.object(x).fields(
        f.field("registry", x.registry), f.field("peers", x.peers),
        f.field("directory", x.directory), f.field("gossip", x.gossip), f.field("keeper", x.keeper),
        f.field("sync", x.sync), f.field("masternodes", x.masternodes),
        f.field("attestations", x.attestations), f.field("consensus", x.consensus),
        f.field("mempool", x.mempool), f.field("invariant_violations", x.invariant_violations),
        f.field("silent", x.silent));
  }
};

/// What tells whether a node is well, of the same size however many peers it has: what is looked at again and again.
struct node_pulse {
  std::uint64_t established = 0;      ///< Peers (IPs) with an established connection.
  std::uint64_t known_addresses = 0;  ///< In the address book.
  keeper_snapshot keeper;
  sync_progress sync;
  std::map<std::string, std::uint64_t> invariant_violations;  ///< As in `node_snapshot`.
  std::vector<std::string> silent;                            ///< As in `node_snapshot`.

  template <class Inspector>
  friend bool inspect(Inspector& f, node_pulse& x) {
    return f.object(x).fields(
        f.field("established", x.established), f.field("known_addresses", x.known_addresses),
        f.field("keeper", x.keeper), f.field("sync", x.sync),
        f.field("invariant_violations", x.invariant_violations), f.field("silent", x.silent));
  }
};

/// What a snapshot tells of that.
inline node_pulse pulse_of(const node_snapshot& x) {
  return {x.registry.established, x.directory.known, x.keeper, x.sync,
          x.invariant_violations, x.silent};
}

// -- type ids -------------------------------------------------------------------

namespace wire {

template <class Inspector>
bool inspect(Inspector& f, unknown_message& x) {
  return f.object(x).fields(f.field("name", x.name));
}

template <class Inspector>
bool inspect(Inspector& f, malformed_line& x) {
  return f.object(x).fields(f.field("reason", x.reason), f.field("evidence", x.evidence),
                            f.field("fatal", x.fatal));
}

template <class Inspector>
bool inspect(Inspector& f, received_batch& x) {
  auto bytes = static_cast<std::uint64_t>(x.bytes);
  if (!f.object(x).fields(f.field("lines", x.lines), f.field("bytes", bytes)))
    return false;
  x.bytes = static_cast<std::size_t>(bytes);
  return true;
}

}  // namespace wire

}  // namespace timenode

// CAF would take the variant apart and want an id for each alternative; it travels as its line
// instead.
template <>
struct caf::inspector_access<timenode::wire::message>
    : caf::inspector_access_base<timenode::wire::message> {
  template <class Inspector>
  static bool apply(Inspector& f, timenode::wire::message& x) {
    return timenode::wire::inspect(f, x);
  }
};

// Ids are positions: new ones go to the end of the block.
CAF_BEGIN_TYPE_ID_BLOCK(timenode_messages, caf::first_custom_type_id)

CAF_ADD_TYPE_ID(timenode_messages, (timenode::ip_address))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::endpoint))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::hash256))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::public_key))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::chain_tip))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::block_handle))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::checked_block))
CAF_ADD_TYPE_ID(timenode_messages, (std::vector<timenode::checked_block>))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::block_batch))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::checked_batch))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::check_reply))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::apply_reply))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::wire::message))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::wire::unknown_message))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::wire::malformed_line))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::wire::decoded))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::wire::received_batch))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::wire::masternode_tier))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::encoded_line))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::wake_call))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::link_direction))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::link_phase))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::link_end))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::peer_info))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::link_report))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::violation))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::dial_purpose))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::dial_report))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::peer_snapshot))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::link_snapshot))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::known_peer_snapshot))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::ban_snapshot))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::registry_snapshot))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::directory_snapshot))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::flood_verdict))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::flood_judgement))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::gossip_snapshot))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::keeper_snapshot))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::sync_snapshot))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::masternode_entry))
CAF_ADD_TYPE_ID(timenode_messages, (std::vector<timenode::masternode_entry>))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::node_snapshot))
CAF_ADD_TYPE_ID(timenode_messages, (std::vector<std::string>))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::ip_network))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::trust_snapshot))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::peer_order))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::order_reply))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::address_snapshot))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::peer_explanation))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::introduction))
CAF_ADD_TYPE_ID(timenode_messages, (std::vector<timenode::ip_network>))
CAF_ADD_TYPE_ID(timenode_messages, (std::vector<timenode::ip_address>))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::peer_settings))

CAF_ADD_ATOM(timenode_messages, timenode::atom, accepted)
CAF_ADD_ATOM(timenode_messages, timenode::atom, alive)
CAF_ADD_ATOM(timenode_messages, timenode::atom, announce)
CAF_ADD_ATOM(timenode_messages, timenode::atom, apply)
CAF_ADD_ATOM(timenode_messages, timenode::atom, attach)
CAF_ADD_ATOM(timenode_messages, timenode::atom, check)
CAF_ADD_ATOM(timenode_messages, timenode::atom, close)
CAF_ADD_ATOM(timenode_messages, timenode::atom, closed)
CAF_ADD_ATOM(timenode_messages, timenode::atom, connected)
CAF_ADD_ATOM(timenode_messages, timenode::atom, drained)
CAF_ADD_ATOM(timenode_messages, timenode::atom, failed)
CAF_ADD_ATOM(timenode_messages, timenode::atom, flood)
CAF_ADD_ATOM(timenode_messages, timenode::atom, handshaken)
CAF_ADD_ATOM(timenode_messages, timenode::atom, judge)
CAF_ADD_ATOM(timenode_messages, timenode::atom, list)
CAF_ADD_ATOM(timenode_messages, timenode::atom, peer_down)
CAF_ADD_ATOM(timenode_messages, timenode::atom, peer_up)
CAF_ADD_ATOM(timenode_messages, timenode::atom, probe)
CAF_ADD_ATOM(timenode_messages, timenode::atom, roll_back)
CAF_ADD_ATOM(timenode_messages, timenode::atom, sample)
CAF_ADD_ATOM(timenode_messages, timenode::atom, serve)
CAF_ADD_ATOM(timenode_messages, timenode::atom, snapshot)
CAF_ADD_ATOM(timenode_messages, timenode::atom, stop)
CAF_ADD_ATOM(timenode_messages, timenode::atom, subscribe)
CAF_ADD_ATOM(timenode_messages, timenode::atom, tip)
CAF_ADD_ATOM(timenode_messages, timenode::atom, wake)
CAF_ADD_ATOM(timenode_messages, timenode::atom, want)
CAF_ADD_ATOM(timenode_messages, timenode::atom, commit)
CAF_ADD_ATOM(timenode_messages, timenode::atom, explain)
CAF_ADD_ATOM(timenode_messages, timenode::atom, introduced)
CAF_ADD_ATOM(timenode_messages, timenode::atom, learn)
CAF_ADD_ATOM(timenode_messages, timenode::atom, own_address)
CAF_ADD_ATOM(timenode_messages, timenode::atom, proven)
CAF_ADD_ATOM(timenode_messages, timenode::atom, save)
CAF_ADD_ATOM(timenode_messages, timenode::atom, useful)

CAF_ADD_TYPE_ID(timenode_messages, (timenode::chain_branch))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::branch_snapshot))
CAF_ADD_TYPE_ID(timenode_messages, (std::vector<timenode::branch_snapshot>))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::fork_snapshot))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::consensus_snapshot))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::masternode_detail))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::masternode_change))
CAF_ADD_TYPE_ID(timenode_messages, (std::vector<timenode::masternode_change>))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::heartbeat_record))
CAF_ADD_TYPE_ID(timenode_messages, (std::vector<timenode::heartbeat_record>))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::attestation_stats))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::block_filling))
CAF_ADD_ATOM(timenode_messages, timenode::atom, clock)
CAF_ADD_ATOM(timenode_messages, timenode::atom, extension)
CAF_ADD_ATOM(timenode_messages, timenode::atom, fill)
CAF_ADD_ATOM(timenode_messages, timenode::atom, changed)
CAF_ADD_TYPE_ID(timenode_messages, (timenode::offer_reply))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::mempool_entry))
CAF_ADD_TYPE_ID(timenode_messages, (std::vector<timenode::mempool_entry>))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::transaction_detail))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::pending_coins))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::mempool_snapshot))
CAF_ADD_ATOM(timenode_messages, timenode::atom, coins)
CAF_ADD_ATOM(timenode_messages, timenode::atom, offer)
CAF_ADD_TYPE_ID(timenode_messages, (timenode::node_pulse))
CAF_ADD_TYPE_ID(timenode_messages, (timenode::sync_progress))
CAF_ADD_ATOM(timenode_messages, timenode::atom, count)
CAF_ADD_ATOM(timenode_messages, timenode::atom, progress)
CAF_ADD_ATOM(timenode_messages, timenode::atom, pulse)
CAF_ADD_ATOM(timenode_messages, timenode::atom, believed)
CAF_ADD_ATOM(timenode_messages, timenode::atom, bans)
CAF_ADD_TYPE_ID(timenode_messages, (std::vector<timenode::ban_snapshot>))

CAF_END_TYPE_ID_BLOCK(timenode_messages)
