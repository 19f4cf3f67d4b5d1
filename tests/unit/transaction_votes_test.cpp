// What masternodes say of transactions, and what one may say itself.

#include "chain/transaction_votes.hpp"
#include "tests/transactions.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace test;
using chain::vote_fate;

namespace {

constexpr std::int64_t now = 2'000'000'000;

hash256 id(std::uint8_t n) {
  hash256 result{};
  result[0] = n;
  return result;
}

wire::transaction_vote vote(std::uint8_t n, const std::string& voter, bool approve = true,
                            std::int64_t at = now) {
  return {id(n), voter, approve, at, {1, 2, 3}};
}

transaction spends(std::initializer_list<std::uint32_t> outputs) {
  transaction result;
  for (const auto x : outputs)
    result.inputs.push_back({{id(9), x}, {}, 0});
  return result;
}

}  // namespace

TEST_CASE("each voter counts once, and only those who decide") {
  chain::transaction_votes votes;
  for (const auto* voter : {"a", "b", "c"})
    CHECK(votes.add(vote(1, voter), now) == vote_fate::added);
  CHECK(votes.add(vote(1, "d", false), now) == vote_fate::added);
  CHECK(votes.add(vote(1, "a"), now) == vote_fate::known);
  const std::map<std::string, public_key> voters{{"a", {}}, {"b", {}}, {"d", {}}, {"e", {}}};
  CHECK(votes.count(id(1), voters).approve == 2);
  CHECK(votes.count(id(1), voters).reject == 1);
  CHECK(votes.count(id(2), voters).approve == 0);
  CHECK(votes.of(id(1)).size() == 4);
  votes.forget(id(1));
  CHECK(votes.size() == 0);
  CHECK(votes.of(id(1)).empty());
}

TEST_CASE("a masternode that says the opposite later is not heard") {
  chain::transaction_votes votes;
  votes.add(vote(1, "a"), now);
  CHECK(votes.add(vote(1, "a", false, now + 100), now + 100) == vote_fate::contradicts);
  CHECK(votes.count(id(1), {{"a", {}}}).approve == 1);
}

TEST_CASE("a vote that is said again after a while goes round again") {
  chain::transaction_votes votes;
  votes.add(vote(1, "a"), now);
  CHECK(votes.add(vote(1, "a", true, now + 14), now + 14) == vote_fate::known);
  CHECK(votes.add(vote(1, "a", true, now + 15), now + 15) == vote_fate::repeated);
  CHECK(votes.of(id(1)).front().timestamp == now + 15);
  CHECK(votes.size() == 1);
}

TEST_CASE("votes on what nobody sent are kept for two minutes only") {
  chain::transaction_votes votes;
  votes.add(vote(1, "a"), now);
  votes.add(vote(2, "a"), now);
  const auto is_known = [](const hash256& txid) { return txid == id(2); };
  votes.forget_strays(now + 120, is_known);
  CHECK(votes.size() == 2);
  votes.forget_strays(now + 121, is_known);
  CHECK(votes.size() == 1);
  CHECK(votes.of(id(1)).empty());
}

TEST_CASE("of transactions that spend one output a masternode approves one") {
  chain::approved_spends approved;
  const auto first = spends({1, 2});
  const auto rival = spends({2, 3});
  CHECK(approved.may_approve(first, id(1)));
  approved.approve(first, id(1), now);
  CHECK(approved.may_approve(first, id(1)));
  CHECK_FALSE(approved.may_approve(rival, id(2)));
  CHECK(approved.may_approve(spends({3}), id(3)));
  approved.forget_before(now);
  CHECK_FALSE(approved.may_approve(rival, id(2)));
  approved.forget_before(now + 1);
  CHECK(approved.may_approve(rival, id(2)));
  CHECK(approved.size() == 0);
}

TEST_CASE("an output that a block spends needs no remembering, and what is remembered is bounded") {
  chain::approved_spends approved{3};
  approved.approve(spends({1, 2}), id(1), now);
  CHECK_FALSE(approved.may_approve(spends({3, 4}), id(2)));
  approved.forget(spends({1}));
  CHECK(approved.size() == 1);
  CHECK(approved.may_approve(spends({3, 4}), id(2)));
}
