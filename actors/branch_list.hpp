#pragma once

// The branches beside our chain that are known: who has them, what was voted, when to look again. For
// the repair of forks and for people who want to know. Pure.

#include "actors/fork_rule.hpp"
#include "actors/sync_types.hpp"

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace timenode::sync {

/// What became of a branch.
enum class branch_state : std::uint8_t {
  looking,    ///< Its parting from our chain is found, nothing is decided.
  undecided,  ///< Too few masternodes answered, or nobody has two thirds.
  lost,       ///< By vote: our chain is the right one.
  left,       ///< It was our chain.
  too_deep,   ///< It parts too far below our tip.
  invalid,    ///< It has a block that breaks the rules.
  failed,     ///< It could not be fetched.
};
constexpr std::string_view to_text(branch_state x) noexcept {
  constexpr std::string_view names[]{"looking",  "undecided", "lost",  "left",
                                     "too-deep", "invalid",   "failed"};
  return names[static_cast<std::size_t>(x)];
}

/// How long a branch that was decided upon is left alone while somebody has it.
inline constexpr monotonic_ns settled_rest = in_ns(std::chrono::seconds{60});
/// The same when no masternode has it, or it cannot be taken whoever has it.
inline constexpr monotonic_ns hopeless_rest = in_ns(std::chrono::minutes{10});
/// Between two polls that nobody won: see `patient_polls`.
inline constexpr monotonic_ns stalemate_interval = in_ns(std::chrono::seconds{5});
/// After a failure, doubling from the first to the second.
inline constexpr monotonic_ns first_branch_rest = in_ns(std::chrono::seconds{5});
inline constexpr monotonic_ns max_branch_rest = in_ns(std::chrono::seconds{60});

struct known_branch {
  hash256 first{};                ///< Of its block right above the common one: its name.
  std::uint64_t fork_height = 0;  ///< Of the common block.
  branch_state state = branch_state::looking;
  std::string why;  ///< Of the state, for people.
  fork_votes votes;
  std::uint64_t electorate = 0;  ///< At that poll.
  std::uint32_t stalemates = 0;  ///< Polls in a row that nobody won.
  std::uint32_t failures = 0;    ///< In a row: of polls with too few answers, and of downloads.
  monotonic_ns next_look = 0;
  std::uint64_t height = 0;  ///< The highest block of it that is known by its hash ...
  hash256 tip{};             ///< ... which is this.
  /// Who has it; connected peers only.
  std::vector<ip_address> peers;
};

class branch_list {
 public:
  /// Most branches; the least interesting makes room for another.
  static constexpr std::size_t max_branches = 16;
  /// Most blocks of others that need no look for now; the oldest make room.
  static constexpr std::size_t max_settled = 64;

  /// The branch of that name, made if need be.
  known_branch& at(std::uint64_t fork_height, const hash256& first);
  known_branch* find(const hash256& first);
  void erase(const hash256& first);

  /// The branch that a peer is known to have.
  known_branch* of(const ip_address& peer);
  /// The peer has that branch, and no other.
  void joins(const ip_address& peer, known_branch& branch);
  /// The peer has none of them, or is gone.
  void leaves(const ip_address& peer);
  /// Nobody is known to have anything; what was decided stays.
  void forget_peers();

  /// The branch that should be looked at now, of those that somebody has.
  known_branch* due(monotonic_ns now);
  /// When the next one is; none if none ever is.
  std::optional<monotonic_ns> next_look() const;

  /// Rests after a failure or for want of answers, longer each time.
  static void rest(known_branch& x, monotonic_ns now);

  // -- blocks of others that were found to be of no interest without looking for their branch
  void settle(const hash256& block, monotonic_ns until);
  bool settled(const hash256& block, monotonic_ns now) const;

  const std::list<known_branch>& all() const noexcept { return branches_; }

 private:
  std::list<known_branch> branches_;  ///< Stable addresses; the newest last.
  std::deque<std::pair<hash256, monotonic_ns>> settled_;
};

}  // namespace timenode::sync
