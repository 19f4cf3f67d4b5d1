#pragma once

// People who pay each other: each masternode's owner spends what the blocks paid him, through any node that is up, and some
// cheat. Keeps its own account of who owns what, from the blocks that have a certificate.

#include "chain/payment.hpp"
#include "messages/ledger.hpp"
#include "messages/mempool_messages.hpp"
#include "tests/sim/event_queue.hpp"
#include "tests/sim/virtual_system.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sim {

class world;

/// What came of the payments.
struct payment_tally {
  std::uint64_t made = 0;            ///< Honest ones.
  std::uint64_t settled = 0;         ///< ... that are in a block with a certificate.
  std::uint64_t cheats = 0;          ///< Pairs of payments with the same money.
  std::uint64_t cheats_settled = 0;  ///< ... of which one is in such a block.
  std::uint64_t by_votes =
      0;  ///< Transactions that some node held to be final before a block had them.
};

class wallets {
 public:
  /// One payment every `period`, by chance a chain of two; with `cheating` one in eight spends the same twice, at two nodes
  /// at one time. The world outlives it.
  wallets(world& w, monotonic_ns period, bool cheating);

  void start();
  /// No more payments; those that were made are still offered again until they are in a block.
  void stop_paying() { paying_ = false; }

  /// A block with a certificate, each once and in order.
  void on_block(const timenode::block& x);
  /// A node says that masternodes have made this transaction final: none that spends the same may ever be.
  void on_final(owner_index node, const timenode::hash256& txid);

  payment_tally tally() const { return tally_; }
  /// Honest payments that are in no block, a sentence each.
  std::vector<std::string> unsettled() const;

 private:
  struct offered {
    timenode::transaction tx;
    std::uint32_t from = 0;  ///< Whose money.
    monotonic_ns made_at = 0;
    bool cheat = false;
    std::string last_answer;
  };
  struct purse {
    std::string address;
    /// What blocks gave him and he has not spent, and the change of what he has.
    std::map<timenode::outpoint, timenode::amount> coins;
  };

  void pay();
  void offer_again();
  std::optional<timenode::transaction> make(std::uint32_t from, std::uint32_t to,
                                            timenode::amount value,
                                            const std::vector<timenode::chain::spendable>& coins);
  timenode::hash256 add(std::uint32_t from, timenode::transaction tx, bool cheat);
  void offer(const timenode::hash256& txid);
  std::optional<std::uint32_t> some_node();
  /// Says so when another transaction that spends the same is final already.
  void claim(const timenode::transaction& tx, const timenode::hash256& txid,
             const std::string& who);

  world& world_;
  monotonic_ns period_;
  bool cheating_;
  bool paying_ = true;
  std::map<std::uint32_t, purse> owners_;                     ///< By the masternode's number.
  std::map<timenode::hash256, offered> waiting_;              ///< In no block yet.
  std::map<timenode::hash256, timenode::transaction> known_;  ///< All that were made.
  /// Who spends what for good: in a block, or final by votes.
  std::map<timenode::outpoint, timenode::hash256> spent_;
  std::set<timenode::hash256> by_votes_;
  payment_tally tally_;
};

}  // namespace sim
