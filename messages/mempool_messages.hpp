#pragma once

// What actors tell each other of transactions that are in no block yet.

#include "messages/ip_address.hpp"
#include "messages/ledger.hpp"
#include "messages/wire_codec.hpp"

#include <caf/inspector_access.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace timenode {

/// A transaction travels as a line of the protocol.
template <class Inspector>
bool inspect_transaction(Inspector& f, transaction& x) {
  if constexpr (Inspector::is_loading) {
    std::string line;
    wire::message message;
    if (!f.apply(line) || !wire::from_line(line, message))
      return false;
    auto* broadcast = std::get_if<wire::transaction_broadcast>(&message);
    if (!broadcast)
      return false;
    x = std::move(broadcast->tx);
    return true;
  } else {
    auto line = wire::to_line(wire::transaction_broadcast{x});
    return f.apply(line);
  }
}

/// What became of a transaction that this node's user offered.
struct offer_reply {
  hash256 txid{};
  bool known = false;     ///< It was in the pool, or in a block, before.
  bool conflict = false;  ///< Refused since another one of the pool spends the same.
  std::string refused;    ///< Why it was not taken; empty: it waits for a block, or is in one.

  template <class Inspector>
  friend bool inspect(Inspector& f, offer_reply& x) {
    return f.object(x).fields(f.field("txid", x.txid), f.field("known", x.known),
                              f.field("conflict", x.conflict), f.field("refused", x.refused));
  }
};

/// A transaction that waits.
struct mempool_entry {
  hash256 txid{};
  std::uint64_t bytes = 0;  ///< Of bincode.
  amount fee = 0;
  std::int64_t since = 0;        ///< Unix seconds.
  std::int64_t final_since = 0;  ///< Unix seconds; 0: the masternodes have not agreed on it.
  std::uint64_t approvals = 0;   ///< Of masternodes that decide now.
  std::uint64_t rejections = 0;
  std::vector<hash256> depends;   ///< Those that wait, too, and whose outputs it spends ...
  std::vector<hash256> spent_by;  ///< ... and those that spend its own.

  template <class Inspector>
  friend bool inspect(Inspector& f, mempool_entry& x) {
    return f.object(x).fields(
        f.field("txid", x.txid), f.field("bytes", x.bytes), f.field("fee", x.fee),
        f.field("since", x.since), f.field("final_since", x.final_since),
        f.field("approvals", x.approvals), f.field("rejections", x.rejections),
        f.field("depends", x.depends), f.field("spent_by", x.spent_by));
  }
};

/// What the mempool knows of one transaction.
struct transaction_detail {
  bool known = false;  ///< False: it does not wait here, and the rest is empty.
  mempool_entry entry;
  transaction tx;
  std::vector<amount> spent;  ///< What each of its inputs is worth.

  template <class Inspector>
  friend bool inspect(Inspector& f, transaction_detail& x) {
    return f.apply(x.known) && f.apply(x.entry) && inspect_transaction(f, x.tx) && f.apply(x.spent);
  }
};

/// An output, by where it is.
struct located_coin {
  hash256 txid{};
  std::uint32_t vout = 0;
  amount value = 0;

  template <class Inspector>
  friend bool inspect(Inspector& f, located_coin& x) {
    return f.object(x).fields(f.field("txid", x.txid), f.field("vout", x.vout),
                              f.field("value", x.value));
  }
};

/// What transactions that wait do to an address.
struct pending_coins {
  std::vector<located_coin> spent;  ///< Outputs for the address that one of them spends.
  std::vector<located_coin>
      received;  ///< Outputs of theirs for the address that none of them spends.

  template <class Inspector>
  friend bool inspect(Inspector& f, pending_coins& x) {
    return f.object(x).fields(f.field("spent", x.spent), f.field("received", x.received));
  }
};

/// What the mempool is at.
struct mempool_snapshot {
  std::uint64_t size = 0;         ///< Transactions ...
  std::uint64_t final_count = 0;  ///< ... and of these the ones that masternodes agreed on.
  std::uint64_t bytes = 0;        ///< Of bincode.
  std::uint64_t max_bytes = 0;
  std::uint64_t max_size = 0;
  amount fees = 0;                  ///< Of all.
  std::uint64_t subscriptions = 0;  ///< Of light clients.
  std::uint64_t votes = 0;          ///< That are kept.
  std::uint64_t voters = 0;         ///< Masternodes that decide, ...
  std::uint64_t quorum = 0;  ///< ... and how many of them have to approve; 0: there are too few.
  bool we_vote = false;      ///< We are one of them.
  // Since start:
  std::uint64_t taken = 0;
  std::uint64_t refused = 0;      ///< For a rule, or for what they spend.
  std::uint64_t conflicting = 0;  ///< They spend what another one of the pool spends.
  std::uint64_t wrong = 0;        ///< No chain could make them right.
  std::uint64_t evicted = 0;      ///< For one that pays more.
  std::uint64_t finalized = 0;
  std::uint64_t confirmed = 0;  ///< They came into a block.
  std::uint64_t overtaken = 0;  ///< A block spends what they spent.
  std::uint64_t expired = 0;    ///< The masternodes did not agree on them in time.
  std::uint64_t returned = 0;   ///< Their block was undone.

  template <class Inspector>
  friend bool inspect(Inspector& f, mempool_snapshot& x) {
    return f.object(x).fields(
        f.field("size", x.size), f.field("final_count", x.final_count), f.field("bytes", x.bytes),
        f.field("max_bytes", x.max_bytes), f.field("max_size", x.max_size), f.field("fees", x.fees),
        f.field("subscriptions", x.subscriptions), f.field("votes", x.votes),
        f.field("voters", x.voters), f.field("quorum", x.quorum), f.field("we_vote", x.we_vote),
        f.field("taken", x.taken), f.field("refused", x.refused),
        f.field("conflicting", x.conflicting), f.field("wrong", x.wrong),
        f.field("evicted", x.evicted), f.field("finalized", x.finalized),
        f.field("confirmed", x.confirmed), f.field("overtaken", x.overtaken),
        f.field("expired", x.expired), f.field("returned", x.returned));
  }
};

}  // namespace timenode
