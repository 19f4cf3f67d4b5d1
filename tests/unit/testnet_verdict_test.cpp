#include "app/testnet_verdict.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace timenode;
using namespace timenode::app;

namespace {

ip_address ip(std::size_t i) {
  return ip_address::from_v4({127, 0, 0, static_cast<std::uint8_t>(i)});
}

/// A network in which all is well: the higher address dialed.
std::vector<node_view> healthy(std::size_t count, std::uint64_t height = 2000) {
  std::vector<node_view> result;
  for (std::size_t i = 1; i <= count; ++i) {
    node_view x;
    x.ip = ip(i);
    x.height = x.target = height;
    x.tip = "aa";
    x.sync_state = "idle";
    for (std::size_t j = 1; j <= count; ++j)
      if (i != j)
        x.links.push_back({ip(j), j > i, 3, 0.2});
    result.push_back(std::move(x));
  }
  return result;
}

link_view& link(std::vector<node_view>& nodes, std::size_t from, std::size_t to) {
  auto& links = nodes[from - 1].links;
  return *std::find_if(links.begin(), links.end(), [&](const auto& x) { return x.peer == ip(to); });
}

void drop(std::vector<node_view>& nodes, std::size_t from, std::size_t to) {
  std::erase_if(nodes[from - 1].links, [&](const auto& x) { return x.peer == ip(to); });
}

bool misses(const testnet_verdict& x, const std::string& part) {
  return std::any_of(x.missing.begin(), x.missing.end(),
                     [&](const auto& y) { return y.find(part) != y.npos; });
}

}  // namespace

TEST_CASE("testnet verdict: a healthy network is found healthy, and counted") {
  const auto x = judge(healthy(4), 2000);
  CHECK(x.ok());
  CHECK(x.nodes == 4);
  CHECK(x.in_sync == 4);
  CHECK(x.pairs == 6);
  CHECK(x.linked == 6);
  CHECK(x.pinged == 6);
  CHECK(x.lowest == 2000);
  CHECK(x.highest == 2000);
  CHECK(x.pongs == 6 * 2 * 3);
  CHECK(x.violations == 0);
}

TEST_CASE("testnet verdict: no node at all is not well") {
  const auto x = judge({}, 0);
  CHECK_FALSE(x.ok());
  CHECK(misses(x, "no node"));
}

TEST_CASE("testnet verdict: one node alone has no pair to miss") {
  CHECK(judge(healthy(1), 2000).ok());
}

TEST_CASE("testnet verdict: a node that does not answer is missed, and its pairs do not count") {
  auto nodes = healthy(3);
  nodes[1].trouble = "no answer: connection refused";
  const auto x = judge(nodes, 2000);
  CHECK_FALSE(x.ok());
  CHECK(misses(x, "127.0.0.2: no answer"));
  CHECK(x.pairs == 3);
  CHECK(x.linked == 1);
  CHECK(x.in_sync == 2);
}

TEST_CASE("testnet verdict: when no node answers nothing is well") {
  auto nodes = healthy(2);
  for (auto& x : nodes)
    x.trouble = "no answer";
  const auto x = judge(nodes, 0);
  CHECK_FALSE(x.ok());
  CHECK(x.in_sync == 0);
  CHECK(x.linked == 0);
}

TEST_CASE("testnet verdict: a pair without a connection is missed") {
  auto nodes = healthy(3);
  drop(nodes, 1, 3);
  drop(nodes, 3, 1);
  const auto x = judge(nodes, 2000);
  CHECK_FALSE(x.ok());
  CHECK(x.linked == 2);
  CHECK(x.missing == std::vector<std::string>{"127.0.0.1 and 127.0.0.3 have no connection"});
}

TEST_CASE("testnet verdict: a connection that one end only sees is missed") {
  auto nodes = healthy(3);
  drop(nodes, 2, 3);
  const auto x = judge(nodes, 2000);
  CHECK_FALSE(x.ok());
  CHECK(x.linked == 2);
  CHECK(misses(x, "only 127.0.0.3 sees"));
}

TEST_CASE(
    "testnet verdict: two connections of a pair are one too many, also when one end sees one") {
  auto nodes = healthy(2);
  nodes[0].links.push_back({ip(2), false, 3, 0.2});
  auto x = judge(nodes, 2000);
  CHECK_FALSE(x.ok());
  CHECK(x.linked == 0);
  CHECK(misses(x, "have 2 connections"));
  nodes[1].links.push_back({ip(1), true, 3, 0.2});
  CHECK(misses(judge(nodes, 2000), "have 2 connections"));
}

TEST_CASE("testnet verdict: both ends cannot have dialed, nor neither") {
  auto nodes = healthy(2);
  link(nodes, 1, 2).inbound = false;
  CHECK(misses(judge(nodes, 2000), "both say that they themselves dialed"));
  link(nodes, 1, 2).inbound = link(nodes, 2, 1).inbound = true;
  CHECK(misses(judge(nodes, 2000), "both say that the other dialed"));
}

TEST_CASE("testnet verdict: a ping must have been answered at both ends") {
  auto nodes = healthy(3);
  link(nodes, 1, 2).pongs = 0;
  const auto x = judge(nodes, 2000);
  CHECK_FALSE(x.ok());
  CHECK(x.linked == 3);
  CHECK(x.pinged == 2);
  CHECK(x.missing == std::vector<std::string>{"127.0.0.1 had no ping answered by 127.0.0.2"});
}

TEST_CASE("testnet verdict: different heights are not in sync") {
  auto nodes = healthy(3);
  nodes[2].height = 1999;
  const auto x = judge(nodes, 0);
  CHECK_FALSE(x.ok());
  CHECK(x.in_sync == 2);
  CHECK(x.lowest == 1999);
  CHECK(x.highest == 2000);
  CHECK(misses(x, "127.0.0.3 is at height 1999, not at 2000"));
}

TEST_CASE("testnet verdict: equal heights of different chains are not in sync") {
  auto nodes = healthy(3);
  nodes[1].tip = "bb";
  const auto x = judge(nodes, 0);
  CHECK_FALSE(x.ok());
  CHECK(misses(x, "127.0.0.2 has another block at height 2000 than 127.0.0.1"));
}

TEST_CASE("testnet verdict: all being equally low is not in sync when a chain was given") {
  const auto x = judge(healthy(3, 0), 2000);
  CHECK_FALSE(x.ok());
  CHECK(x.in_sync == 0);
  CHECK(misses(x, "127.0.0.1 is at height 0, not at 2000"));
}

TEST_CASE("testnet verdict: a node that says that it is syncing is not in sync") {
  auto nodes = healthy(2);
  nodes[0].sync_state = "syncing";
  CHECK(misses(judge(nodes, 2000), "127.0.0.1 says that it is syncing"));
  nodes[0].sync_state = "storage-failed";
  CHECK_FALSE(judge(nodes, 2000).ok());
}

TEST_CASE("testnet verdict: a violated invariant is not well") {
  auto nodes = healthy(2);
  nodes[1].violations = 2;
  const auto x = judge(nodes, 2000);
  CHECK_FALSE(x.ok());
  CHECK(x.violations == 2);
  CHECK(misses(x, "127.0.0.2 counts 2 violations"));
}

TEST_CASE(
    "testnet verdict: a connection to itself is not well, one to a stranger is nobody's business") {
  auto nodes = healthy(2);
  nodes[0].links.push_back({ip(9), true, 0, {}});
  CHECK(judge(nodes, 2000).ok());
  nodes[0].links.push_back({ip(1), true, 0, {}});
  CHECK(misses(judge(nodes, 2000), "127.0.0.1 is connected to itself"));
}
