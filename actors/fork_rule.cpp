#include "actors/fork_rule.hpp"

#include "chain/validation.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace timenode::sync {

namespace {

std::string in_words(const fork_votes& x) {
  auto result = fmt::format("of {} masternodes that answered {} have our block, {} the other",
                            x.answers(), x.ours, x.theirs);
  if (x.others > 0)
    result += fmt::format(", {} yet another", x.others);
  if (x.none > 0)
    result += fmt::format(", {} none yet", x.none);
  return result;
}

bool two_thirds(std::uint64_t votes, const fork_votes& of) noexcept {
  return 3 * votes > 2 * of.answers();
}

/// Of those that have a block at that height: whoever is behind will follow one or the other.
bool one_third(std::uint64_t votes, const fork_votes& of) noexcept {
  return votes > 0 && 3 * votes >= of.ours + of.theirs + of.others;
}

/// Theirs, unless that goes back too far.
fork_verdict take(const fork_question& x, std::string why) {
  if (x.depth <= chain::max_reorg_depth)
    return {fork_choice::take_theirs, false, std::move(why)};
  return {fork_choice::too_deep, false,
          fmt::format("{}, but {} blocks of ours would be undone, more than {}", why, x.depth,
                      chain::max_reorg_depth)};
}

/// Nobody has two thirds, for long enough.
fork_verdict break_tie(const fork_question& x) {
  const auto figures = in_words(x.votes);
  const auto ours = one_third(x.votes.ours, x.votes);
  const auto theirs = one_third(x.votes.theirs, x.votes);
  if (theirs && (!ours || x.their_first < x.our_first)) {
    auto result = take(x, figures + "; neither has two thirds, and theirs has the lower hash");
    result.stalemate = true;
    return result;
  }
  return {fork_choice::keep_ours, true,
          figures + (theirs ? "; neither has two thirds, and ours has the lower hash"
                            : "; neither has two thirds, and theirs not even one")};
}

}  // namespace

std::uint64_t answers_needed(std::uint64_t electorate, std::uint64_t depth) noexcept {
  if (depth == 0)
    return least_answers;
  return std::clamp(electorate, least_answers, least_answers_to_give_up);
}

fork_verdict decide(const fork_question& x) {
  if (x.ours_certified)
    return {fork_choice::keep_ours, false, "a block of ours has a commit certificate and is final"};
  if (x.theirs_certified)
    return take(x, "a block of theirs has a commit certificate and is final");
  const auto needed = answers_needed(x.electorate, x.depth);
  const auto figures = in_words(x.votes);
  if (x.votes.answers() < needed)
    return {fork_choice::ask_again, false, fmt::format("{}; {} must answer", figures, needed)};
  if (two_thirds(x.votes.theirs, x.votes))
    return take(x, figures);
  if (two_thirds(x.votes.ours, x.votes))
    return {fork_choice::keep_ours, false, figures};
  if (x.stalemates < patient_polls)
    return {fork_choice::ask_again, true, figures + "; neither has two thirds"};
  return break_tie(x);
}

}  // namespace timenode::sync
