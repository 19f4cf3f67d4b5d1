#pragma once

// Every message of peer protocol v1 as a plain struct, in the order of the protocol page, section 3.
// `wire_codec.hpp` turns lines into these and back.

#include "messages/ledger.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace timenode::wire {

// -- connection ---------------------------------------------------------------

/// "TIME": the first bytes of every handshake (protocol page, section 3).
inline constexpr std::array<std::uint8_t, 4> handshake_magic{'T', 'I', 'M', 'E'};
/// The only protocol version there is.
inline constexpr std::uint32_t protocol_version = 1;

struct handshake {
  std::array<std::uint8_t, 4> magic{};
  std::uint32_t protocol_version = 0;
  std::string network;  ///< "Testnet" or "Mainnet".
  bool operator==(const handshake&) const = default;
};

struct ack {
  std::string message_type;  ///< "Handshake".
  bool operator==(const ack&) const = default;
};

struct ping {
  std::uint64_t nonce = 0;
  std::int64_t timestamp = 0;
  bool operator==(const ping&) const = default;
};

struct pong {
  std::uint64_t nonce = 0;
  std::int64_t timestamp = 0;
  bool operator==(const pong&) const = default;
};

/// Known to the reference, which ignores it; carries our capabilities (section 9).
struct version_info {
  std::string version;
  std::string commit_date;
  std::string commit_count;
  std::uint32_t protocol_version = 0;
  std::string network;
  std::string listen_addr;
  std::int64_t timestamp = 0;
  std::vector<std::string> capabilities;
  std::optional<std::string> wallet_address;
  std::optional<std::string> genesis_hash;  ///< Hexadecimal.
  bool operator==(const version_info&) const = default;
};

// -- peers --------------------------------------------------------------------

struct get_peers {
  bool operator==(const get_peers&) const = default;
};

struct peers_response {
  std::vector<std::string> peers;  ///< "ip:port" or "ip".
  bool operator==(const peers_response&) const = default;
};

// -- blocks -------------------------------------------------------------------

struct get_block_height {
  bool operator==(const get_block_height&) const = default;
};

struct block_height_response {
  std::uint64_t height = 0;
  bool operator==(const block_height_response&) const = default;
};

/// Both ends included; at most 101 blocks come back.
struct get_blocks {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  bool operator==(const get_blocks&) const = default;
};

struct blocks_response {
  std::vector<block_ptr> blocks;  ///< Never null.
};

struct get_block_range {
  std::uint64_t start_height = 0;
  std::uint64_t end_height = 0;
  bool operator==(const get_block_range&) const = default;
};

struct block_range_response {
  std::vector<block_ptr> blocks;  ///< Never null.
};

struct get_block_hash {
  std::uint64_t height = 0;
  bool operator==(const get_block_hash&) const = default;
};

struct block_hash_response {
  std::uint64_t height = 0;
  std::optional<hash256> hash;
  bool operator==(const block_hash_response&) const = default;
};

struct block_request {
  std::uint64_t height = 0;
  bool operator==(const block_request&) const = default;
};

struct block_response {
  block_ptr block;  ///< Never null.
};

struct block_announcement {
  block_ptr block;  ///< Never null.
};

struct get_genesis_hash {
  bool operator==(const get_genesis_hash&) const = default;
};

struct genesis_hash_response {
  hash256 hash{};
  bool operator==(const genesis_hash_response&) const = default;
};

struct consensus_query {
  std::uint64_t height = 0;
  hash256 block_hash{};
  bool operator==(const consensus_query&) const = default;
};

struct consensus_query_response {
  bool agrees = false;
  std::uint64_t height = 0;
  hash256 their_hash{};  ///< Zero when the height is unknown to the sender.
  bool operator==(const consensus_query_response&) const = default;
};

struct block_proposal {
  block_ptr block;  ///< Never null.
  std::string proposer;
  byte_string signature;  ///< A byte string on the wire: its length is checked by who verifies it.
  std::uint64_t round = 0;
};

struct block_vote {
  hash256 block_hash{};
  std::uint64_t height = 0;
  std::string voter;
  byte_string signature;
  bool approve = false;
  bool operator==(const block_vote&) const = default;
};

struct block_commit {
  hash256 block_hash{};
  std::uint64_t height = 0;
  std::vector<std::pair<std::string, byte_string>> signatures;  ///< Voter and signature.
  bool operator==(const block_commit&) const = default;
};

// -- transactions -------------------------------------------------------------

struct transaction_broadcast {
  transaction tx;
  bool operator==(const transaction_broadcast&) const = default;
};

struct transaction_vote_request {
  hash256 txid{};
  bool operator==(const transaction_vote_request&) const = default;
};

struct transaction_vote {
  hash256 txid{};
  std::string voter;
  bool approve = false;
  std::int64_t timestamp = 0;
  byte_string signature;
  bool operator==(const transaction_vote&) const = default;
};

struct transaction_finalized {
  hash256 txid{};
  std::uint32_t votes = 0;
  bool operator==(const transaction_finalized&) const = default;
};

struct transaction_rejected {
  hash256 txid{};
  std::string reason;
  bool operator==(const transaction_rejected&) const = default;
};

struct get_pending_transactions {
  bool operator==(const get_pending_transactions&) const = default;
};

struct pending_transactions_response {
  std::vector<transaction> transactions;
  bool operator==(const pending_transactions_response&) const = default;
};

// -- unspent outputs ----------------------------------------------------------

struct utxo_unspent {
  bool operator==(const utxo_unspent&) const = default;
};

struct utxo_locked {
  hash256 txid{};
  std::int64_t locked_at = 0;
  bool operator==(const utxo_locked&) const = default;
};

struct utxo_spent_pending {
  hash256 txid{};
  std::uint32_t votes = 0;
  std::uint32_t total_nodes = 0;
  std::int64_t spent_at = 0;
  bool operator==(const utxo_spent_pending&) const = default;
};

struct utxo_spent_finalized {
  hash256 txid{};
  std::int64_t finalized_at = 0;
  std::uint32_t votes = 0;
  bool operator==(const utxo_spent_finalized&) const = default;
};

struct utxo_confirmed {
  hash256 txid{};
  std::uint64_t block_height = 0;
  std::int64_t confirmed_at = 0;
  bool operator==(const utxo_confirmed&) const = default;
};

using utxo_state = std::variant<utxo_unspent, utxo_locked, utxo_spent_pending, utxo_spent_finalized,
                                utxo_confirmed>;

struct utxo {
  outpoint output;
  amount value = 0;
  byte_string script_pubkey;
  std::string address;
  bool operator==(const utxo&) const = default;
};

struct utxo_state_query {
  std::vector<outpoint> outpoints;
  bool operator==(const utxo_state_query&) const = default;
};

struct utxo_state_response {
  std::vector<std::pair<outpoint, utxo_state>> states;
  bool operator==(const utxo_state_response&) const = default;
};

struct utxo_state_update {
  outpoint output;
  utxo_state state;
  bool operator==(const utxo_state_update&) const = default;
};

struct utxo_state_notification {
  outpoint output;
  utxo_state new_state;
  std::int64_t timestamp = 0;
  bool operator==(const utxo_state_notification&) const = default;
};

struct get_utxo_set {
  bool operator==(const get_utxo_set&) const = default;
};

struct utxo_set_response {
  std::vector<utxo> utxos;
  bool operator==(const utxo_set_response&) const = default;
};

struct get_utxo_state_hash {
  bool operator==(const get_utxo_state_hash&) const = default;
};

struct utxo_state_hash_response {
  hash256 hash{};
  std::uint64_t height = 0;
  std::uint64_t utxo_count = 0;
  bool operator==(const utxo_state_hash_response&) const = default;
};

struct subscribe {
  std::string id;
  std::vector<std::string> addresses;
  std::vector<outpoint> outpoints;
  bool operator==(const subscribe&) const = default;
};

struct unsubscribe {
  std::string id;
  bool operator==(const unsubscribe&) const = default;
};

// -- masternodes --------------------------------------------------------------

enum class masternode_tier : std::uint8_t { free, bronze, silver, gold };
/// Their names on the wire, in that order.
inline constexpr std::string_view tier_names[] = {"Free", "Bronze", "Silver", "Gold"};
constexpr std::string_view to_text(masternode_tier x) noexcept {
  return tier_names[static_cast<std::size_t>(x)];
}

struct masternode_announcement {
  std::string address;  ///< An IP; a ":port" on it is dropped by the reader (section 3).
  std::string reward_address;
  masternode_tier tier = masternode_tier::free;
  timenode::public_key public_key{};
  bool operator==(const masternode_announcement&) const = default;
};

struct get_masternodes {
  bool operator==(const get_masternodes&) const = default;
};

struct masternodes_response {
  std::vector<masternode_announcement> masternodes;
  bool operator==(const masternodes_response&) const = default;
};

struct heartbeat_broadcast {
  std::string masternode_address;
  std::uint64_t sequence_number = 0;
  std::int64_t timestamp = 0;
  public_key masternode_pubkey{};
  timenode::signature signature{};
  bool operator==(const heartbeat_broadcast&) const = default;
};

struct heartbeat_attestation {
  hash256 heartbeat_hash{};
  std::string witness_address;
  public_key witness_pubkey{};
  std::int64_t witness_timestamp = 0;
  timenode::signature signature{};
  bool operator==(const heartbeat_attestation&) const = default;
};

// -- extensions: only to peers whose `Version` lists the capability (section 9) ----

/// Names of capabilities.
inline constexpr std::string_view capability_commit_cert =
    "commit-cert";  ///< Blocks come with their BlockCommit.
inline constexpr std::string_view capability_ballots = "ballots";  ///< Understands `BlockBallot`.

/// The phases in which masternodes agree on a block before they vote for it (chain/height_consensus.hpp).
enum class ballot_phase : std::uint8_t { prepare, lock };

/// A masternode's ballot. Signed is SHA-256("TIMECOIN_BALLOT:" ‖ 0 prepare, 1 lock ‖ height LE ‖ round LE ‖
/// block hash ‖ voter).
struct block_ballot {
  std::uint64_t height = 0;
  std::uint64_t round = 0;
  ballot_phase phase = ballot_phase::prepare;
  hash256 block_hash{};  ///< Zeros: for no block.
  std::string voter;
  byte_string signature;
  bool operator==(const block_ballot&) const = default;
};

// -- any of them --------------------------------------------------------------

using message = std::variant<
    handshake, ack, ping, pong, version_info, get_peers, peers_response, get_block_height,
    block_height_response, get_blocks, blocks_response, get_block_range, block_range_response,
    get_block_hash, block_hash_response, block_request, block_response, block_announcement,
    get_genesis_hash, genesis_hash_response, consensus_query, consensus_query_response,
    block_proposal, block_vote, block_commit, transaction_broadcast, transaction_vote_request,
    transaction_vote, transaction_finalized, transaction_rejected, get_pending_transactions,
    pending_transactions_response, utxo_state_query, utxo_state_response, utxo_state_update,
    utxo_state_notification, get_utxo_set, utxo_set_response, get_utxo_state_hash,
    utxo_state_hash_response, subscribe, unsubscribe, masternode_announcement, get_masternodes,
    masternodes_response, heartbeat_broadcast, heartbeat_attestation, block_ballot>;

/// The capability without which a peer must not be sent that message; empty: anybody understands it.
inline std::string_view capability_for(const message& x) noexcept {
  return std::holds_alternative<block_ballot>(x) ? capability_ballots : std::string_view{};
}

/// Whether who sends it says it again by himself, as long as it matters: what is voted on, until it is decided.
inline bool is_told_again(const message& x) noexcept {
  return std::holds_alternative<block_proposal>(x) || std::holds_alternative<block_ballot>(x);
}

/// Number of message kinds; `message::index()` is below it.
inline constexpr std::size_t message_kinds = std::variant_size_v<message>;

}  // namespace timenode::wire
