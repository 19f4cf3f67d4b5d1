// Encoded answers that are kept.

#include "actors/answer_cache.hpp"
#include "actors/commit_policy.hpp"

#include <doctest/doctest.h>

using namespace timenode;

namespace {

hash256 hash(std::uint8_t x) {
  hash256 result{};
  result[0] = x;
  return result;
}

wire::shared_line line(std::size_t bytes) {
  return std::make_shared<const std::string>(bytes, 'x');
}

const answer_cache::hash_source same = [](std::uint64_t) { return hash(1); };

}  // namespace

TEST_CASE("an answer is found by its range and its kind") {
  answer_cache x{1000};
  const auto text = line(100);
  x.insert({1, 100, range_kind::blocks}, 100, hash(1), text);
  CHECK(x.find({1, 100, range_kind::blocks}, same) == text);
  CHECK(x.find({1, 100, range_kind::block_range}, same) == nullptr);
  CHECK(x.find({1, 99, range_kind::blocks}, same) == nullptr);
}

TEST_CASE("an answer is dropped when its last block is no longer on the chain") {
  answer_cache x{1000};
  x.insert({1, 100, range_kind::blocks}, 100, hash(1), line(100));
  CHECK(x.find({1, 100, range_kind::blocks}, [](std::uint64_t) { return hash(2); }) == nullptr);
  CHECK(x.size() == 0);
  CHECK(x.bytes() == 0);
  x.insert({1, 100, range_kind::blocks}, 100, hash(1), line(100));
  CHECK(x.find({1, 100, range_kind::blocks}, [](std::uint64_t) { return std::nullopt; }) ==
        nullptr);
}

TEST_CASE("the cache is bounded by bytes, and what was not used for longest goes first") {
  answer_cache x{1000};
  for (std::uint64_t i = 0; i < 4; ++i)
    x.insert({i, i, range_kind::blocks}, i, hash(1), line(240));
  CHECK(x.find({0, 0, range_kind::blocks}, same) != nullptr);
  x.insert({9, 9, range_kind::blocks}, 9, hash(1), line(240));
  CHECK(x.bytes() <= 1000);
  CHECK(x.find({0, 0, range_kind::blocks}, same) != nullptr);
  CHECK(x.find({1, 1, range_kind::blocks}, same) == nullptr);
  CHECK(x.find({9, 9, range_kind::blocks}, same) != nullptr);
}

TEST_CASE("one answer cannot take the whole cache, and the same range is kept once") {
  answer_cache x{1000};
  x.insert({1, 2, range_kind::blocks}, 2, hash(1), line(251));
  CHECK(x.size() == 0);
  x.insert({1, 2, range_kind::blocks}, 2, hash(1), line(100));
  x.insert({1, 2, range_kind::blocks}, 2, hash(1), line(120));
  CHECK(x.size() == 1);
  CHECK(x.bytes() == 120);
}

TEST_CASE("blocks are synced to disk at the tip and at least every hundred") {
  commit_policy x;
  const std::int64_t now = 1'000'000;
  const auto old = now - commit_policy::tip_seconds - 1;
  CHECK(x.wants_sync(1, now - 600, now));
  CHECK(x.wants_sync(1, now + 60, now));
  CHECK(x.wants_sync(100, old, now));
  CHECK(!x.wants_sync(99, old, now));
  x.committed(99, false);
  CHECK(x.wants_sync(1, old, now));
  x.committed(1, true);
  CHECK(!x.wants_sync(99, old, now));
}
