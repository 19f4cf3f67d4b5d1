// Blocks that came before their turn.

#include "actors/block_buffer.hpp"
#include "net/random.hpp"
#include "tests/actors/test_chain.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace timenode;
using namespace timenode::sync;

namespace {

ip_address ip(int n) {
  return ip_address::from_v4({10, 0, 0, static_cast<std::uint8_t>(n)});
}

sourced_block one(std::uint64_t height, int from = 1, std::size_t bytes = 10) {
  return {test::real_chain()[height], ip(from), bytes};
}

sourced_blocks blocks(std::uint64_t first, std::uint64_t last, int from = 1) {
  sourced_blocks result;
  for (auto h = first; h <= last; ++h)
    result.push_back(one(h, from));
  return result;
}

std::vector<height_range> listed(const block_buffer& x, std::uint64_t from = 0) {
  std::vector<height_range> result;
  x.list(from, result);
  return result;
}

}  // namespace

TEST_CASE("what was put in comes out in order, as far as there is no hole") {
  block_buffer x{10'000};
  CHECK(x.insert(blocks(21, 30), 0) == 10);
  CHECK(x.insert(blocks(1, 10), 0) == 10);
  CHECK(x.insert(blocks(11, 15), 0) == 5);
  CHECK(x.blocks() == 25);
  CHECK(x.bytes() == 250);
  CHECK(x.first_missing(1) == 16);
  CHECK(x.first_missing(16) == 16);
  CHECK(x.first_missing(25) == 31);
  const auto run = x.take(1, 100, 10'000);
  REQUIRE(run.size() == 15);
  for (std::size_t i = 0; i < run.size(); ++i)
    CHECK(run[i].height() == i + 1);
  CHECK(x.blocks() == 10);
  CHECK(x.take(16, 100, 10'000).empty());
  CHECK(x.blocks() == 10);
}

TEST_CASE("what came first stays") {
  block_buffer x{10'000};
  x.insert(blocks(5, 10, 1), 0);
  CHECK(x.insert(blocks(1, 12, 2), 0) == 6);
  CHECK(x.find(4)->from == ip(2));
  CHECK(x.find(5)->from == ip(1));
  CHECK(x.find(11)->from == ip(2));
  CHECK(x.find(13) == nullptr);
  CHECK(x.bytes() == 120);
}

TEST_CASE("blocks with holes between them are kept apart") {
  block_buffer x{10'000};
  x.insert({one(3), one(4), one(7), one(9)}, 0);
  CHECK(listed(x) == std::vector<height_range>{{3, 4}, {7, 7}, {9, 9}});
  CHECK(listed(x, 4) == std::vector<height_range>{{3, 4}, {7, 7}, {9, 9}});
  CHECK(listed(x, 5) == std::vector<height_range>{{7, 7}, {9, 9}});
}

TEST_CASE("a run is cut by number and by size, but has at least one block") {
  block_buffer x{10'000};
  x.insert(blocks(1, 20), 0);
  CHECK(x.take(1, 5, 10'000).size() == 5);
  CHECK(x.take(6, 100, 35).size() == 3);
  CHECK(x.take(9, 100, 1).size() == 1);
  CHECK(x.take(10, 100, 10'000).size() == 11);
  CHECK(x.bytes() == 0);
}

TEST_CASE("when there is too much the highest go") {
  block_buffer x{100};
  CHECK(x.insert(blocks(1, 8), 0) == 8);
  CHECK(x.insert(blocks(20, 25), 0) == 2);
  CHECK(x.bytes() == 100);
  CHECK(listed(x) == std::vector<height_range>{{1, 8}, {20, 21}});
  x.insert(blocks(10, 11), 50);  // as much is in use elsewhere
  CHECK(x.bytes() == 50);
  CHECK(listed(x) == std::vector<height_range>{{1, 5}});
}

TEST_CASE("what a peer sent can be dropped") {
  block_buffer x{10'000};
  x.insert(blocks(1, 5, 1), 0);
  x.insert(blocks(6, 10, 2), 0);
  x.insert({one(11, 1), one(12, 2), one(13, 1)}, 0);
  x.drop_from(ip(1));
  CHECK(listed(x) == std::vector<height_range>{{6, 10}, {12, 12}});
  CHECK(x.blocks() == 6);
  CHECK(x.bytes() == 60);
}

TEST_CASE("what is below a height can be dropped") {
  block_buffer x{10'000};
  x.insert(blocks(1, 5), 0);
  x.insert(blocks(8, 10), 0);
  x.drop_below(4);
  CHECK(listed(x) == std::vector<height_range>{{4, 5}, {8, 10}});
  x.drop_below(9);
  CHECK(listed(x) == std::vector<height_range>{{9, 10}});
  CHECK(x.bytes() == 20);
  x.drop_below(100);
  CHECK(x.blocks() == 0);
}

TEST_CASE("the buffer holds what a plain set of heights would") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    random_source random{seed};
    block_buffer x{1'000'000};
    std::set<std::uint64_t> expected;
    for (int i = 0; i < 200; ++i) {
      const auto first = random.below(300) + 1;
      const auto last = first + random.below(40);
      switch (random.below(4)) {
      case 0:
      case 1: {
        sourced_blocks some;
        for (auto h = first; h <= last; ++h)
          if (random.below(5) != 0) {
            some.push_back(one(h));
            expected.insert(h);
          }
        x.insert(std::move(some), 0);
        break;
      }
      case 2: {
        const auto from = expected.empty() ? 1 : *expected.begin();
        const auto run = x.take(from, random.below(30) + 1, 1'000'000);
        for (const auto& y : run)
          REQUIRE(expected.erase(y.height()) == 1);
        break;
      }
      default:
        if (random.below(10) == 0) {
          x.drop_below(first);
          expected.erase(expected.begin(), expected.lower_bound(first));
        }
      }
      REQUIRE(x.blocks() == expected.size());
      REQUIRE(x.bytes() == 10 * expected.size());
      auto missing = first;
      while (expected.contains(missing))
        ++missing;
      REQUIRE(x.first_missing(first) == missing);
    }
  }
}
