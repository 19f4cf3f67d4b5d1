#pragma once

// The protocol page, section 3, as descriptions: what every struct is called on the wire and which fields
// it has, in the order in which the reference writes them. Adding a message takes its struct in
// `wire.hpp`, its place in `wire::message` and its description here.

#include "messages/wire.hpp"
#include "messages/wire_form.hpp"

namespace timenode::wire {

// -- the ledger -------------------------------------------------------------------

template <>
struct form<outpoint> : record<field<"txid", &outpoint::txid>, field<"vout", &outpoint::vout>> {};

template <>
struct form<tx_input>
    : record<field<"previous_output", &tx_input::previous_output>,
             field<"script_sig", &tx_input::script_sig>, field<"sequence", &tx_input::sequence>> {};

template <>
struct form<tx_output>
    : record<field<"value", &tx_output::value>, field<"script_pubkey", &tx_output::script_pubkey>> {
};

template <>
struct form<transaction>
    : record<field<"version", &transaction::version>, field<"inputs", &transaction::inputs>,
             field<"outputs", &transaction::outputs>, field<"lock_time", &transaction::lock_time>,
             field<"timestamp", &transaction::timestamp>> {};

template <>
struct form<block_header>
    : record<field<"version", &block_header::version>, field<"height", &block_header::height>,
             field<"previous_hash", &block_header::previous_hash>,
             field<"merkle_root", &block_header::merkle_root>,
             field<"timestamp", &block_header::timestamp>,
             field<"block_reward", &block_header::block_reward>> {};

template <>
struct form<block>
    : record<field<"header", &block::header>, field<"transactions", &block::transactions>,
             field<"masternode_rewards", &block::masternode_rewards>> {};

// -- connection -------------------------------------------------------------------

template <>
struct form<handshake> : named<"Handshake", field<"magic", &handshake::magic>,
                               field<"protocol_version", &handshake::protocol_version>,
                               field<"network", &handshake::network>> {};

template <>
struct form<ack> : named<"Ack", field<"message_type", &ack::message_type>> {};

template <>
struct form<ping>
    : named<"Ping", field<"nonce", &ping::nonce>, field<"timestamp", &ping::timestamp>> {};

template <>
struct form<pong>
    : named<"Pong", field<"nonce", &pong::nonce>, field<"timestamp", &pong::timestamp>> {};

template <>
struct form<version_info> : named<"Version", field<"version", &version_info::version>,
                                  field<"commit_date", &version_info::commit_date>,
                                  field<"commit_count", &version_info::commit_count>,
                                  field<"protocol_version", &version_info::protocol_version>,
                                  field<"network", &version_info::network>,
                                  field<"listen_addr", &version_info::listen_addr>,
                                  field<"timestamp", &version_info::timestamp>,
                                  field<"capabilities", &version_info::capabilities>,
                                  field<"wallet_address", &version_info::wallet_address>,
                                  field<"genesis_hash", &version_info::genesis_hash>> {};

// -- peers ------------------------------------------------------------------------

template <>
struct form<get_peers> : unit<"GetPeers"> {};

template <>
struct form<peers_response> : unnamed<"PeersResponse", &peers_response::peers> {};

// -- blocks -----------------------------------------------------------------------

template <>
struct form<get_block_height> : unit<"GetBlockHeight"> {};

template <>
struct form<block_height_response>
    : unnamed<"BlockHeightResponse", &block_height_response::height> {};

template <>
struct form<get_blocks> : unnamed<"GetBlocks", &get_blocks::start, &get_blocks::end> {};

template <>
struct form<blocks_response> : unnamed<"BlocksResponse", &blocks_response::blocks> {};

template <>
struct form<get_block_range>
    : named<"GetBlockRange", field<"start_height", &get_block_range::start_height>,
            field<"end_height", &get_block_range::end_height>> {};

template <>
struct form<block_range_response> : unnamed<"BlockRangeResponse", &block_range_response::blocks> {};

template <>
struct form<get_block_hash> : unnamed<"GetBlockHash", &get_block_hash::height> {};

template <>
struct form<block_hash_response>
    : named<"BlockHashResponse", field<"height", &block_hash_response::height>,
            field<"hash", &block_hash_response::hash>> {};

template <>
struct form<block_request> : unnamed<"BlockRequest", &block_request::height> {};

template <>
struct form<block_response> : unnamed<"BlockResponse", &block_response::block> {};

template <>
struct form<block_announcement> : unnamed<"BlockAnnouncement", &block_announcement::block> {};

template <>
struct form<get_genesis_hash> : unit<"GetGenesisHash"> {};

template <>
struct form<genesis_hash_response> : unnamed<"GenesisHashResponse", &genesis_hash_response::hash> {
};

template <>
struct form<consensus_query> : named<"ConsensusQuery", field<"height", &consensus_query::height>,
                                     field<"block_hash", &consensus_query::block_hash>> {};

template <>
struct form<consensus_query_response>
    : named<"ConsensusQueryResponse", field<"agrees", &consensus_query_response::agrees>,
            field<"height", &consensus_query_response::height>,
            field<"their_hash", &consensus_query_response::their_hash>> {};

template <>
struct form<block_proposal> : named<"BlockProposal", field<"block", &block_proposal::block>,
                                    field<"proposer", &block_proposal::proposer>,
                                    field<"signature", &block_proposal::signature>,
                                    field<"round", &block_proposal::round>> {};

template <>
struct form<block_vote>
    : named<"BlockVote", field<"block_hash", &block_vote::block_hash>,
            field<"height", &block_vote::height>, field<"voter", &block_vote::voter>,
            field<"signature", &block_vote::signature>, field<"approve", &block_vote::approve>> {};

template <>
struct form<block_commit> : named<"BlockCommit", field<"block_hash", &block_commit::block_hash>,
                                  field<"height", &block_commit::height>,
                                  field<"signatures", &block_commit::signatures>> {};

// -- transactions -----------------------------------------------------------------

template <>
struct form<transaction_broadcast> : unnamed<"TransactionBroadcast", &transaction_broadcast::tx> {};

template <>
struct form<transaction_vote_request>
    : unnamed<"TransactionVoteRequest", &transaction_vote_request::txid> {};

template <>
struct form<transaction_vote>
    : named<"TransactionVote", field<"txid", &transaction_vote::txid>,
            field<"voter", &transaction_vote::voter>, field<"approve", &transaction_vote::approve>,
            field<"timestamp", &transaction_vote::timestamp>,
            field<"signature", &transaction_vote::signature>> {};

template <>
struct form<transaction_finalized>
    : named<"TransactionFinalized", field<"txid", &transaction_finalized::txid>,
            field<"votes", &transaction_finalized::votes>> {};

template <>
struct form<transaction_rejected>
    : named<"TransactionRejected", field<"txid", &transaction_rejected::txid>,
            field<"reason", &transaction_rejected::reason>> {};

template <>
struct form<get_pending_transactions> : unit<"GetPendingTransactions"> {};

template <>
struct form<pending_transactions_response>
    : unnamed<"PendingTransactionsResponse", &pending_transactions_response::transactions> {};

// -- unspent outputs --------------------------------------------------------------

template <>
struct form<utxo_unspent> : unit<"Unspent"> {};

template <>
struct form<utxo_locked> : named<"Locked", field<"txid", &utxo_locked::txid>,
                                 field<"locked_at", &utxo_locked::locked_at>> {};

template <>
struct form<utxo_spent_pending> : named<"SpentPending", field<"txid", &utxo_spent_pending::txid>,
                                        field<"votes", &utxo_spent_pending::votes>,
                                        field<"total_nodes", &utxo_spent_pending::total_nodes>,
                                        field<"spent_at", &utxo_spent_pending::spent_at>> {};

template <>
struct form<utxo_spent_finalized>
    : named<"SpentFinalized", field<"txid", &utxo_spent_finalized::txid>,
            field<"finalized_at", &utxo_spent_finalized::finalized_at>,
            field<"votes", &utxo_spent_finalized::votes>> {};

template <>
struct form<utxo_confirmed> : named<"Confirmed", field<"txid", &utxo_confirmed::txid>,
                                    field<"block_height", &utxo_confirmed::block_height>,
                                    field<"confirmed_at", &utxo_confirmed::confirmed_at>> {};

template <>
struct form<utxo>
    : record<field<"outpoint", &utxo::output>, field<"value", &utxo::value>,
             field<"script_pubkey", &utxo::script_pubkey>, field<"address", &utxo::address>> {};

template <>
struct form<utxo_state_query> : unnamed<"UTXOStateQuery", &utxo_state_query::outpoints> {};

template <>
struct form<utxo_state_response> : unnamed<"UTXOStateResponse", &utxo_state_response::states> {};

template <>
struct form<utxo_state_update>
    : named<"UTXOStateUpdate", field<"outpoint", &utxo_state_update::output>,
            field<"state", &utxo_state_update::state>> {};

template <>
struct form<utxo_state_notification>
    : named<"UTXOStateNotification", field<"outpoint", &utxo_state_notification::output>,
            field<"new_state", &utxo_state_notification::new_state>,
            field<"timestamp", &utxo_state_notification::timestamp>> {};

template <>
struct form<get_utxo_set> : unit<"GetUTXOSet"> {};

template <>
struct form<utxo_set_response> : unnamed<"UTXOSetResponse", &utxo_set_response::utxos> {};

template <>
struct form<get_utxo_state_hash> : unit<"GetUTXOStateHash"> {};

template <>
struct form<utxo_state_hash_response>
    : named<"UTXOStateHashResponse", field<"hash", &utxo_state_hash_response::hash>,
            field<"height", &utxo_state_hash_response::height>,
            field<"utxo_count", &utxo_state_hash_response::utxo_count>> {};

template <>
struct form<subscribe>
    : named<"Subscribe", field<"id", &subscribe::id>, field<"addresses", &subscribe::addresses>,
            field<"outpoints", &subscribe::outpoints>> {};

template <>
struct form<unsubscribe> : unnamed<"Unsubscribe", &unsubscribe::id> {};

// -- masternodes ------------------------------------------------------------------

template <>
struct form<masternode_announcement>
    : named<"MasternodeAnnouncement", field<"address", &masternode_announcement::address>,
            field<"reward_address", &masternode_announcement::reward_address>,
            field<"tier", &masternode_announcement::tier>,
            field<"public_key", &masternode_announcement::public_key>> {};

template <>
struct form<get_masternodes> : unit<"GetMasternodes"> {};

template <>
struct form<masternodes_response>
    : unnamed<"MasternodesResponse", &masternodes_response::masternodes> {};

template <>
struct form<heartbeat_broadcast>
    : named<"HeartbeatBroadcast",
            field<"masternode_address", &heartbeat_broadcast::masternode_address>,
            field<"sequence_number", &heartbeat_broadcast::sequence_number>,
            field<"timestamp", &heartbeat_broadcast::timestamp>,
            field<"masternode_pubkey", &heartbeat_broadcast::masternode_pubkey>,
            field<"signature", &heartbeat_broadcast::signature>> {};

template <>
struct form<heartbeat_attestation>
    : named<"HeartbeatAttestation", field<"heartbeat_hash", &heartbeat_attestation::heartbeat_hash>,
            field<"witness_address", &heartbeat_attestation::witness_address>,
            field<"witness_pubkey", &heartbeat_attestation::witness_pubkey>,
            field<"witness_timestamp", &heartbeat_attestation::witness_timestamp>,
            field<"signature", &heartbeat_attestation::signature>> {};

// -- extensions -------------------------------------------------------------------

/// The names of the phases, in the order of `ballot_phase`.
inline constexpr std::string_view phase_names[] = {"Prepare", "Lock"};

template <>
struct form<block_ballot>
    : named<"BlockBallot", field<"height", &block_ballot::height>,
            field<"round", &block_ballot::round>, field<"phase", &block_ballot::phase>,
            field<"block_hash", &block_ballot::block_hash>, field<"voter", &block_ballot::voter>,
            field<"signature", &block_ballot::signature>> {};

}  // namespace timenode::wire
