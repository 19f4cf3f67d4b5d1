#pragma once

// What masternodes say of transactions, and what we said ourselves. Signatures are the caller's business. Pure.

#include "chain/approval_journal.hpp"
#include "messages/ledger.hpp"
#include "messages/wire.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace timenode::chain {

/// Votes that are kept: of 1,000 masternodes for 200 transactions, in some 40 MB.
inline constexpr std::size_t max_kept_votes = 200'000;
/// Votes for a transaction that nobody sent us are kept so long, in seconds: they may be faster than it.
inline constexpr std::int64_t stray_votes_kept = 120;
/// A masternode says the same again when a transaction was not agreed on, for those who missed it. Sooner than
/// this, in seconds, it is not sent on.
inline constexpr std::int64_t repeated_after = 15;

enum class vote_fate {
  added,
  repeated,  ///< The same, but so much later that it is sent on.
  known,
  contradicts,  ///< The masternode said the opposite before; that holds.
  no_room,
};

struct vote_count {
  std::size_t approve = 0;
  std::size_t reject = 0;
};

class transaction_votes {
 public:
  vote_fate add(const wire::transaction_vote& x, std::int64_t now);

  /// Of those voters alone.
  vote_count count(const hash256& txid, const std::map<std::string, public_key>& voters) const;

  /// Every vote for it, as it came.
  std::vector<wire::transaction_vote> of(const hash256& txid) const;

  void forget(const hash256& txid);

  /// Forgets votes for transactions that nobody sent us, for which `is_known(txid)` is false.
  template <class F>
  void forget_strays(std::int64_t now, F is_known) {
    for (auto i = by_transaction_.begin(); i != by_transaction_.end();)
      if (i->second.since < now - stray_votes_kept && !is_known(i->first)) {
        kept_ -= i->second.votes.size();
        i = by_transaction_.erase(i);
      } else {
        ++i;
      }
  }

  std::size_t size() const noexcept { return kept_; }

 private:
  struct kept_vote {
    bool approve = false;
    std::int64_t timestamp = 0;
    byte_string signed_by_voter;
  };
  struct about {
    std::int64_t since = 0;
    std::map<std::string, kept_vote> votes;  ///< By voter.
  };

  std::map<hash256, about> by_transaction_;
  std::size_t kept_ = 0;
};

/// What a masternode has approved: for each output one transaction that spends it and no other, until that one
/// is in a block or so old that no one can have taken it for final any more.
class approved_spends {
 public:
  /// Outputs that are remembered; when there are more, nothing new is approved.
  explicit approved_spends(std::size_t most = 200'000) : most_{most} {}

  /// Whether nothing speaks against approving it.
  bool may_approve(const transaction& x, const hash256& txid) const;
  /// True when it was not approved before.
  bool approve(const transaction& x, const hash256& txid, std::int64_t now);
  /// What an earlier run approved.
  void restore(std::span<const approval> some);
  /// All that is remembered, in the order of the times, without the transactions themselves.
  std::vector<approval> list() const;
  /// What it spends is spent on the chain, or nobody was told that it is approved.
  void forget(const transaction& x);
  /// Forgets what was approved before that time, Unix seconds.
  void forget_before(std::int64_t time);

  std::size_t size() const noexcept { return by_output_.size(); }

 private:
  struct spender {
    hash256 txid{};
    std::int64_t at = 0;
  };

  std::size_t most_;
  std::map<outpoint, spender> by_output_;
  std::set<std::pair<std::int64_t, outpoint>> by_time_;
};

}  // namespace timenode::chain
