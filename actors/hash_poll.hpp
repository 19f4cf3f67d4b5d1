#pragma once

// Asks many for their block at one height, and counts. Pure.

#include "actors/fork_rule.hpp"
#include "actors/sync_types.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace timenode::sync {

/// A poll ends after this long, whoever has not answered: several round trips round the world. Deployed
/// nodes that dialed us never answer, so it is the time that most polls of mixed networks take.
inline constexpr monotonic_ns poll_patience = in_ns(std::chrono::seconds{5});

class hash_poll {
 public:
  /// @param voters  Connected masternodes, whose answers count.
  /// @param guests  Others who are asked too, to know who has what.
  hash_poll(std::uint64_t height, std::set<ip_address> voters, std::set<ip_address> guests,
            monotonic_ns now);

  std::uint64_t height() const noexcept { return height_; }
  /// All who are asked.
  std::vector<ip_address> asked() const;

  /// What a peer has there. The first answer of each counts.
  void answered(const ip_address& peer, const std::optional<hash256>& hash);
  /// The peer is gone and will not answer.
  void left(const ip_address& peer);

  bool done(monotonic_ns now) const noexcept;
  monotonic_ns deadline() const noexcept { return deadline_; }

  /// The votes, ours being the one and theirs the other.
  fork_votes count(const hash256& ours, const hash256& theirs) const;
  /// The block that most voters have beside ours; if no voter has another, one that a guest has.
  std::optional<hash256> top_other(const hash256& ours) const;
  /// Who has that block; voters before guests.
  std::vector<ip_address> holders(const hash256& hash) const;
  bool has_other(const ip_address& peer, const hash256& hash) const;

 private:
  using answer_map = std::map<ip_address, std::optional<hash256>>;

  std::uint64_t height_;
  std::set<ip_address> voters_;  ///< Not answered yet.
  std::set<ip_address> guests_;  ///< The same.
  answer_map votes_;
  answer_map hints_;  ///< Of guests.
  monotonic_ns deadline_;
};

}  // namespace timenode::sync
