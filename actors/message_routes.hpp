#pragma once

// Whom each message of a peer goes to: the same for connections of both directions (invariant
// `same-handler`). A message that is missing here does not compile.

#include "messages/wire.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace timenode {

enum class message_route : std::uint8_t {
  connection,   ///< Answered by the connection itself.
  serve,        ///< A question about the chain: the block server answers.
  directory,    ///< Addresses.
  gossip,       ///< A flooded item: judged, taken over and sent on.
  sync,         ///< Something about the peer's chain.
  masternodes,  ///< Something about masternodes.
  transactions,  ///< Transactions that a peer has in no block, and what a light client wants to hear of them.
  ask_transactions,  ///< A question about transactions: the mempool answers.
  unused,            ///< Nothing of ours needs it: counted and dropped.
};

/// Which of the rate limits holds for a message.
enum class message_limit : std::uint8_t {
  none,
  transactions,
  utxo_queries,
  votes,
  subscriptions,
  consensus,  ///< Ballots and votes for blocks.
  pings,
  lists,  ///< Questions for peers, masternodes and waiting transactions: each answer is long.
  announcements,  ///< What a peer says of itself.
  answers,        ///< Short answers, and lists: nothing tells here whether somebody asked.
  floods,         ///< What is sent on to all and has no limit of its own.
};
inline constexpr std::size_t message_limits = 11;
constexpr std::string_view to_text(message_limit x) noexcept {
  constexpr std::array<std::string_view, message_limits> names{
      "none",  "transactions", "UTXO queries",  "votes",   "subscriptions", "consensus",
      "pings", "lists",        "announcements", "answers", "floods"};
  return names[static_cast<std::size_t>(x)];
}

namespace routing {

using enum message_route;

// A table, one message a line.
// clang-format off
constexpr message_route of(const wire::handshake&) { return connection; }
constexpr message_route of(const wire::ack&) { return connection; }
constexpr message_route of(const wire::ping&) { return connection; }
constexpr message_route of(const wire::pong&) { return connection; }
constexpr message_route of(const wire::version_info&) { return connection; }
constexpr message_route of(const wire::get_peers&) { return connection; }
constexpr message_route of(const wire::peers_response&) { return directory; }
constexpr message_route of(const wire::get_block_height&) { return serve; }
constexpr message_route of(const wire::block_height_response&) { return sync; }
constexpr message_route of(const wire::get_blocks&) { return serve; }
constexpr message_route of(const wire::blocks_response&) { return sync; }
constexpr message_route of(const wire::get_block_range&) { return serve; }
constexpr message_route of(const wire::block_range_response&) { return sync; }
constexpr message_route of(const wire::get_block_hash&) { return serve; }
constexpr message_route of(const wire::block_hash_response&) { return sync; }
constexpr message_route of(const wire::block_request&) { return serve; }
constexpr message_route of(const wire::block_response&) { return sync; }
constexpr message_route of(const wire::block_announcement&) { return gossip; }
constexpr message_route of(const wire::get_genesis_hash&) { return serve; }
constexpr message_route of(const wire::genesis_hash_response&) { return sync; }
constexpr message_route of(const wire::consensus_query&) { return serve; }
constexpr message_route of(const wire::consensus_query_response&) { return sync; }
constexpr message_route of(const wire::block_proposal&) { return gossip; }
constexpr message_route of(const wire::block_vote&) { return gossip; }
constexpr message_route of(const wire::block_commit&) { return gossip; }
constexpr message_route of(const wire::transaction_broadcast&) { return gossip; }
constexpr message_route of(const wire::transaction_vote_request&) { return unused; }
constexpr message_route of(const wire::transaction_vote&) { return gossip; }
constexpr message_route of(const wire::transaction_finalized&) { return gossip; }
constexpr message_route of(const wire::transaction_rejected&) { return gossip; }
constexpr message_route of(const wire::get_pending_transactions&) { return ask_transactions; }
constexpr message_route of(const wire::pending_transactions_response&) { return transactions; }
constexpr message_route of(const wire::utxo_state_query&) { return ask_transactions; }
constexpr message_route of(const wire::utxo_state_response&) { return unused; }
constexpr message_route of(const wire::utxo_state_update&) { return gossip; }
constexpr message_route of(const wire::utxo_state_notification&) { return unused; }
constexpr message_route of(const wire::get_utxo_set&) { return serve; }
constexpr message_route of(const wire::utxo_set_response&) { return unused; }
constexpr message_route of(const wire::get_utxo_state_hash&) { return serve; }
constexpr message_route of(const wire::utxo_state_hash_response&) { return sync; }
constexpr message_route of(const wire::subscribe&) { return transactions; }
constexpr message_route of(const wire::unsubscribe&) { return transactions; }
constexpr message_route of(const wire::masternode_announcement&) { return masternodes; }
constexpr message_route of(const wire::get_masternodes&) { return connection; }
constexpr message_route of(const wire::masternodes_response&) { return masternodes; }
constexpr message_route of(const wire::heartbeat_broadcast&) { return gossip; }
constexpr message_route of(const wire::heartbeat_attestation&) { return gossip; }
constexpr message_route of(const wire::block_ballot&) { return gossip; }

// clang-format on

}  // namespace routing

inline message_route route_of(const wire::message& x) {
  return std::visit([](const auto& y) { return routing::of(y); }, x);
}

/// Whether its sender gets an answer on the same connection.
inline bool is_question(const wire::message& x) {
  switch (route_of(x)) {
  case message_route::serve:
  case message_route::ask_transactions:
    return true;
  case message_route::connection:
    return std::holds_alternative<wire::ping>(x) || std::holds_alternative<wire::get_peers>(x) ||
           std::holds_alternative<wire::get_masternodes>(x);
  default:
    return false;
  }
}

/// Of a question: whether its answer has some hundred bytes at most.
inline bool has_short_answer(const wire::message& x) {
  return std::holds_alternative<wire::ping>(x) ||
         std::holds_alternative<wire::get_block_height>(x) ||
         std::holds_alternative<wire::get_block_hash>(x);
}

inline message_limit limit_of(const wire::message& x) {
  using enum message_limit;
  if (std::holds_alternative<wire::transaction_broadcast>(x))
    return transactions;
  if (std::holds_alternative<wire::utxo_state_query>(x) ||
      std::holds_alternative<wire::get_utxo_set>(x) ||
      std::holds_alternative<wire::get_utxo_state_hash>(x))
    return utxo_queries;
  if (std::holds_alternative<wire::transaction_vote>(x))
    return votes;
  if (std::holds_alternative<wire::block_vote>(x) || std::holds_alternative<wire::block_ballot>(x))
    return consensus;
  if (std::holds_alternative<wire::subscribe>(x) || std::holds_alternative<wire::unsubscribe>(x))
    return subscriptions;
  if (std::holds_alternative<wire::ping>(x))
    return pings;
  if (std::holds_alternative<wire::get_peers>(x) ||
      std::holds_alternative<wire::get_masternodes>(x) ||
      std::holds_alternative<wire::get_pending_transactions>(x))
    return lists;
  if (std::holds_alternative<wire::masternode_announcement>(x) ||
      std::holds_alternative<wire::version_info>(x))
    return announcements;
  if (std::holds_alternative<wire::block_height_response>(x) ||
      std::holds_alternative<wire::block_hash_response>(x) ||
      std::holds_alternative<wire::genesis_hash_response>(x) ||
      std::holds_alternative<wire::consensus_query_response>(x) ||
      std::holds_alternative<wire::utxo_state_hash_response>(x) ||
      std::holds_alternative<wire::peers_response>(x) ||
      std::holds_alternative<wire::masternodes_response>(x) ||
      std::holds_alternative<wire::pending_transactions_response>(x))
    return answers;
  // Answers with blocks have none: as fast as they are decoded is how fast a node catches up.
  return route_of(x) == message_route::gossip ? floods : none;
}

}  // namespace timenode
