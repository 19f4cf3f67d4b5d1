#include "chain/file_vote_journal.hpp"
#include "tests/unit/chain_support.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace timenode::test;
using chain::signed_record;
using deed = chain::signed_record::deed;

namespace {

constexpr hash256 a{{1}};
constexpr hash256 b{{2}};

std::unique_ptr<chain::file_vote_journal> open(const std::string& file,
                                               std::size_t rewrite_above = 16u << 20) {
  return must(chain::file_vote_journal::open(file, rewrite_above));
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

block_ptr some_block() {
  return seal(make_block({5, a, 100, 1}));
}

}  // namespace

TEST_CASE("vote journal: nothing is signed differently, of a kind, round and height") {
  chain::memory_vote_journal x;
  CHECK(x.write_down(5, {deed::prepare, 0, a}, nullptr));
  CHECK(x.write_down(5, {deed::prepare, 0, a}, nullptr));
  const auto other = x.write_down(5, {deed::prepare, 0, b}, nullptr);
  REQUIRE_FALSE(other);
  CHECK(other.error().reason == "another prepare was signed for height 5, round 0");
  CHECK(x.write_down(5, {deed::prepare, 1, b}, nullptr));
  CHECK(x.write_down(5, {deed::lock, 0, b}, nullptr));
  CHECK(x.write_down(6, {deed::prepare, 0, b}, nullptr));
  CHECK(x.write_down(5, {deed::vote, 0, a}, nullptr));
  CHECK_FALSE(x.write_down(5, {deed::vote, 0, b}, nullptr));
  CHECK(x.signed_for(5) ==
        std::vector<signed_record>{
            {deed::prepare, 0, a}, {deed::prepare, 1, b}, {deed::lock, 0, b}, {deed::vote, 0, a}});
}

TEST_CASE("vote journal: heights that it has forgotten are not signed for") {
  chain::memory_vote_journal x;
  CHECK(x.write_down(100, {deed::prepare, 0, a}, nullptr));
  CHECK(x.write_down(93, {deed::prepare, 0, a}, nullptr));
  const auto old = x.write_down(92, {deed::prepare, 0, a}, nullptr);
  REQUIRE_FALSE(old);
  CHECK(contains(old.error().reason, "height 92 is too far below 100"));
  CHECK(x.write_down(108, {deed::prepare, 0, a}, nullptr));
  CHECK(x.signed_for(100).empty());
  CHECK(x.signed_for(93).empty());
}

TEST_CASE(
    "vote journal: a file gives back after a restart what was signed, and the blocks with it") {
  const temporary_directory dir;
  const auto file = dir.file("votes");
  {
    auto x = open(file);
    CHECK(x->write_down(5, {deed::propose, 2, chain::block_hash(some_block()->header)},
                        some_block()));
    CHECK(x->write_down(5, {deed::prepare, 2, a}, nullptr));
  }
  auto x = open(file);
  CHECK(x->signed_for(5).size() == 2);
  const auto block = x->block_of(chain::block_hash(some_block()->header));
  REQUIRE(block);
  CHECK(*block == *some_block());
  CHECK_FALSE(x->block_of(a));
  CHECK_FALSE(x->write_down(5, {deed::prepare, 2, b}, nullptr));
}

TEST_CASE("vote journal: cut off anywhere, it gives back all that was whole, and goes on") {
  const temporary_directory dir;
  const auto file = dir.file("votes");
  {
    auto x = open(file);
    for (std::uint64_t round = 0; round < 4; ++round)
      REQUIRE(x->write_down(5, {deed::prepare, round, a}, nullptr));
  }
  const auto whole = read_file(file);
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    write_file(file, whole.substr(0, size));
    const auto lines = static_cast<std::size_t>(
        std::count(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size), '\n'));
    {
      auto x = open(file);
      CHECK(x->signed_for(5).size() == lines);
      REQUIRE(x->write_down(6, {deed::lock, 9, b}, nullptr));
    }
    CHECK(open(file)->signed_for(6).size() == 1);
    CHECK(open(file)->signed_for(5).size() == lines);
  }
}

TEST_CASE("vote journal: damage in the middle is not passed over") {
  const temporary_directory dir;
  const auto file = dir.file("votes");
  {
    auto x = open(file);
    for (std::uint64_t round = 0; round < 4; ++round)
      REQUIRE(x->write_down(5, {deed::prepare, round, a}, nullptr));
  }
  auto text = read_file(file);
  text[text.size() / 2] ^= 1;
  write_file(file, text);
  const auto x = chain::file_vote_journal::open(file);
  REQUIRE_FALSE(x);
  CHECK(contains(x.error().reason, "the vote journal " + file + " is damaged at line "));
  CHECK(contains(x.error().reason, "then remove the file"));
}

TEST_CASE("vote journal: the file does not grow without end") {
  const temporary_directory dir;
  const auto file = dir.file("votes");
  auto x = open(file, 4096);
  for (std::uint64_t height = 1; height <= 500; ++height)
    for (const auto what : {deed::prepare, deed::lock, deed::vote})
      REQUIRE(x->write_down(height, {what, 0, a}, nullptr));
  CHECK(std::filesystem::file_size(file) < 16'384);
  x.reset();
  CHECK(open(file)->signed_for(500).size() == 3);
}

TEST_CASE("vote journal: what cannot be written is not signed") {
  const temporary_directory dir;
  CHECK_FALSE(chain::file_vote_journal::open(dir.file("missing/votes")));
}
