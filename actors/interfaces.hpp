#pragma once

// Every actor interface of the node in one place, with a comment a message: the whole conversation of the
// system on one page. Messages are in messages/node_messages.hpp; each actor is in the file of its name.
//
//   listener ──accepted──▶ connection_registry ◀──want── peer_directory
//                              │ spawns, monitors              ▲ peers, dial reports
//                              ▼                               │
//   transport ◀──bytes──▶ peer_connection ──messages──▶ gossip, sync_engine, masternode_table, mempool, ...
//                              ▲                               │
//   ticker ──wake──────────────┘          sync_engine ──apply──▶ chain_keeper ──▶ store
//
//   connection_registry, peer_directory ──save──▶ archive ──▶ files
//
// Messages marked INTERNAL are sent by an actor to itself or by its own plumbing.

#include "messages/node_messages.hpp"

#include <caf/typed_actor.hpp>

#include <utility>
#include <vector>

namespace timenode {

// -- small protocols that several actors speak ------------------------------------

/// Can be woken by the ticker.
using sleeper_actor = caf::typed_actor<
    // INTERNAL: The time asked for has come. The token is the one given to the ticker: one that is not the
    // sleeper's current token belongs to a state that has passed, and is dropped.
    auto(atom::wake, std::uint64_t)->caf::result<void>>;

/// Wakes sleepers: the one source of timeouts, so that CAF's clock holds one timer a node and not one a
/// connection (a firing costs it O(timers)).
using ticker_actor = caf::typed_actor<
    // Sends (wake, token) to the sleeper at that moment. There is no un-asking: an outdated token is dropped.
    auto(atom::wake, sleeper_actor, monotonic_ns, std::uint64_t)->caf::result<void>,
    // The same, in place of the sleeper's last call of this kind: for that one it is not woken any more.
    auto(atom::wake, sleeper_actor, wake_call)->caf::result<void>>;

/// Keeps small lists over restarts; runs apart since it waits for the disk.
using archive_actor = caf::typed_actor<
    // Keeps these lines under that name, in place of what was there. The answer is empty when they are safe on the
    // disk, else it says why not.
    auto(atom::save, std::string, std::vector<std::string>)->caf::result<std::string>>;

/// Takes messages of peers. `wire::message` names what it is.
using peer_message_actor = caf::typed_actor<
    // A message came from the peer with that IP.
    auto(ip_address, wire::message)->caf::result<void>>;

/// Judges flooded items before they are sent on.
using judge_actor = caf::typed_actor<
    // Is this item, which came from that peer, valid and worth sending on? Takes it over if so.
    auto(atom::judge, ip_address, wire::message)->caf::result<flood_judgement>>;

/// Is told when the chain grows or changes.
using tip_listener_actor = caf::typed_actor<
    // Our tip is now this one.
    auto(atom::tip, chain_tip)->caf::result<void>>;

// -- one connection -----------------------------------------------------------------

/// One connection to a peer, of either direction.
using peer_connection_actor = caf::typed_actor<
    // INTERNAL: The dial succeeded; our own end is there.
    auto(atom::connected, endpoint)->caf::result<void>,
    // INTERNAL: The dial failed, for this reason.
    auto(atom::failed, std::string)->caf::result<void>,
    // INTERNAL: The socket is gone, for this reason.
    auto(atom::closed, std::string)->caf::result<void>,
    // INTERNAL: Lines came.
    auto(wire::received_batch)->caf::result<void>,
    // INTERNAL: The send queue is short again.
    auto(atom::drained)->caf::result<void>,
    // Sends these lines to the peer.
    auto(encoded_line)->caf::result<void>,
    // Sends these lines to the peer if its Version lists that capability (wire.hpp); else they are dropped.
    auto(atom::extension, std::string, encoded_line)->caf::result<void>,
    // Closes the connection for this cause and reason.
    auto(atom::close, link_end, std::string)->caf::result<void>,
    // Our own IP became known, or another one: the peer is told.
    auto(atom::own_address, ip_address)->caf::result<void>,
    // Finds out at once whether the peer lives: pings, and tells the registry (alive) when anything came.
    auto(atom::probe)->caf::result<void>,
    // What it is, for the comparison with what others say of it: less work than its state.
    auto(atom::check)->caf::result<link_snapshot>,
    // Tells its state.
    auto(atom::snapshot)->caf::result<peer_snapshot>>
    // Conform to the protocol of a SLEEPER.
    ::extend_with<sleeper_actor>;

}  // namespace timenode

CAF_BEGIN_TYPE_ID_BLOCK(timenode_connections, caf::id_block::timenode_messages::end)

CAF_ADD_TYPE_ID(timenode_connections, (timenode::sleeper_actor))
CAF_ADD_TYPE_ID(timenode_connections, (timenode::tip_listener_actor))
CAF_ADD_TYPE_ID(timenode_connections, (timenode::peer_connection_actor))
CAF_ADD_TYPE_ID(timenode_connections,
                (std::pair<timenode::link_snapshot, timenode::peer_connection_actor>))
CAF_ADD_TYPE_ID(timenode_connections,
                (std::vector<std::pair<timenode::link_snapshot, timenode::peer_connection_actor>>))

CAF_END_TYPE_ID_BLOCK(timenode_connections)

namespace timenode {

/// The registry's connections with their actors.
using link_list = std::vector<std::pair<link_snapshot, peer_connection_actor>>;

/// Is told of peers that come and go.
using peer_listener_actor = caf::typed_actor<
    // The peer is established; talk to it through this connection. Comes again for the same IP, without a
    // peer_down between, when another connection takes over.
    auto(atom::peer_up, peer_info, peer_connection_actor)->caf::result<void>,
    // The peer has no established connection any more.
    auto(atom::peer_down, ip_address)->caf::result<void>>;

/// Knows the masternodes: all that those who decide with them need of their table.
using masternode_list_actor = caf::typed_actor<
    // Every masternode that is known first hand or attested. What is mere hearsay decides nothing, and a liar can
    // make thousands of it.
    auto(atom::believed)->caf::result<std::vector<masternode_entry>>>;

}  // namespace timenode

CAF_BEGIN_TYPE_ID_BLOCK(timenode_listeners, caf::id_block::timenode_connections::end)

CAF_ADD_TYPE_ID(timenode_listeners, (timenode::peer_listener_actor))
CAF_ADD_TYPE_ID(timenode_listeners, (timenode::masternode_list_actor))

CAF_END_TYPE_ID_BLOCK(timenode_listeners)

namespace timenode {

// -- peers ----------------------------------------------------------------------------

/// The address book and dialing plan.
using peer_directory_actor = caf::typed_actor<
    // What came of a dial.
    auto(dial_report)->caf::result<void>,
    // A masternode is said to be there.
    auto(atom::want, endpoint, dial_purpose)->caf::result<void>,
    // Addresses of possible peers, as "ip:port", from the list of a site that the operator named.
    auto(atom::learn, std::vector<std::string>)->caf::result<void>,
    // Our own IP became known, or another one.
    auto(atom::own_address, ip_address)->caf::result<void>,
    // Some peers to tell a peer about, as "ip:port".
    auto(atom::sample)->caf::result<std::vector<std::string>>,
    // The operator orders something of the dialing plan.
    auto(peer_order)->caf::result<order_reply>,
    // The configuration was read again.
    auto(peer_settings)->caf::result<void>,
    // What is known of an address.
    auto(atom::explain, ip_address)->caf::result<address_snapshot>,
    // Keeps the book for the next start; answers when that is done, or cannot be.
    auto(atom::save)->caf::result<void>,
    // Tells its state.
    auto(atom::snapshot)->caf::result<directory_snapshot>>
    // Conform to the protocols of a PEER LISTENER, a PEER MESSAGE taker and a SLEEPER.
    ::extend_with<peer_listener_actor>::extend_with<peer_message_actor>::extend_with<sleeper_actor>;

/// Sends flooded items on.
using gossip_actor = caf::typed_actor<
    // Floods an item of our own (an announced block, a heartbeat) to every peer.
    auto(atom::flood, wire::message)->caf::result<void>,
    // Tells its state.
    auto(atom::snapshot)->caf::result<gossip_snapshot>>
    // Conform to the protocols of a PEER LISTENER and a PEER MESSAGE taker.
    ::extend_with<peer_listener_actor>::extend_with<peer_message_actor>;

// -- chain ------------------------------------------------------------------------------

/// Answers a peer's questions about the chain from the store; runs apart since it may wait for the disk.
using block_server_actor = caf::typed_actor<
    // The answer to GetBlocks, GetBlockRange, GetBlockHash, GetUTXOStateHash, ConsensusQuery, ... as a line.
    auto(atom::serve, wire::message)->caf::result<encoded_line>>;

/// Checks what can be checked of blocks without the chain; there are several.
using block_checker_actor = caf::typed_actor<
    // Checks blocks in order up to the first bad one.
    auto(atom::check, block_batch)->caf::result<check_reply>>;

/// Owns the tip, the unspent outputs and all writes to the store.
using chain_keeper_actor = caf::typed_actor<
    // Applies blocks that follow each other, the first on our tip.
    auto(atom::apply, checked_batch)->caf::result<apply_reply>,
    // Makes a committed block final: the batch has the block, or nothing when it may be on our chain already; the
    // message is its BlockCommit, whose signatures the sender has checked. Blocks without a certificate that are
    // in its place go. `applied` is 1 when the block was new to the chain.
    auto(atom::commit, checked_batch, wire::message)->caf::result<apply_reply>,
    // Takes that many blocks off the top; none that is final.
    auto(atom::roll_back, std::uint64_t)->caf::result<apply_reply>,
    // Puts a branch in place of our blocks above the last common one: all of it, or nothing changes.
    auto(atom::apply, chain_branch)->caf::result<apply_reply>,
    // The tip, at once.
    auto(atom::tip)->caf::result<chain_tip>,
    // Tells the listener of each new tip from now on.
    auto(atom::subscribe, tip_listener_actor)->caf::result<void>,
    // Tells its state.
    auto(atom::snapshot)->caf::result<keeper_snapshot>>;

/// Downloads what is missing.
using sync_engine_actor = caf::typed_actor<
    // From here on new blocks at our tip that did not come by flooding go out through this actor, which asks us
    // to judge.
    auto(atom::attach, gossip_actor)->caf::result<void>,
    // From here on the masternodes of this list are asked when peers have another chain than we.
    auto(atom::attach, masternode_list_actor)->caf::result<void>,
    // Tells how far it is.
    auto(atom::progress)->caf::result<sync_progress>,
    // The same to who goes by what these peers say: `ahead` is how many of them have more than we and are believed.
    auto(atom::progress, std::vector<ip_address>)->caf::result<sync_progress>,
    // Tells its state.
    auto(atom::snapshot)->caf::result<sync_snapshot>>
    // Conform to the protocols of a PEER LISTENER, a PEER MESSAGE taker (heights, hashes, blocks), a JUDGE (of
    // announced blocks), a TIP LISTENER and a SLEEPER.
    ::extend_with<peer_listener_actor>::extend_with<peer_message_actor>::extend_with<
        judge_actor>::extend_with<tip_listener_actor>::extend_with<sleeper_actor>;

// -- masternodes ------------------------------------------------------------------------

/// Works under our own IP, as a masternode does.
using own_address_listener_actor = caf::typed_actor<
    // It became known, or is another one.
    auto(atom::own_address, ip_address)->caf::result<void>>;

/// The table of masternodes, keyed by IP.
using masternode_table_actor = caf::typed_actor<
    // Every masternode that is known.
    auto(atom::list)->caf::result<std::vector<masternode_entry>>,
    // The answer to GetMasternodes: the active ones.
    auto(atom::serve)->caf::result<encoded_line>,
    // What is known of one, and why it counts as what it does.
    auto(atom::explain, ip_address)->caf::result<masternode_detail>,
    // What came of heartbeats.
    auto(atom::snapshot)->caf::result<attestation_stats>,
    // Keeps the table for the next start; answers when that is done, or cannot be.
    auto(atom::save)->caf::result<void>,
    // The lines that we introduce ourselves with to a new peer: our announcement, if we are a masternode.
    auto(atom::announce)->caf::result<std::vector<wire::message>>,
    // From here on our own heartbeats and attestations go out through this actor, which asks us to judge.
    auto(atom::attach, gossip_actor)->caf::result<void>>
    // Conform to the protocols of a MASTERNODE LIST, a PEER LISTENER, a PEER MESSAGE taker (announcements, lists), a
    // JUDGE (of heartbeats and attestations), an OWN ADDRESS LISTENER and a SLEEPER.
    ::extend_with<masternode_list_actor>::extend_with<peer_listener_actor>::extend_with<
        peer_message_actor>::extend_with<judge_actor>::extend_with<own_address_listener_actor>::
        extend_with<sleeper_actor>;

// -- consensus --------------------------------------------------------------------------

/// Has transactions for blocks.
using transaction_source_actor = caf::typed_actor<
    // The best of them for a block on our tip, at most so many bytes of bincode.
    auto(atom::fill, std::uint64_t)->caf::result<block_filling>>;

/// Keeps the transactions that are in no block yet.
using mempool_actor = caf::typed_actor<
    // A transaction of this node's user: a TransactionBroadcast.
    auto(atom::offer, wire::message)->caf::result<offer_reply>,
    // The answer to GetPendingTransactions or UTXOStateQuery, as a line.
    auto(atom::serve, wire::message)->caf::result<encoded_line>,
    // All that wait, best fee rate first.
    auto(atom::list)->caf::result<std::vector<mempool_entry>>,
    // One of them.
    auto(atom::explain, hash256)->caf::result<transaction_detail>,
    // What they do to that address.
    auto(atom::coins, std::string)->caf::result<pending_coins>,
    // From here on transactions and votes of our own go out through this actor, which asks us to judge.
    auto(atom::attach, gossip_actor)->caf::result<void>,
    // To itself: what it has approved since is written down, and said. One sync of the disk is for all of it.
    auto(atom::save)->caf::result<void>,
    // Tells its state.
    auto(atom::snapshot)->caf::result<mempool_snapshot>>
    // Conform to the protocols of a TRANSACTION SOURCE, a PEER LISTENER, a PEER MESSAGE taker (what a peer
    // answers to GetPendingTransactions), a JUDGE (of transactions and votes), a TIP LISTENER, an OWN ADDRESS
    // LISTENER and a SLEEPER.
    ::extend_with<transaction_source_actor>::extend_with<peer_listener_actor>::extend_with<
        peer_message_actor>::extend_with<judge_actor>::extend_with<tip_listener_actor>::
        extend_with<own_address_listener_actor>::extend_with<sleeper_actor>;

/// Decides on blocks with the other masternodes.
using block_producer_actor = caf::typed_actor<
    // From here on our own proposals, ballots and votes go out through this actor, which asks us to judge.
    auto(atom::attach, gossip_actor)->caf::result<void>,
    // A peer's clock is so many seconds ahead of ours.
    auto(atom::clock, ip_address, std::int64_t)->caf::result<void>,
    // Tells its state.
    auto(atom::snapshot)->caf::result<consensus_snapshot>>
    // Conform to the protocols of a PEER LISTENER, a JUDGE (of proposals, ballots, votes and commits), a TIP
    // LISTENER, an OWN ADDRESS LISTENER and a SLEEPER.
    ::extend_with<peer_listener_actor>::extend_with<judge_actor>::extend_with<
        tip_listener_actor>::extend_with<own_address_listener_actor>::extend_with<sleeper_actor>;

/// Where a connection takes the messages of its peer.
struct peer_routes {
  peer_directory_actor directory;
  gossip_actor gossip;
  block_server_actor blocks;
  sync_engine_actor sync;
  masternode_table_actor masternodes;
  block_producer_actor producer;  ///< Is told of clocks.
  mempool_actor mempool;

  template <class Inspector>
  friend bool inspect(Inspector& f, peer_routes& x) {
    return f.object(x).fields(f.field("directory", x.directory), f.field("gossip", x.gossip),
                              f.field("blocks", x.blocks), f.field("sync", x.sync),
                              f.field("masternodes", x.masternodes),
                              f.field("producer", x.producer), f.field("mempool", x.mempool));
  }
};
/// All connections have the same.
using shared_routes = std::shared_ptr<const peer_routes>;

}  // namespace timenode

CAF_BEGIN_TYPE_ID_BLOCK(timenode_actors, caf::id_block::timenode_listeners::end)

CAF_ADD_TYPE_ID(timenode_actors, (std::vector<timenode::wire::message>))
CAF_ADD_TYPE_ID(timenode_actors, (timenode::peer_directory_actor))
CAF_ADD_TYPE_ID(timenode_actors, (timenode::gossip_actor))
CAF_ADD_TYPE_ID(timenode_actors, (timenode::block_server_actor))
CAF_ADD_TYPE_ID(timenode_actors, (timenode::sync_engine_actor))
CAF_ADD_TYPE_ID(timenode_actors, (timenode::masternode_table_actor))
CAF_ADD_TYPE_ID(timenode_actors, (timenode::peer_routes))
CAF_ADD_TYPE_ID(timenode_actors, (timenode::block_producer_actor))
CAF_ADD_TYPE_ID(timenode_actors, (timenode::mempool_actor))

CAF_END_TYPE_ID_BLOCK(timenode_actors)

namespace timenode {

// -- the registry, which knows all of the above ---------------------------------------------

/// The one place that decides which connections there are.
using connection_registry_actor = caf::typed_actor<
    // INTERNAL: A connection was accepted and waits in the transport under this number.
    auto(atom::accepted, std::uint64_t, endpoint)->caf::result<void>,
    // From here on connections can be made; their messages go to these actors.
    auto(atom::attach, peer_routes)->caf::result<void>,
    // This peer should be connected, by them or by us, from now on and for good.
    auto(atom::want, endpoint, dial_purpose)->caf::result<void>,
    // This peer is not wanted any more; an existing connection stays.
    auto(atom::want, ip_address)->caf::result<void>,
    // A dial's socket is up; our own end is there.
    auto(atom::connected, link_id, endpoint)->caf::result<void>,
    // A connection's handshake is done.
    auto(atom::handshaken, link_id)->caf::result<void>,
    // What the peer says of itself after the handshake.
    auto(atom::introduced, link_id, introduction)->caf::result<void>,
    // Something came over a connection after the registry probed it.
    auto(atom::alive, link_id)->caf::result<void>,
    // A connection closes or has closed, and why; its actor ends when its socket has.
    auto(link_report)->caf::result<void>,
    // A peer sent bytes that are provably wrong.
    auto(violation)->caf::result<void>,
    // A peer gave us something valid that we did not have yet: a block, a flooded item.
    auto(atom::useful, ip_address)->caf::result<void>,
    // A peer has just shown, by its signature over its own connection, that it is a masternode.
    auto(atom::proven, ip_address)->caf::result<void>,
    // The operator orders something about peers.
    auto(peer_order)->caf::result<order_reply>,
    // The configuration was read again.
    auto(peer_settings)->caf::result<void>,
    // Tells the listener of every peer that is up, and of all that come and go from now on.
    auto(atom::subscribe, peer_listener_actor)->caf::result<void>,
    // All connections, with their actors.
    auto(atom::list)->caf::result<link_list>,
    // The same, and how many connections ended by a fault of ours so far.
    auto(atom::check)->caf::result<link_list, std::uint64_t>,
    // How many peers (IPs) have an established connection.
    auto(atom::count)->caf::result<std::uint64_t>,
    // What is done about an address and why; also of one that was never heard of.
    auto(atom::explain, ip_address)->caf::result<known_peer_snapshot>,
    // Whom it keeps out, and why.
    auto(atom::bans)->caf::result<std::vector<ban_snapshot>>,
    // Closes all connections and answers when the last socket is gone.
    auto(atom::stop)->caf::result<void>,
    // Tells its state.
    auto(atom::snapshot)->caf::result<registry_snapshot>>
    // Conform to the protocol of a SLEEPER.
    ::extend_with<sleeper_actor>;

// -- the whole ------------------------------------------------------------------------------

/// Collects what the others know.
using telemetry_actor = caf::typed_actor<
    // Asks every actor for its snapshot and answers within a second with what came.
    auto(atom::snapshot)->caf::result<node_snapshot>,
    // Asks every actor but the connections how it is, for those who look again and again.
    auto(atom::pulse)->caf::result<node_pulse>,
    // An order was carried out: who asks from now on is told nothing from before.
    auto(atom::changed)->caf::result<void>,
    // Asks those who know about one address; answers within a second, too.
    auto(atom::explain, ip_address)->caf::result<peer_explanation>>
    // Conform to the protocol of a SLEEPER.
    ::extend_with<sleeper_actor>;

/// The actors of one node, for those who ask them from outside.
struct node_actors {
  connection_registry_actor registry;
  peer_directory_actor directory;
  gossip_actor gossip;
  chain_keeper_actor keeper;
  sync_engine_actor sync;
  masternode_table_actor masternodes;
  block_producer_actor producer;
  mempool_actor mempool;
  telemetry_actor telemetry;

  template <class Inspector>
  friend bool inspect(Inspector& f, node_actors& x) {
    return f.object(x).fields(f.field("registry", x.registry), f.field("directory", x.directory),
                              f.field("gossip", x.gossip), f.field("keeper", x.keeper),
                              f.field("sync", x.sync), f.field("masternodes", x.masternodes),
                              f.field("producer", x.producer), f.field("mempool", x.mempool),
                              f.field("telemetry", x.telemetry));
  }
};

/// Owns the actor tree.
using supervisor_actor = caf::typed_actor<
    // The actors of the node.
    auto(atom::list)->caf::result<node_actors>,
    // Stops everything in order and answers when it is gone, within 5 s; then the supervisor ends too.
    auto(atom::stop)->caf::result<void>>
    // Conform to the protocol of a SLEEPER.
    ::extend_with<sleeper_actor>;

}  // namespace timenode

CAF_BEGIN_TYPE_ID_BLOCK(timenode_node, caf::id_block::timenode_actors::end)

CAF_ADD_TYPE_ID(timenode_node, (timenode::connection_registry_actor))
CAF_ADD_TYPE_ID(timenode_node, (timenode::telemetry_actor))
CAF_ADD_TYPE_ID(timenode_node, (timenode::chain_keeper_actor))
CAF_ADD_TYPE_ID(timenode_node, (timenode::node_actors))

CAF_END_TYPE_ID_BLOCK(timenode_node)
