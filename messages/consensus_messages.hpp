#pragma once

// What actors tell each other of how blocks are decided on.

#include "messages/ip_address.hpp"
#include "messages/ledger.hpp"
#include "messages/link_types.hpp"
#include "messages/wire_codec.hpp"

#include <caf/inspector_access.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace timenode {

/// Where the block producer is.
struct consensus_snapshot {
  std::uint64_t height = 0;  ///< That is being decided; 0: none.
  std::uint64_t round = 0;
  std::string state;                 ///< "waiting", "deciding", "decided", "idle".
  std::string why;                   ///< Of "idle" and "waiting", as a sentence.
  std::string leader;                ///< Of the round; empty: none is known.
  std::int64_t due_at = 0;           ///< Unix seconds.
  std::vector<std::string> members;  ///< That are known, by address.
  std::uint64_t size = 0;            ///< Of the set, the unknown included.
  std::uint64_t quorum = 0;
  bool takes_part = false;     ///< We are one of them.
  std::uint64_t prepared = 0;  ///< Ballots of this round, for whatever block.
  std::uint64_t locked = 0;
  std::uint64_t votes = 0;
  std::uint64_t final_height = 0;  ///< Highest block with a certificate.
  std::string signs_nothing;       ///< Why we sign nothing though we take part; empty: we sign.
  std::int64_t clock_offset = 0;  ///< Seconds that others' clocks are ahead of ours, at the median.
  std::uint64_t proposed = 0;     ///< Blocks that we proposed, since start.
  std::uint64_t committed = 0;    ///< Blocks whose commit we saw complete, since start.
  std::uint64_t failed_rounds = 0;  ///< Since start.
  std::uint64_t liars = 0;          ///< Ballots that contradicted others of the same masternode.

  template <class Inspector>
  friend bool inspect(Inspector& f, consensus_snapshot& x) {
    return f.object(x).fields(
        f.field("height", x.height), f.field("round", x.round), f.field("state", x.state),
        f.field("why", x.why), f.field("leader", x.leader), f.field("due_at", x.due_at),
        f.field("members", x.members), f.field("size", x.size), f.field("quorum", x.quorum),
        f.field("takes_part", x.takes_part), f.field("prepared", x.prepared),
        f.field("locked", x.locked), f.field("votes", x.votes),
        f.field("final_height", x.final_height), f.field("signs_nothing", x.signs_nothing),
        f.field("clock_offset", x.clock_offset), f.field("proposed", x.proposed),
        f.field("committed", x.committed), f.field("failed_rounds", x.failed_rounds),
        f.field("liars", x.liars));
  }
};

/// Transactions for a block, each after those that it spends from.
struct block_filling {
  std::vector<transaction> transactions;
  amount fees = 0;  ///< What they pay together.

  /// Transactions travel as a line of the protocol.
  template <class Inspector>
  friend bool inspect(Inspector& f, block_filling& x) {
    if constexpr (Inspector::is_loading) {
      std::string line;
      wire::message message;
      if (!f.apply(line) || !wire::from_line(line, message))
        return false;
      auto* pending = std::get_if<wire::pending_transactions_response>(&message);
      if (!pending)
        return false;
      x.transactions = std::move(pending->transactions);
    } else {
      auto line = wire::to_line(wire::pending_transactions_response{x.transactions});
      if (!f.apply(line))
        return false;
    }
    return f.apply(x.fees);
  }
};

}  // namespace timenode
