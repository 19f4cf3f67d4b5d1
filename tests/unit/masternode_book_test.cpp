// Which masternodes are believed to exist and to be active: first hand, by hearsay, and never
// again.

#include "actors/masternode_book.hpp"
#include "tests/unit/masternode_support.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace timenode;
using namespace test;

namespace {

constexpr std::int64_t hour = 3600;
const auto our_ip = ip_of(9'000'000);

struct fixture {
  masternode_book book{our_ip};

  /// Masternode `number` connects and announces itself.
  void meet(int number, std::int64_t seconds) {
    book.connected(ip_of(number), at(seconds));
    book.announced(ip_of(number), announcement_of(number), at(seconds));
  }

  auto entry(int number, std::int64_t seconds) const { return entry_of(book, number, at(seconds)); }

  bool is_active(int number, std::int64_t seconds) const {
    const auto x = entry(number, seconds);
    return x && x->active;
  }
};

}  // namespace

// An announcement is believed for the IP that it comes from.
TEST_CASE_FIXTURE(fixture, "a masternode that announces itself is active at once") {
  book.connected(ip_of(1), at(0));
  CHECK(book.announced(ip_of(1), announcement_of(1), at(1)) == std::vector{ip_of(1)});
  const auto x = entry(1, 1);
  REQUIRE(x);
  CHECK(x->active);
  CHECK(x->connected);
  CHECK(x->reward_address == "TIME0reward1");
  CHECK(x->tier == wire::masternode_tier::bronze);
  CHECK(x->key == key_of(1).public_key());
  CHECK(x->first_seen == epoch + 1);
  CHECK(x->why == "announced itself");
  CHECK(book.active() == 1);
  // Told once that it is worth a dial, not with every repetition.
  CHECK(book.announced(ip_of(1), announcement_of(1), at(60)).empty());
}

TEST_CASE_FIXTURE(fixture, "the port of an announced address is dropped") {
  auto x = announcement_of(1);
  x.address += ":24100";
  book.announced(ip_of(1), x, at(0));
  CHECK(is_active(1, 0));
}

TEST_CASE_FIXTURE(fixture, "an announcement that names no host, or no sane reward address, is not "
                           "kept") {
  auto x = announcement_of(1);
  for (const auto* address : {"", "masternode.example", "0.0.0.0", "224.0.0.1", "1.2.3", "::"}) {
    x.address = address;
    CHECK(book.announced(ip_of(1), x, at(0)).empty());
  }
  x = announcement_of(1);
  for (const auto& reward : {std::string{}, std::string(65, 'x'), std::string{"a\nb"}}) {
    x.reward_address = reward;
    CHECK(book.announced(ip_of(1), x, at(0)).empty());
  }
  CHECK(book.size() == 0);
}

// For another IP it is a hint to dial.
TEST_CASE_FIXTURE(fixture, "a masternode that another peer names is worth a dial and nothing "
                           "else") {
  CHECK(book.announced(ip_of(1), announcement_of(2), at(0)) == std::vector{ip_of(2)});
  const auto x = entry(2, 0);
  REQUIRE(x);
  CHECK_FALSE(x->active);
  CHECK(x->why == "named by 203.0.0.1, not heard of first hand");
  CHECK(book.active() == 0);
  CHECK(book.announced(ip_of(3), announcement_of(2), at(1)).empty());
}

TEST_CASE_FIXTURE(fixture, "a connection with a named masternode does not make it active before it "
                           "announces itself") {
  book.announced(ip_of(1), announcement_of(2), at(0));
  book.connected(ip_of(2), at(10));
  CHECK_FALSE(is_active(2, 10));
  book.announced(ip_of(2), announcement_of(2), at(11));
  CHECK(is_active(2, 11));
}

TEST_CASE_FIXTURE(fixture, "a list is first hand for its sender and hearsay for all others") {
  book.connected(ip_of(1), at(0));
  const auto list = wire::masternodes_response{
      {announcement_of(1), announcement_of(2), announcement_of(3), announcement_of(2)}};
  CHECK(book.listed(ip_of(1), list, at(0)) == std::vector{ip_of(1), ip_of(2), ip_of(3)});
  CHECK(is_active(1, 0));
  CHECK_FALSE(is_active(2, 0));
  CHECK_FALSE(is_active(3, 0));
}

TEST_CASE_FIXTURE(fixture, "nobody tells us about ourselves, and no list brings unreachable "
                           "addresses") {
  auto list = wire::masternodes_response{{announcement_of(9'000'000)}};
  for (const auto* address : {"127.0.0.1", "10.1.2.3", "192.168.1.1", "255.255.255.255"}) {
    list.masternodes.push_back(announcement_of(1));
    list.masternodes.back().address = address;
  }
  CHECK(book.listed(ip_of(1), list, at(0)).empty());
  CHECK(book.size() == 0);
}

TEST_CASE_FIXTURE(fixture, "hearsay changes nothing of what a masternode said of itself") {
  meet(1, 0);
  auto other = announcement_of(1, 77);
  other.reward_address = "TIME0thief";
  book.announced(ip_of(2), other, at(10));
  const auto x = entry(1, 10);
  CHECK(x->reward_address == "TIME0reward1");
  CHECK(x->key == key_of(1).public_key());
}

TEST_CASE_FIXTURE(fixture, "what a masternode says of itself replaces hearsay, key included") {
  auto other = announcement_of(1, 77);
  other.reward_address = "TIME0thief";
  book.announced(ip_of(2), other, at(0));
  meet(1, 10);
  const auto x = entry(1, 10);
  CHECK(x->reward_address == "TIME0reward1");
  CHECK(x->key == key_of(1).public_key());
  CHECK(book.hints() == 0);
}

// Active -> inactive after 180 s without evidence; removed after 1 h.
TEST_CASE_FIXTURE(fixture, "a connected masternode stays active for as long as the connection "
                           "lasts") {
  meet(1, 0);
  for (std::int64_t t = 0; t < 24 * hour; t += 60)
    book.expire(at(t));
  CHECK(is_active(1, 24 * hour));
  CHECK(entry(1, 24 * hour)->last_seen == epoch + 24 * hour);
}

TEST_CASE_FIXTURE(fixture, "a masternode is inactive 180 s after its connection ended, and not "
                           "before") {
  meet(1, 0);
  book.disconnected(ip_of(1), at(1000));
  CHECK(book.expire(at(1179)) == at(1180).mono);
  CHECK(is_active(1, 1179));
  book.expire(at(1180));
  CHECK_FALSE(is_active(1, 1180));
  CHECK(entry(1, 1180)->why == "no sign of life for 180 s");
  CHECK(entry(1, 1180)->last_seen == epoch + 1000);
  CHECK(book.active() == 0);
}

TEST_CASE_FIXTURE(fixture, "a masternode that connects again is active again, without announcing "
                           "itself") {
  meet(1, 0);
  book.disconnected(ip_of(1), at(10));
  book.expire(at(300));
  book.connected(ip_of(1), at(400));
  CHECK(is_active(1, 400));
  CHECK(entry(1, 400)->why == "connected");
}

TEST_CASE_FIXTURE(fixture, "a masternode is forgotten after an hour without evidence") {
  meet(1, 0);
  book.disconnected(ip_of(1), at(0));
  CHECK(book.expire(at(180)) == at(hour).mono);
  book.expire(at(hour - 1));
  CHECK(book.size() == 1);
  CHECK(book.expire(at(hour)) == std::nullopt);
  CHECK(book.size() == 0);
}

// Gossip introduces, never refreshes.
TEST_CASE_FIXTURE(fixture, "no amount of gossip keeps a dead masternode active, or in the book") {
  meet(1, 0);
  book.disconnected(ip_of(1), at(0));
  for (std::int64_t t = 1; t < hour; ++t) {
    book.announced(ip_of(2), announcement_of(1), at(t));
    book.listed(ip_of(3), {{announcement_of(1)}}, at(t));
    book.expire(at(t));
    CHECK(is_active(1, t) == (t < 180));
  }
  book.expire(at(hour));
  CHECK(book.size() == 0);
}

// Tombstones keep an IP from re-entering via gossip for 2 h; first-hand contact lifts them.
TEST_CASE_FIXTURE(fixture, "a ghost does not come back by gossip while its tombstone stands") {
  meet(1, 0);
  book.disconnected(ip_of(1), at(0));
  book.expire(at(hour));
  for (std::int64_t t = hour; t < 3 * hour; t += 10) {
    CHECK(book.announced(ip_of(2), announcement_of(1), at(t)).empty());
    CHECK(book.listed(ip_of(3), {{announcement_of(1)}}, at(t)).empty());
    CHECK(book.judge(ip_of(3), heartbeat_of(1, 1, t), at(t)).to_dial.empty());
    REQUIRE(book.size() == 0);
  }
  CHECK(book.announced(ip_of(2), announcement_of(1), at(3 * hour)) == std::vector{ip_of(1)});
}

TEST_CASE_FIXTURE(fixture, "a masternode that comes back itself is believed at once, tombstone or "
                           "not") {
  meet(1, 0);
  book.disconnected(ip_of(1), at(0));
  book.expire(at(hour));
  book.announced(ip_of(1), announcement_of(1), at(hour + 1));
  CHECK(is_active(1, hour + 1));
}

TEST_CASE_FIXTURE(fixture, "a masternode that was only ever named leaves a tombstone too") {
  book.announced(ip_of(2), announcement_of(1), at(0));
  book.expire(at(hour));
  CHECK(book.size() == 0);
  CHECK(book.hints() == 0);
  CHECK(book.announced(ip_of(3), announcement_of(1), at(hour)).empty());
}

// A key change needs the old key's silence for an hour.
TEST_CASE_FIXTURE(fixture, "another key is not taken while the announced one was heard of in the "
                           "last hour") {
  meet(1, 0);
  for (std::int64_t t = 60; t <= hour; t += 60)  // The old key is heard of until t = 3600.
    book.announced(ip_of(1), announcement_of(1), at(t));
  book.announced(ip_of(1), announcement_of(1, 77), at(2 * hour - 1));
  CHECK(entry(1, 2 * hour)->key == key_of(1).public_key());
  CHECK(entry(1, 2 * hour)->why ==
        "announces another key, and the old one was not silent for an hour");
  book.announced(ip_of(1), announcement_of(1, 77), at(2 * hour));
  CHECK(entry(1, 2 * hour)->key == key_of(77).public_key());
}

// Bounded: hints.
TEST_CASE_FIXTURE(fixture, "one source cannot enter more than its share of hints") {
  for (int i = 0; i < 3'000; ++i)
    book.announced(ip_of(1), announcement_of(100 + i), at(0));
  CHECK(book.hints() == max_hints_per_source);
  CHECK(book.announced(ip_of(2), announcement_of(5'000), at(0)) == std::vector{ip_of(5'000)});
}

TEST_CASE_FIXTURE(fixture, "when the hints are full, the greediest source makes room for a modest "
                           "one") {
  for (int source = 1; source <= 5; ++source)
    for (int i = 0; i < 1'000; ++i)
      book.announced(ip_of(source), announcement_of(source * 10'000 + i), at(0));
  REQUIRE(book.hints() == max_hints);
  CHECK_FALSE(book.announced(ip_of(6), announcement_of(99), at(1)).empty());
  CHECK(book.hints() == max_hints);
  CHECK(entry(99, 1));
  // The first of the first source went: it came first.
  CHECK_FALSE(entry(10'000, 1));
  CHECK(entry(10'001, 1));
  // Shares become even, and stay: nobody is driven below those who push.
  for (int i = 0; i < 5'000; ++i)
    book.announced(ip_of(6), announcement_of(60'000 + i), at(1));
  const auto all = book.list(at(1));
  const auto held = std::count_if(all.begin(), all.end(), [](const auto& x) {
    return x.ip >= ip_of(60'000) && x.ip < ip_of(65'000);
  });
  CHECK(held >= 830);
  CHECK(held <= 834);
}

TEST_CASE_FIXTURE(fixture, "a flood of hints drives out neither living masternodes nor such as "
                           "were met") {
  for (int i = 1; i <= 50; ++i)
    meet(i, 0);
  for (int i = 26; i <= 50; ++i)
    book.disconnected(ip_of(i), at(0));
  book.expire(at(200));
  for (int source = 100; source < 120; ++source)
    for (int i = 0; i < 1'500; ++i)
      book.announced(ip_of(source), announcement_of(source * 10'000 + i), at(200));
  CHECK(book.hints() == max_hints);
  CHECK(book.size() == max_hints + 50);
  for (int i = 1; i <= 50; ++i)
    CHECK(entry(i, 200));
  CHECK(book.active() == 25);
}

TEST_CASE_FIXTURE(fixture, "a full book takes a masternode that announces itself, for one that is "
                           "silent") {
  for (int i = 1; i <= static_cast<int>(max_masternodes); ++i)
    meet(i, 0);
  REQUIRE(book.size() == max_masternodes);
  // All are alive: no room, and none loses its place.
  meet(20'000, 1);
  CHECK_FALSE(entry(20'000, 1));
  book.disconnected(ip_of(7), at(2));
  book.expire(at(182));
  meet(20'001, 183);
  CHECK(is_active(20'001, 183));
  CHECK_FALSE(entry(7, 183));
  CHECK(book.size() == max_masternodes);
}

TEST_CASE("the entry of this node itself is active and never expires") {
  masternode_book book{our_ip};
  book.add_self({.ip = our_ip, .reward_address = "TIME0ours", .key = key_of(5).public_key()},
                at(0));
  book.expire(at(48 * hour));
  const auto all = book.list(at(48 * hour));
  REQUIRE(all.size() == 1);
  CHECK(all.front().ours);
  CHECK(all.front().active);
  CHECK(all.front().reward_address == "TIME0ours");
  CHECK(book.active() == 1);
}
