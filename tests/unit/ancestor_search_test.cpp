#include "actors/ancestor_search.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace timenode::sync;

namespace {

/// A chain's hash at a height: the branch's number above the fork, 0 below.
hash256 hash_at(std::uint64_t height, std::uint64_t fork, std::uint8_t branch) {
  hash256 result{};
  for (std::size_t i = 0; i < 8; ++i)
    result[i] = static_cast<std::uint8_t>(height >> (8 * i));
  result[31] = height > fork ? branch : 0;
  return result;
}

struct outcome_of_search {
  std::optional<std::uint64_t> found;
  bool too_deep = false;
  std::size_t questions = 0;
  std::uint64_t lowest_asked = ~std::uint64_t{0};
};

outcome_of_search search(std::uint64_t fork, std::uint64_t differs, std::uint64_t tip,
                         std::uint64_t max_depth) {
  ancestor_search x{differs, hash_at(differs, fork, 2), tip, max_depth};
  outcome_of_search result;
  while (const auto height = x.next()) {
    REQUIRE(++result.questions < 100);
    result.lowest_asked = std::min(result.lowest_asked, *height);
    x.answered(hash_at(*height, fork, 2), hash_at(*height, fork, 1));
  }
  result.found = x.found();
  result.too_deep = x.too_deep();
  if (result.found)
    CHECK(x.first_different() == hash_at(*result.found + 1, fork, 2));
  return result;
}

}  // namespace

TEST_CASE("the last common block is found wherever it is, and no lower than allowed is asked") {
  for (const std::uint64_t tip : {1, 2, 3, 7, 40, 100, 101, 2000})
    for (std::uint64_t depth = 1; depth <= std::min<std::uint64_t>(tip, 130); ++depth)
      for (const auto differs : {tip, tip - depth / 2, tip - depth + 1}) {
        CAPTURE(tip);
        CAPTURE(depth);
        CAPTURE(differs);
        const auto fork = tip - depth;
        const auto x = search(fork, differs, tip, 100);
        if (depth <= 100) {
          CHECK(x.found == fork);
          CHECK(!x.too_deep);
        } else {
          CHECK(!x.found);
          CHECK(x.too_deep);
        }
        CHECK((x.questions == 0 || x.lowest_asked >= (tip > 100 ? tip - 100 : 1)));
      }
}

TEST_CASE("a young fork takes few questions, an old one not many more") {
  CHECK(search(1999, 2000, 2000, 1000).questions == 1);
  CHECK(search(1997, 2000, 2000, 1000).questions <= 3);
  CHECK(search(1950, 2000, 2000, 1000).questions <= 12);
  CHECK(search(1000, 2000, 2000, 1000).questions <= 20);
  CHECK(search(1'000'000, 1'000'900, 1'000'900, 1000).questions <= 20);
  CHECK(search(0, 1, 1, 1000).questions == 0);
}

TEST_CASE("a chain that parts right above the genesis block is followed down to there") {
  const auto x = search(0, 500, 500, 1000);
  CHECK(x.found == 0);
  CHECK(x.lowest_asked == 1);
}

TEST_CASE("a peer far below us on another branch is too deep at once") {
  const auto x = search(300, 400, 2000, 1000);
  CHECK(x.too_deep);
  CHECK(x.questions == 0);
}
