// The way of blocks into the chain: linking, checking on several workers, applying in order.

#include "actors/block_pipeline.hpp"
#include "tests/actors/test_chain.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace timenode::sync;

namespace {

const test::block_list& chain_blocks() {
  return test::real_chain();
}

ip_address ip(int n) {
  return ip_address::from_v4({10, 0, 0, static_cast<std::uint8_t>(n)});
}

chain_tip tip_at(std::uint64_t height) {
  const auto& header = chain_blocks()[height]->header;
  return {height, chain::block_hash(header), header.timestamp, 0};
}

constexpr std::int64_t late = 2'000'000'000;

sourced_blocks blocks(std::uint64_t first, std::uint64_t last, int from = 1) {
  sourced_blocks result;
  for (auto h = first; h <= last; ++h)
    result.push_back({chain_blocks()[h], ip(from), 10});
  return result;
}

/// What a checker says that finds `good` blocks sound.
check_reply passed(const check_job& job, std::size_t good = 1000, const std::string& why = "bad") {
  check_reply result;
  for (const auto& x : job.blocks.blocks) {
    if (result.checked.size() == good) {
      result.rejected = why;
      break;
    }
    result.checked.push_back({x, chain::block_hash(x->header), {}, 10});
  }
  return result;
}

apply_reply stored(std::uint64_t tip, std::uint64_t applied) {
  return {tip_at(tip), applied, {}, false};
}

/// Checks everything that waits.
void check_all(block_pipeline& x) {
  while (auto job = x.next_check())
    x.checked(job->run, passed(*job));
}

}  // namespace

TEST_CASE("only blocks that link to the last one are taken") {
  block_pipeline x{tip_at(10), 2};
  CHECK(x.next_height() == 11);
  CHECK(x.links(*chain_blocks()[11]));
  CHECK(!x.links(*chain_blocks()[12]));
  CHECK(x.add(blocks(12, 15), late).size() == 4);
  CHECK(x.empty());
  CHECK(x.add(blocks(11, 15), late).empty());
  CHECK(x.next_height() == 16);
  CHECK(x.last_hash() == tip_at(15).hash);
  auto mixed = blocks(16, 18);
  mixed.push_back({test::next_block(*chain_blocks()[17]), ip(2), 10});  // another 18
  mixed[3].block = test::next_block(*test::next_block(*chain_blocks()[17]));
  CHECK(x.add(mixed, late).size() == 1);
  CHECK(x.bytes() == 80);
}

TEST_CASE("blocks ahead of the clock do not link yet") {
  block_pipeline x{tip_at(10), 2};
  const auto latest = chain_blocks()[12]->header.timestamp;
  CHECK(x.add(blocks(11, 15), latest).size() == 3);
  CHECK(x.next_height() == 13);
}

TEST_CASE("as many runs are checked at once as there are checkers, and applied in order") {
  block_pipeline x{tip_at(0), 2};
  for (int i = 0; i < 3; ++i) {
    CHECK(x.has_room());
    x.add(blocks(static_cast<std::uint64_t>(10 * i + 1), static_cast<std::uint64_t>(10 * i + 10)),
          late);
  }
  CHECK(!x.has_room());
  const auto first = x.next_check();
  const auto second = x.next_check();
  REQUIRE(first);
  REQUIRE(second);
  CHECK(!x.next_check());
  x.checked(second->run, passed(*second));
  CHECK(!x.next_apply());  // the first is not done
  CHECK(x.next_check());   // the third
  x.checked(first->run, passed(*first));
  const auto batch = x.next_apply();
  REQUIRE(batch);
  CHECK(batch->blocks.size() == 20);
  CHECK(batch->blocks.front().block == chain_blocks()[1]);
  CHECK(!x.next_apply());
  const auto news = x.applied(stored(20, 20), late);
  CHECK(news.applied.size() == 20);
  CHECK(news.returned.empty());
  CHECK(x.tip().height == 20);
  CHECK(x.next_height() == 31);
  CHECK(x.bytes() == 100);
}

TEST_CASE("a batch holds at most 500 blocks") {
  block_pipeline x{tip_at(0), 2};
  x.add(blocks(1, 300), late);
  x.add(blocks(301, 600), late);
  check_all(x);
  CHECK(x.next_apply()->blocks.size() == 300);
}

TEST_CASE("a bad block is blamed, and what leads from it goes back without the culprit's") {
  block_pipeline x{tip_at(0), 2};
  x.add(blocks(1, 10, 1), late);
  auto more = blocks(11, 15, 2);
  for (auto& y : blocks(16, 20, 3))
    more.push_back(y);
  x.add(more, late);
  x.add(blocks(21, 25, 2), late);
  const auto first = x.next_check();
  const auto second = x.next_check();
  const auto news = x.checked(second->run, passed(*second, 2, "merkle root"));
  REQUIRE(news.bad);
  CHECK(news.bad->block.height() == 13);
  CHECK(news.bad->block.from == ip(2));
  CHECK(news.bad->reason == "merkle root");
  CHECK(!news.bad->judged);
  CHECK(news.returned.size() == 5);  // 16 to 20
  CHECK(x.next_height() == 13);
  CHECK(x.last_hash() == tip_at(12).hash);
  CHECK(x.bytes() == 120);
  x.checked(first->run, passed(*first));
  CHECK(x.next_apply()->blocks.size() == 12);
}

TEST_CASE("a bad block at the front of a run leaves nothing of the run") {
  block_pipeline x{tip_at(0), 2};
  x.add(blocks(1, 10), late);
  const auto job = x.next_check();
  const auto news = x.checked(job->run, passed(*job, 0));
  REQUIRE(news.bad);
  CHECK(news.bad->block.height() == 1);
  CHECK(x.empty());
  CHECK(x.bytes() == 0);
  // What the checker says of a run that is gone is of no interest.
  CHECK(!x.checked(job->run, passed(*job, 0)).bad);
}

TEST_CASE("a check that failed is done again") {
  block_pipeline x{tip_at(0), 1};
  x.add(blocks(1, 10), late);
  const auto job = x.next_check();
  CHECK(!x.next_check());
  x.check_failed(job->run);
  const auto again = x.next_check();
  REQUIRE(again);
  CHECK(again->run == job->run);
  // An answer without a verdict is none.
  CHECK(!x.checked(again->run, check_reply{}).bad);
  CHECK(x.next_check());
}

TEST_CASE("a block that the keeper refuses is blamed") {
  block_pipeline x{tip_at(0), 2};
  x.add(blocks(1, 10, 1), late);
  x.add(blocks(11, 20, 2), late);
  check_all(x);
  REQUIRE(x.next_apply());
  const auto news = x.applied({tip_at(4), 4, "output is spent", false}, late);
  CHECK(news.applied.size() == 4);
  REQUIRE(news.bad);
  CHECK(news.bad->block.height() == 5);
  CHECK(news.bad->reason == "output is spent");
  CHECK(news.returned.size() == 10);  // those of the other peer
  CHECK(x.empty());
  CHECK(x.bytes() == 0);
  CHECK(x.next_height() == 5);
}

TEST_CASE("a refused block that may only be early by our clock is not blamed") {
  block_pipeline x{tip_at(0), 2};
  x.add(blocks(1, 10), late);
  check_all(x);
  REQUIRE(x.next_apply());
  const auto now = chain_blocks()[5]->header.timestamp - 700;
  const auto news = x.applied({tip_at(4), 4, "in the future", false}, now);
  CHECK(!news.bad);
  REQUIRE(news.early);
  CHECK(news.early->height() == 5);
  CHECK(x.empty());
}

TEST_CASE("blocks that no longer follow the tip are not blamed for it") {
  block_pipeline x{tip_at(0), 2};
  x.add(blocks(1, 10), late);
  check_all(x);
  REQUIRE(x.next_apply());
  const auto news = x.applied({tip_at(3), 0, "wrong height", false}, late);
  CHECK(!news.bad);
  CHECK(news.chain_changed);
  CHECK(x.empty());
  CHECK(x.next_height() == 4);
}

TEST_CASE("when the store fails the blocks stay and are applied later") {
  block_pipeline x{tip_at(0), 2};
  x.add(blocks(1, 10), late);
  x.add(blocks(11, 20), late);
  check_all(x);
  REQUIRE(x.next_apply());
  const auto news = x.applied({tip_at(0), 0, {}, true}, late);
  CHECK(!news.bad);
  CHECK(news.returned.empty());
  const auto again = x.next_apply();
  REQUIRE(again);
  CHECK(again->blocks.size() == 20);
  CHECK(x.applied(stored(20, 20), late).applied.size() == 20);
  CHECK(x.bytes() == 0);
}

TEST_CASE("verdicts tell what became of announced blocks") {
  block_pipeline x{tip_at(0), 2};
  const auto only_verdict = [](const pipeline_news& news) {
    REQUIRE(news.verdicts.size() == 1);
    return news.verdicts.front();
  };
  x.add(blocks(1, 1), late, 7);
  check_all(x);
  x.next_apply();
  auto [token, verdict] = only_verdict(x.applied(stored(1, 1), late));
  CHECK(token == 7);
  CHECK(verdict.verdict == flood_verdict::forward);

  x.add(blocks(2, 2), late, 8);
  auto job = x.next_check();
  auto news = x.checked(job->run, passed(*job, 0, "why"));
  std::tie(token, verdict) = only_verdict(news);
  CHECK(token == 8);
  CHECK(verdict.verdict == flood_verdict::invalid);
  CHECK(verdict.reason == "why");
  CHECK(news.bad->judged);

  x.add(blocks(2, 2), late, 9);
  std::tie(token, verdict) = only_verdict(x.reset(tip_at(5), "changed"));
  CHECK(token == 9);
  CHECK(verdict.verdict == flood_verdict::ignore);
  CHECK(verdict.reason == "changed");
  CHECK(x.next_height() == 6);

  // A sound block on a bad one.
  x.add(blocks(6, 6), late);
  x.add(blocks(7, 7, 2), late, 10);
  job = x.next_check();
  std::tie(token, verdict) = only_verdict(x.checked(job->run, passed(*job, 0)));
  CHECK(token == 10);
  CHECK(verdict.verdict == flood_verdict::ignore);
}
