#pragma once

// The transactions that are in no block yet: which are taken, which go when there are too many, which come
// first into a block. Pure but for reading the chain.

#include "chain/block_store.hpp"
#include "chain/transaction_rules.hpp"
#include "messages/ledger.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace timenode::chain {

struct pool_limits {
  /// Some hundred full blocks.
  std::size_t max_count = 20'000;
  /// Of bincode; in memory it is some three times that.
  std::size_t max_bytes = 32u << 20;
  /// How many in the pool a transaction may build on, directly or not: what goes with one that goes.
  std::size_t max_ancestors = 25;
  /// One that was not agreed on for so long, in seconds, is given up: it spends what masternodes have approved
  /// another transaction for. Four hours are 24 blocks of a public network.
  std::int64_t patience = 4 * 3600;
};

/// What became of a transaction that was offered.
enum class offer_fate : std::uint8_t {
  added,
  known,       ///< It is there, or in a block with outputs that are unspent.
  conflicts,   ///< It spends what another one there spends.
  impossible,  ///< What it spends is not there, or not any more, or not yet.
  refused,     ///< It is not what nodes hand on: dust, fee, length; or there is no room.
  wrong,       ///< By itself, and no chain could make it right.
};

/// A transaction of the pool.
struct pooled_transaction {
  transaction tx;
  hash256 txid{};
  std::size_t bytes = 0;  ///< Of bincode.
  amount fee = 0;
  std::int64_t since = 0;        ///< Unix seconds.
  std::int64_t final_since = 0;  ///< Unix seconds; 0: it is not final.
  std::vector<coin> spent;       ///< One for each input.
  std::set<hash256> parents;     ///< Those of the pool whose outputs it spends ...
  std::set<hash256> children;    ///< ... and those that spend its own.

  bool is_final() const noexcept { return final_since != 0; }
  /// Units for 1,000 bytes.
  std::uint64_t fee_rate() const noexcept;
};

struct offer_result {
  offer_fate fate = offer_fate::wrong;
  std::string why;  ///< Empty when it was added.
  hash256 txid{};
  std::optional<hash256> rival;             ///< Of `conflicts`: who spends the same.
  std::vector<pooled_transaction> evicted;  ///< Who had to go for it.
};

/// Transactions for a block or a peer, each after those that it builds on.
struct pool_selection {
  std::vector<const pooled_transaction*> transactions;
  std::size_t bytes = 0;
  amount fees = 0;
};

/// What a new block did to the pool.
struct pool_update {
  std::vector<pooled_transaction> confirmed;  ///< They are in the block.
  std::vector<pooled_transaction>
      overtaken;  ///< The block spends what they spend, or what they build on.
};

class transaction_pool {
 public:
  explicit transaction_pool(spending_rules rules, pool_limits limits = {});

  /// Takes the transaction if the rules allow it on that chain with what the pool has. `now`: Unix seconds.
  offer_result offer(transaction x, const chain_reader& chain, std::int64_t now);

  /// A block came onto the chain.
  pool_update on_block(const block& x);

  /// The chain is another one than before. Takes back what was in blocks that are undone, in their order, and
  /// drops what is not allowed any more; returns what was dropped. `now`: Unix seconds.
  std::vector<pooled_transaction> recheck(const chain_reader& chain,
                                          std::vector<transaction> undone, std::int64_t now);

  /// The masternodes agreed on it. False when it is not there, or was final.
  bool make_final(const hash256& txid, std::int64_t now);

  /// Takes it out with all that build on it. Empty when it is not there.
  std::vector<pooled_transaction> drop(const hash256& txid);

  /// Takes out what was not agreed on in time, with all that build on it.
  std::vector<pooled_transaction> expire(std::int64_t now);

  /// Null when it is not there.
  const pooled_transaction* find(const hash256& txid) const;
  /// Who spends that output; null: none of these.
  const pooled_transaction* spender_of(const outpoint& x) const;

  /// The best by fee rate, at most that many bytes. `final_only`: those that are final and build on none that
  /// is not.
  pool_selection select(std::size_t max_bytes, bool final_only) const;

  std::size_t size() const noexcept { return entries_.size(); }
  std::size_t bytes() const noexcept { return bytes_; }
  std::size_t final_count() const noexcept { return final_; }
  const pool_limits& limits() const noexcept { return limits_; }
  const spending_rules& rules() const noexcept { return rules_; }

  /// Calls `f(const pooled_transaction&)` for each, in no order.
  template <class F>
  void for_each(F f) const {
    for (const auto& [txid, x] : entries_)
      f(x);
  }

 private:
  using entry_map = std::unordered_map<hash256, pooled_transaction, opaque_hasher>;
  using ranked = std::set<std::pair<std::uint64_t, hash256>>;

  offer_result judge(pooled_transaction& x, const chain_reader& chain) const;
  std::optional<coin> find_coin(const outpoint& x, const chain_reader& chain) const;
  std::size_t count_ancestors(const pooled_transaction& x) const;
  void insert(pooled_transaction x);
  void make_room(const hash256& added, offer_result& result);
  pooled_transaction take_out(entry_map::iterator at);
  void take_family(const hash256& txid, std::vector<pooled_transaction>& out);
  void rank(const pooled_transaction& x);
  void unrank(const pooled_transaction& x);
  bool is_over_limits() const noexcept;

  spending_rules rules_;
  pool_limits limits_;
  entry_map entries_;
  std::map<outpoint, hash256> spenders_;
  ranked by_rate_;    ///< All.
  ranked evictable_;  ///< Those that none builds on and that are not final.
  std::set<std::pair<std::int64_t, hash256>> by_age_;  ///< Those that are not final.
  std::size_t bytes_ = 0;
  std::size_t final_ = 0;
};

}  // namespace timenode::chain
