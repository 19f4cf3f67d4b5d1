#include "chain/block_maker.hpp"
#include "chain/block_schedule.hpp"
#include "chain/genesis.hpp"
#include "chain/rewards.hpp"
#include "tests/unit/chain_support.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace timenode;
using namespace timenode::test;

namespace {

constexpr auto net = network_id::testnet;
const std::int64_t genesis_time = chain::genesis_block(net).block->header.timestamp;

chain_tip tip(std::uint64_t height, std::int64_t timestamp) {
  return {height, {}, timestamp, 0};
}

chain::consensus_rules every(std::int64_t seconds) {
  chain::consensus_rules result;
  result.block_time = seconds;
  return result;
}

}  // namespace

TEST_CASE("schedule: on the public networks a block is due at genesis time + 600 h, but after its "
          "parent") {
  const chain::consensus_rules rules;
  CHECK(chain::due_time(rules, net, tip(0, genesis_time), 0) == genesis_time + 600);
  CHECK(chain::due_time(rules, net, tip(99, genesis_time + 99 * 600), 0) == genesis_time + 60'000);
  CHECK(chain::due_time(rules, net, tip(99, genesis_time + 70'000), 0) == genesis_time + 70'001);
  CHECK(chain::due_time(rules, net, tip(~std::uint64_t{0}, 0), 0) ==
        std::numeric_limits<std::int64_t>::max());
  CHECK(chain::check_due_time(rules, net, tip(99, genesis_time), genesis_time + 60'000, 0));
  CHECK_FALSE(chain::check_due_time(rules, net, tip(99, genesis_time), genesis_time + 60'001, 0));
}

TEST_CASE("schedule: every block of the real chain came at its time") {
  const chain::consensus_rules rules;
  for (std::size_t h = 1; h < real_chain().size(); ++h) {
    const auto& parent = real_chain()[h - 1]->header;
    CHECK(chain::check_due_time(rules, net, tip(parent.height, parent.timestamp),
                                real_chain()[h]->header.timestamp, 0));
  }
}

TEST_CASE(
    "schedule: on a private network a block is due so long after its parent, the first one now") {
  const auto rules = every(5);
  const std::int64_t now = 1'800'000'003;
  CHECK(chain::due_time(rules, net, tip(0, genesis_time), now) == 1'800'000'000);
  CHECK(chain::due_time(rules, net, tip(7, 1'800'000'000), now) == 1'800'000'005);
  const auto first = [&](std::int64_t x) {
    return chain::check_due_time(rules, net, tip(0, genesis_time), x, now).has_value();
  };
  CHECK(first(1'800'000'000));
  CHECK(first(1'799'999'900));  // proposed some rounds ago
  CHECK(first(1'800'000'100));  // by a clock that is ahead
  CHECK_FALSE(first(1'800'000'001));
  CHECK_FALSE(first(1'799'999'000));
  CHECK_FALSE(first(1'800'001'000));
}

TEST_CASE("schedule: a chain can have no more blocks than the time had") {
  CHECK(chain::highest_by({}, net, genesis_time + 6000) == 11);  // one may be early
  CHECK(chain::highest_by({}, net, genesis_time - 601) == 0);
  CHECK(chain::highest_by(every(5), net, genesis_time + 6000) == 1320);
}

TEST_CASE("rewards: everybody gets the share of its weight, rounded down, as in the real chain") {
  using enum wire::masternode_tier;
  const std::vector<chain::payee> four{
      {"silver", silver}, {"gold", gold}, {"free", free}, {"bronze", bronze}};
  const auto shares = chain::rewards_of(four);
  const auto& real = real_chain()[1]->masternode_rewards;
  REQUIRE(shares.size() == real.size());
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(shares[i].first == four[i].reward_address);
    CHECK(shares[i].second == real[i].second);
  }
  CHECK(chain::rewards_of({}).empty());
}

TEST_CASE("a block that is made passes every check, and pays what it lists") {
  const auto& genesis = chain::genesis_block(net);
  chain::block_parts parts;
  parts.parent = {0, genesis.hash, genesis_time, 1};
  parts.timestamp = genesis_time + 600;
  parts.rewards =
      chain::rewards_of(std::vector<chain::payee>(1000, {"address", wire::masternode_tier::free}));
  parts.fees = 77;
  const auto block = chain::make_block(parts);
  const auto checked = must(chain::check_block(block));
  CHECK(chain::check_on_parent(checked, {0, genesis.hash, genesis_time}, genesis_time + 600));
  CHECK(block->header.block_reward == chain::block_subsidy + 77);
  CHECK(block->transactions.front().outputs.size() == 1000);
  CHECK(*chain::make_block(parts) == *block);
}
