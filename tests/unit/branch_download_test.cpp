#include "actors/branch_download.hpp"
#include "chain/validation.hpp"
#include "tests/unit/chain_support.hpp"

using namespace timenode;
using namespace timenode::sync;
using timenode::test::late;
using timenode::test::must;

namespace {

constexpr auto second = in_ns(std::chrono::seconds{1});

ip_address ip(int x) {
  return ip_address::from_v4({10, 0, 0, static_cast<std::uint8_t>(x)});
}

/// A branch on the real chain's block 30; its block h is `at(h)`.
struct branch {
  explicit branch(std::size_t count, std::uint32_t mark = 7) {
    auto tip = ancestor();
    for (std::size_t i = 0; i < count; ++i) {
      auto x = test::make_block(tip);
      x.header.version = mark;
      blocks.push_back(test::seal(std::move(x)));
      tip = test::tip_after(blocks.back());
    }
  }
  static chain_tip ancestor() { return test::tip_after(test::real_chain()[30]); }
  std::vector<block_ptr> range(std::uint64_t first, std::uint64_t last) const {
    std::vector<block_ptr> result;
    for (auto h = first; h <= last && h - 31 < blocks.size(); ++h)
      result.push_back(blocks[h - 31]);
    return result;
  }
  hash256 first() const { return chain::block_hash(blocks[0]->header); }

  std::vector<block_ptr> blocks;
};

/// Checks what is to be checked. Returns the last block that was found wrong.
std::optional<bad_block> check_all(branch_download& x, monotonic_ns now) {
  std::optional<bad_block> result;
  while (auto job = x.next_check()) {
    check_reply reply;
    for (const auto& y : job->blocks.blocks) {
      auto checked = chain::check_block(y);
      if (!checked) {
        reply.rejected = checked.error().reason;
        break;
      }
      reply.checked.push_back(std::move(*checked));
    }
    if (auto bad = x.checked(job->run, std::move(reply), late, now))
      result = std::move(bad);
  }
  return result;
}

/// Serves all that is asked of a branch, up to that height.
std::size_t serve(branch_download& x, const branch& from, monotonic_ns now,
                  std::uint64_t up_to = ~std::uint64_t{0}) {
  std::size_t asked = 0;
  for (auto requests = x.step(now); !requests.empty(); requests = x.step(now))
    for (const auto& y : requests) {
      ++asked;
      x.blocks_came(y.peer, from.range(y.first, std::min(y.last, up_to)), late, now);
      check_all(x, now);
    }
  return asked;
}

}  // namespace

TEST_CASE("a branch is fetched from several peers, checked and in order") {
  const branch theirs{750};
  branch_download x{branch::ancestor(), theirs.first(), 780, 2, 1, 0};
  for (int i = 1; i <= 3; ++i)
    x.add_peer(ip(i), link_direction::outbound, 780, 0);
  CHECK(!x.complete());
  CHECK(serve(x, theirs, second) >= 8);
  REQUIRE(x.complete());
  REQUIRE(x.blocks().size() == 750);
  for (std::size_t i = 0; i < 750; ++i)
    CHECK(x.blocks()[i].block == theirs.blocks[i]);
  CHECK(x.sender_of(31).has_value());
  CHECK(x.sender_of(780).has_value());
  CHECK(!x.sender_of(30));
  CHECK(!x.sender_of(781));
  CHECK(x.bytes() > 750 * sizeof(block));
  CHECK(x.step(second).empty());
}

TEST_CASE("a branch that ends below what was claimed is complete where it ends") {
  const branch theirs{20};
  branch_download x{branch::ancestor(), theirs.first(), 500, 2, 1, 0};
  x.add_peer(ip(1), link_direction::outbound, 500, 0);
  serve(x, theirs, second);
  CHECK(x.complete());
  CHECK(x.blocks().size() == 20);
}

TEST_CASE("what we have ourselves is not asked for, and checked all the same") {
  const branch theirs{20};
  branch_download x{branch::ancestor(), theirs.first(), 50, 2, 1, 0};
  x.add_peer(ip(1), link_direction::outbound, 50, 0);
  x.offer(theirs.range(31, 44), late, 0);
  const auto asked = x.step(0);
  REQUIRE(!asked.empty());
  CHECK(asked.front().first == 45);
  check_all(x, 0);
  x.blocks_came(ip(1), theirs.range(45, 50), late, second);
  check_all(x, second);
  CHECK(x.complete());
  CHECK(x.blocks().size() == 20);

  const branch other{20, 9};
  branch_download y{branch::ancestor(), theirs.first(), 50, 2, 1, 0};
  y.add_peer(ip(1), link_direction::outbound, 50, 0);
  y.offer(other.range(31, 44), late, 0);
  const auto again = y.step(0);
  REQUIRE(!again.empty());
  CHECK(again.front().first == 31);
  for (const auto& z : again) {
    y.blocks_came(z.peer, theirs.range(z.first, z.last), late, second);
    check_all(y, second);
  }
  serve(y, theirs, second);
  CHECK(y.complete());
}

TEST_CASE("blocks of yet another branch are not taken, and others are asked") {
  const branch theirs{20};
  const branch wrong{20, 9};
  branch_download x{branch::ancestor(), theirs.first(), 50, 2, 1, 0};
  x.add_peer(ip(1), link_direction::outbound, 50, 0);
  const auto asked = x.step(0);
  REQUIRE(asked.size() == 1);
  x.blocks_came(ip(1), wrong.range(31, 50), late, second);
  CHECK(!x.next_check());
  CHECK(x.failed(second));
  x.add_peer(ip(2), link_direction::outbound, 50, second);
  CHECK(!x.failed(second));
  serve(x, theirs, second);
  CHECK(x.complete());
}

TEST_CASE("an invalid block is named, and fetched from another if one has a valid one") {
  const branch theirs{20};
  auto spoiled = theirs;
  auto copy = *spoiled.blocks[10];
  copy.transactions[0].lock_time = 99;
  spoiled.blocks[10] = std::make_shared<const block>(copy);
  branch_download x{branch::ancestor(), theirs.first(), 50, 2, 1, 0};
  x.add_peer(ip(1), link_direction::outbound, 50, 0);
  REQUIRE(x.step(0).size() == 1);
  x.blocks_came(ip(1), spoiled.range(31, 50), late, second);
  const auto bad = check_all(x, second);
  REQUIRE(bad.has_value());
  CHECK(bad->block.from == ip(1));
  CHECK(bad->block.height() == 41);
  CHECK(x.blocks().size() == 10);
  CHECK(!x.complete());
  CHECK(x.failed(second));
  CHECK(x.invalid() == bad->reason);
  x.add_peer(ip(2), link_direction::outbound, 50, second);
  serve(x, theirs, second);
  CHECK(x.complete());
  CHECK(x.invalid().empty());
  CHECK(x.sender_of(40) == ip(1));
  CHECK(x.sender_of(41) == ip(2));
}

TEST_CASE("a download to which nothing comes is given up after a minute") {
  const branch theirs{20};
  branch_download x{branch::ancestor(), theirs.first(), 50, 2, 1, 0};
  x.add_peer(ip(1), link_direction::outbound, 50, 0);
  x.step(0);
  CHECK(!x.failed(14 * second));
  CHECK(x.next_deadline(0).has_value());
  // It claims again and again, and does not answer.
  for (std::int64_t t = 1; t < 60; ++t) {
    x.add_peer(ip(1), link_direction::outbound, 50, t * second);
    x.step(t * second);
  }
  x.add_peer(ip(1), link_direction::outbound, 50, 60 * second);
  CHECK(x.failed(60 * second));
}

TEST_CASE("a branch is bounded in blocks and in memory; what is above is left for later") {
  const branch theirs{60};
  branch_download many{branch::ancestor(), theirs.first(), 1'000'000, 2, 1, 0};
  CHECK(many.last() == 30 + max_branch_blocks);

  const auto block_bytes = memory_of(*theirs.blocks[0]);
  branch_download x{branch::ancestor(), theirs.first(), 90, 2, 1, 0, 20 * block_bytes};
  x.add_peer(ip(1), link_direction::outbound, 90, 0);
  for (int i = 0; i < 100 && !x.complete(); ++i) {
    serve(x, theirs, second);
    CHECK(x.bytes() <= 21 * block_bytes);
  }
  REQUIRE(x.complete());
  CHECK(x.blocks().size() >= 20);
  CHECK(x.blocks().size() <= 21);
}

TEST_CASE("when the last who has it goes away the download fails") {
  const branch theirs{200};
  branch_download x{branch::ancestor(), theirs.first(), 230, 2, 1, 0};
  x.add_peer(ip(1), link_direction::outbound, 230, 0);
  x.step(0);
  x.blocks_came(ip(1), theirs.range(31, 130), late, second);
  check_all(x, second);
  CHECK(!x.complete());
  x.peer_down(ip(1), second);
  CHECK(x.complete());  // as far as anybody had it
  CHECK(x.blocks().size() == 100);
  branch_download y{branch::ancestor(), theirs.first(), 230, 2, 1, 0};
  y.add_peer(ip(1), link_direction::outbound, 230, 0);
  y.step(0);
  y.peer_down(ip(1), second);
  CHECK(y.failed(second));
}
