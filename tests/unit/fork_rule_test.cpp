#include "actors/fork_rule.hpp"
#include "chain/validation.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace timenode::sync;

namespace {

hash256 hash(std::uint8_t x) {
  hash256 result{};
  result[0] = x;
  return result;
}

/// Ours has hash 1, theirs 2, with many masternodes in all and ten blocks of ours at stake.
fork_question question(fork_votes votes) {
  fork_question result;
  result.votes = votes;
  result.electorate = 100;
  result.depth = 10;
  result.our_first = hash(1);
  result.their_first = hash(2);
  result.stalemates = 1;
  return result;
}

fork_choice choice(fork_votes votes) {
  return decide(question(votes)).choice;
}

}  // namespace

TEST_CASE("more than two thirds of those that answer decide, exactly two thirds do not") {
  using enum fork_choice;
  CHECK(choice({.ours = 0, .theirs = 5}) == take_theirs);
  CHECK(choice({.ours = 5, .theirs = 0}) == keep_ours);
  CHECK(choice({.ours = 2, .theirs = 5}) == take_theirs);
  CHECK(choice({.ours = 2, .theirs = 4}) == ask_again);
  CHECK(choice({.ours = 4, .theirs = 2}) == ask_again);
  CHECK(choice({.ours = 33, .theirs = 67}) == take_theirs);
  CHECK(choice({.ours = 34, .theirs = 66}) == ask_again);
  // Those with another block or none answered too.
  CHECK(choice({.ours = 0, .theirs = 4, .others = 2}) == ask_again);
  CHECK(choice({.ours = 0, .theirs = 4, .none = 2}) == ask_again);
  CHECK(choice({.ours = 0, .theirs = 7, .others = 2, .none = 1}) == take_theirs);
}

TEST_CASE("five must answer before a block of ours is given up, three when none is") {
  using enum fork_choice;
  CHECK(choice({.theirs = 4}) == ask_again);
  CHECK(choice({.theirs = 5}) == take_theirs);
  CHECK(choice({.ours = 4}) == ask_again);
  auto x = question({.theirs = 3});
  x.depth = 0;
  CHECK(decide(x).choice == take_theirs);
  x.votes.theirs = 2;
  CHECK(decide(x).choice == ask_again);
  CHECK(choice({}) == ask_again);
}

TEST_CASE("in a smaller network all others must answer, and three at least") {
  CHECK(answers_needed(0, 1) == 3);
  CHECK(answers_needed(2, 1) == 3);
  CHECK(answers_needed(3, 1) == 3);
  CHECK(answers_needed(4, 1) == 4);
  CHECK(answers_needed(5, 1) == 5);
  CHECK(answers_needed(1000, 1) == 5);
  CHECK(answers_needed(1000, 0) == 3);
}

TEST_CASE(
    "when nobody has two thirds for long enough the lower hash wins, on either side of the fork") {
  using enum fork_choice;
  for (std::uint64_t a = 0; a <= 20; ++a)
    for (std::uint64_t b = 0; b <= 20 - a; ++b) {
      CAPTURE(a);
      CAPTURE(b);
      const auto others = 20 - a - b;
      auto x = question({.ours = a, .theirs = b, .others = others});
      x.stalemates = patient_polls - 1;
      const auto patient = decide(x);
      x.stalemates = patient_polls;
      const auto here = decide(x);
      auto y = question({.ours = b, .theirs = a, .others = others});
      std::swap(y.our_first, y.their_first);
      y.stalemates = patient_polls;
      const auto there = decide(y);
      if (3 * a > 40 || 3 * b > 40) {
        CHECK(patient.choice == here.choice);
        CHECK(!here.stalemate);
        continue;
      }
      CHECK(patient.choice == ask_again);
      CHECK(patient.stalemate);
      CHECK(here.stalemate);
      // Never do both sides leave their branch for the other's, and with votes for both they agree.
      CHECK(!(here.choice == take_theirs && there.choice == take_theirs));
      if (3 * a >= 20 && 3 * b >= 20)
        CHECK((here.choice == take_theirs) == (there.choice == keep_ours));
    }
}

TEST_CASE("in a stalemate a branch that less than a third have is not taken, whatever its hash") {
  auto x = question({.ours = 3, .theirs = 2, .others = 2, .none = 0});
  x.stalemates = patient_polls;
  std::swap(x.our_first, x.their_first);
  CHECK(decide(x).choice == fork_choice::keep_ours);
  x.votes = {.ours = 2, .theirs = 3, .others = 2};
  CHECK(decide(x).choice == fork_choice::take_theirs);
  // Whoever has no block there yet is not asked who is right.
  x.votes = {.ours = 1, .theirs = 3, .none = 6};
  CHECK(decide(x).choice == fork_choice::take_theirs);
}

TEST_CASE("a commit certificate settles it at once, ours before theirs") {
  auto x = question({.ours = 0, .theirs = 50});
  x.ours_certified = true;
  CHECK(decide(x).choice == fork_choice::keep_ours);
  x.theirs_certified = true;
  CHECK(decide(x).choice == fork_choice::keep_ours);
  x.ours_certified = false;
  x.votes = {.ours = 50, .theirs = 0};
  CHECK(decide(x).choice == fork_choice::take_theirs);
  x.votes = {};
  CHECK(decide(x).choice == fork_choice::take_theirs);
}

TEST_CASE("more than a thousand blocks are never given up") {
  auto x = question({.theirs = 50});
  x.depth = chain::max_reorg_depth;
  CHECK(decide(x).choice == fork_choice::take_theirs);
  x.depth = chain::max_reorg_depth + 1;
  CHECK(decide(x).choice == fork_choice::too_deep);
  x.theirs_certified = true;
  CHECK(decide(x).choice == fork_choice::too_deep);
  x.votes = {.ours = 50};
  x.theirs_certified = false;
  CHECK(decide(x).choice == fork_choice::keep_ours);
}

TEST_CASE("the reason of a verdict has the figures") {
  CHECK(decide(question({.ours = 1, .theirs = 6})).why ==
        "of 7 masternodes that answered 1 have our block, 6 the other");
  CHECK(decide(question({.ours = 1, .theirs = 1, .others = 1, .none = 1})).why ==
        "of 4 masternodes that answered 1 have our block, 1 the other, 1 yet another, 1 none yet; "
        "5 must answer");
  CHECK(decide(question({.ours = 3, .theirs = 3})).why ==
        "of 6 masternodes that answered 3 have our block, 3 the other; neither has two thirds");
}
