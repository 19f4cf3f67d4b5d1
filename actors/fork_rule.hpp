#pragma once

// Which of two branches a node follows (protocol page, section 7): the decision and nothing else. Pure.
//
// The rule of the page: a competing block at a height that we hold is taken only when more than two
// thirds of the masternodes that answer have it. At least 3 must answer, 5 when blocks of ours would
// be given up; a commit certificate settles it at once. At most 1,000 blocks are given up.
//
// Two cases that the page leaves open are settled here:
// - A network with fewer than five other masternodes could never repair a fork. There all of the
//   others must answer instead, and still at least 3.
// - When the masternodes are split so that no branch has two thirds (two halves of a network that
//   were apart), nobody would ever move. After `patient_polls` such polls in a row the branch whose
//   first block has the lower hash is taken, of those that at least a third have of the masternodes
//   that are so far. That does not depend on who asks or when, so that all nodes come to the same.
//   Whoever could abuse it has a third of the masternodes, more than any rule of two thirds survives.

#include "messages/ledger.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace timenode::sync {

/// Least answers to a poll (protocol page, section 7) ...
inline constexpr std::uint64_t least_answers = 3;
/// ... and when blocks of ours would be given up.
inline constexpr std::uint64_t least_answers_to_give_up = 5;
/// Polls in a row without two thirds for anybody, after which the lower hash decides. At
/// `stalemate_interval` (fork_repair.hpp) that is long enough for masternodes that are just moving to
/// be counted where they arrive, and short against the minute in which a network is to converge.
inline constexpr std::uint32_t patient_polls = 3;

/// What masternodes answered when asked for their block at one height.
struct fork_votes {
  std::uint64_t ours = 0;    ///< Have the block that we have.
  std::uint64_t theirs = 0;  ///< Have the block of the branch in question.
  std::uint64_t others = 0;  ///< Have yet another one.
  std::uint64_t none = 0;    ///< Have no block at that height.

  std::uint64_t answers() const noexcept { return ours + theirs + others + none; }
  bool operator==(const fork_votes&) const = default;
};

/// What is to be decided: whether the blocks above the last common one are replaced.
struct fork_question {
  fork_votes votes;
  /// Active masternodes that are known beside ourselves, connected or not.
  std::uint64_t electorate = 0;
  /// Blocks of ours that would be given up; 0: the branch begins on our tip.
  std::uint64_t depth = 0;
  hash256 our_first{};    ///< Our block right above the common one.
  hash256 their_first{};  ///< Theirs.
  /// Polls in a row, this one included, in which nobody had two thirds.
  std::uint32_t stalemates = 0;
  /// A block of ours above the common one carries a commit certificate: it is final.
  bool ours_certified = false;
  /// A block of theirs does.
  bool theirs_certified = false;
};

enum class fork_choice : std::uint8_t {
  take_theirs,
  keep_ours,
  ask_again,  ///< Too few answered, or nobody has two thirds yet.
  too_deep,   ///< Theirs would be taken but for the depth: for a person to decide.
};
constexpr std::string_view to_text(fork_choice x) noexcept {
  constexpr std::string_view names[]{"take-theirs", "keep-ours", "ask-again", "too-deep"};
  return names[static_cast<std::size_t>(x)];
}

struct fork_verdict {
  fork_choice choice = fork_choice::ask_again;
  /// Nobody has two thirds of enough answers.
  bool stalemate = false;
  std::string why;  ///< A sentence with the figures, for log, RPC and command line.
};

/// How many answers are enough.
std::uint64_t answers_needed(std::uint64_t electorate, std::uint64_t depth) noexcept;

fork_verdict decide(const fork_question& x);

}  // namespace timenode::sync
