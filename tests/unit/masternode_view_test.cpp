#include "actors/masternode_view.hpp"
#include "actors/peer_clocks.hpp"
#include "chain/keys.hpp"
#include "tests/unit/masternode_support.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace test;

namespace {

constexpr std::int64_t now = epoch + 10'000;

std::string reward_of(int number) {
  return chain::address_of(key_of(number).public_key(), network_id::testnet);
}

/// One that everybody must know: active for an hour, heard of just now.
masternode_entry entry(int number) {
  masternode_entry result;
  result.ip = ip_of(number);
  result.reward_address = reward_of(number);
  result.key = key_of(number).public_key();
  result.active = true;
  result.active_since = now - 3600;
  result.last_seen = now - 5;
  return result;
}

masternode_view view(std::vector<masternode_entry> entries) {
  return {std::move(entries), now, network_id::testnet};
}

std::vector<masternode_entry> four() {
  return {entry(1), entry(2), entry(3), entry(4)};
}

}  // namespace

TEST_CASE("a block that pays what we would pay is not disputed, in whatever order") {
  const auto x = view(four());
  auto paid = x.rewards();
  CHECK(paid.size() == 4);
  CHECK(paid[0].second == chain::rewards_of(std::vector<chain::payee>(4))[0].second);
  CHECK(x.dispute(paid).empty());
  std::swap(paid[0], paid[3]);
  CHECK(x.dispute(paid).empty());
}

TEST_CASE("who is surely active has to be paid, who came or went just now may be") {
  const auto all = view(four()).rewards();
  auto entries = four();
  entries.pop_back();
  const auto three = view(entries).rewards();
  CHECK(view(four()).dispute(three) ==
        "it does not pay " + ip_of(4).to_string() + ", which is active");

  entries = four();
  entries[3].active_since = now - 60;  // just come
  CHECK(view(entries).dispute(three).empty());
  CHECK(view(entries).dispute(all).empty());
  entries = four();
  entries[3].last_seen = now - 150;  // perhaps gone
  CHECK(view(entries).dispute(three).empty());
  CHECK(view(entries).dispute(all).empty());
  entries[3].active = false;
  entries[3].last_seen = now - 300;  // gone, but others may have heard of it later
  CHECK(view(entries).dispute(three).empty());
  CHECK(view(entries).dispute(all).empty());
  entries[3].last_seen = now - 400;  // surely gone
  CHECK(view(entries).dispute(three).empty());
  CHECK(view(entries).dispute(all) ==
        "it pays " + reward_of(4) + " more often than masternodes with that address live");
}

TEST_CASE(
    "who is known by hearsay, or has no address of this network, is neither paid nor missed") {
  auto entries = four();
  entries[2].hearsay = true;
  entries[3].reward_address = chain::address_of(key_of(4).public_key(), network_id::mainnet);
  const auto x = view(entries);
  CHECK(x.rewards().size() == 2);
  CHECK(x.active() == 2);
  CHECK(x.present().size == 2);
  CHECK_FALSE(x.dispute(view(four()).rewards()).empty());
}

TEST_CASE("shares follow the tiers, and a wrong one is named") {
  auto entries = four();
  entries[0].tier = wire::masternode_tier::gold;
  const auto x = view(entries);
  auto paid = x.rewards();
  CHECK(x.dispute(paid).empty());
  paid[1].second += 1;
  CHECK(x.dispute(paid).find("its share is") != std::string::npos);
  CHECK_FALSE(view(four()).dispute(x.rewards()).empty());
}

TEST_CASE("masternodes that share an address are paid once each, and never more often") {
  auto entries = four();
  entries[1].reward_address = reward_of(1);
  const auto x = view(entries);
  auto paid = x.rewards();
  CHECK(x.dispute(paid).empty());
  paid.pop_back();
  paid.push_back(paid.front());
  CHECK_FALSE(x.dispute(chain::rewards_of(std::vector<chain::payee>{{reward_of(1), {}},
                                                                    {reward_of(1), {}},
                                                                    {reward_of(1), {}},
                                                                    {reward_of(3), {}},
                                                                    {reward_of(4), {}}}))
                  .empty());
}

TEST_CASE("the masternodes that a block paid decide on the next, also those that we do not know") {
  auto entries = four();
  entries[2].active = false;  // it is silent now, but was paid
  const auto x = view(entries);
  auto paid = view(four()).rewards();
  paid.emplace_back(reward_of(99), 1);
  const auto set = x.paid_by(paid);
  CHECK(set.size == 5);
  REQUIRE(set.known.size() == 4);
  CHECK(set.known.at(ip_of(3).to_string()) == key_of(3).public_key());
  CHECK(x.paid_by({}).size == 0);
}

TEST_CASE("of those that share an address the active ones are meant") {
  auto entries = four();
  entries[0].active = false;
  entries[1].reward_address = reward_of(1);
  const auto set = view(entries).paid_by({{reward_of(1), 5}, {reward_of(3), 5}, {reward_of(4), 5}});
  CHECK(set.size == 3);
  CHECK(set.known.contains(ip_of(2).to_string()));
  CHECK_FALSE(set.known.contains(ip_of(1).to_string()));
}

TEST_CASE(
    "who announces another's reward address later does not get the seat for which that was paid") {
  auto entries = four();
  for (auto& x : entries)
    x.first_seen = 1000;
  const auto honest = view(entries).paid_by(view(entries).rewards());
  const auto paid = view(entries).rewards();
  // The addresses of these come before those of the others as text.
  auto attacked = entries;
  for (int i = 0; i < 4; ++i) {
    auto impostor = entries[static_cast<std::size_t>(i)];
    impostor.ip = ip_address::from_v4({1, 0, 0, static_cast<std::uint8_t>(i + 1)});
    impostor.key = key_of(50 + i).public_key();
    impostor.first_seen = 1001;
    attacked.push_back(impostor);
  }
  REQUIRE(attacked.back().ip.to_string() < entries.front().ip.to_string());
  CHECK(view(attacked).paid_by(paid) == honest);
}

TEST_CASE("clocks: one peer that is wrong changes nothing, most of them do") {
  peer_clocks x;
  CHECK(x.offset() == 0);
  x.heard(ip_of(1), 1000);
  CHECK(x.offset() == 0);
  x.heard(ip_of(1), -1000);
  CHECK(x.offset() == 0);
  x.heard(ip_of(2), -31);
  CHECK(x.offset() == -31);
  x.heard(ip_of(2), -121);
  CHECK(x.offset() == -121);
  x.heard(ip_of(3), 2);
  x.heard(ip_of(4), 1);
  CHECK(x.offset() == 0);
  x.forget(ip_of(3));
  x.forget(ip_of(4));
  CHECK(x.offset() == -121);
}

TEST_CASE("clocks: who is asked about some hears nothing of the others, however many") {
  peer_clocks x;
  for (int i = 10; i < 60; ++i)
    x.heard(ip_of(i), 1000);
  const std::set some{ip_of(1), ip_of(2), ip_of(3)};
  CHECK(x.offset() == 1000);
  CHECK(x.offset(some) == 0);
  x.heard(ip_of(1), 40);
  CHECK(x.offset(some) == 0);
  x.heard(ip_of(2), 50);
  CHECK(x.offset(some) == 40);
}

TEST_CASE("a clock is told when it changes by more than where in a second a message comes, and "
          "as it goes on ever less often") {
  constexpr monotonic_ns second = 1'000'000'000;
  clock_report x;
  CHECK(x.is_news(0, second));
  CHECK_FALSE(x.is_news(-1, 30 * second));
  CHECK_FALSE(x.is_news(0, 60 * second));
  CHECK(x.is_news(2, 90 * second));
  CHECK_FALSE(x.is_news(1, 120 * second));
  // One that drifts is noticed, however slowly.
  CHECK_FALSE(x.is_news(3, 149 * second));
  CHECK(x.is_news(4, 180 * second));
  CHECK(x.is_news(4, 480 * second));
  // One that is worth a warning is told each time, since a warning may be due.
  CHECK(x.is_news(40, 481 * second));
  CHECK(x.is_news(40, 482 * second));
  // After a minute, then eight more, then every hour.
  std::size_t told = 0;
  for (auto now = 483 * second; now < (483 + 24 * 3600) * second; now += 30 * second)
    told += x.is_news(5, now);
  CHECK(told >= 24 + 1);
  CHECK(told <= 24 + 3);
}
