// Which addresses the registry is asked to connect: configured ones and masternodes always,
// discovered ones as there is room, a few at a time.

#include "tests/unit/address_book_support.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace timenode;
using namespace test;

namespace {

using fixture = address_book_fixture;

struct small_fixture : fixture {
  small_fixture() : fixture{our_ip, 5} {}
};

}  // namespace

// -- what is dialed ---------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "configured peers are wanted from the start and never given up") {
  book.add_configured(at(ip("203.0.113.1")));
  book.add_configured(at(our_ip));
  CHECK(follow().want == std::vector{std::pair{at(ip("203.0.113.1")), dial_purpose::configured}});
  CHECK_FALSE(fail(ip("203.0.113.1"), 1000));
  CHECK(follow().unwant.empty());
  CHECK(wanted.size() == 1);
  CHECK(follow().want.empty());  // asked once
}

TEST_CASE_FIXTURE(fixture, "discovered peers that we are to dial are tried eight at a time") {
  learn_groups(100);
  follow();
  CHECK(wanted.size() == max_tries);
  // One that succeeds is one less to look for ...
  const auto reached = wanted.begin()->first;
  book.dialed({at(reached), true, 0, ""}, 1000);
  book.connected(outbound(reached), 1000);
  CHECK(follow().want.empty());
  // ... and one that failed three times makes room: what waits out its backoff is no try.
  const auto failing = wanted.rbegin()->first;
  fail(failing, 2);
  CHECK(follow().want.empty());
  fail(failing);
  CHECK(follow().want.size() == 1);
  CHECK(wanted.contains(failing));
}

TEST_CASE("peers that are to dial us are awaited more at a time: that costs nothing") {
  fixture x{ip("1.0.0.1")};  // below all others
  x.learn_groups(100);
  x.follow();
  CHECK(x.wanted.size() == max_waits);
}

TEST_CASE_FIXTURE(fixture, "a node that has enough peers knocks at a few strangers at a time only, "
                           "and at more again when it has lost "
                           "peers") {
  learn_groups(100);
  follow();
  CHECK(wanted.size() == max_tries);
  for (int i = 0; i < static_cast<int>(enough_peers); ++i) {
    book.add_configured(at(public_ip(200, i)));
    book.connected(outbound(public_ip(200, i)), 1000);
  }
  const auto strangers = [this] {
    return static_cast<std::size_t>(std::ranges::count(wanted, dial_purpose::discovered,
                                                       [](const auto& x) { return x.second; }));
  };
  follow();
  CHECK(strangers() <= 2 * max_strangers_at_ease);
  // However often they fail.
  std::set<ip_address> tried;
  for (int round = 0; round < 2000; ++round) {  // five seconds each
    for (const auto& [x, purpose] : std::map{wanted})
      if (purpose == dial_purpose::discovered) {
        tried.insert(x);
        fail(x);
      }
    follow();
    CHECK(strangers() <= 2 * max_strangers_at_ease);
  }
  CHECK(tried.size() == 100);  // each has its turn
  // The fewer it has left, the more.
  for (int i = 0; i < static_cast<int>(enough_peers) / 2; ++i)
    book.disconnected(public_ip(200, i), 2000);
  learn_groups(100);
  follow();
  CHECK(strangers() >= max_tries / 2);
  CHECK(strangers() < max_tries);
  for (int i = 0; i < static_cast<int>(enough_peers); ++i)
    book.disconnected(public_ip(200, i), 2000);
  follow();
  CHECK(strangers() >= max_tries);
}

TEST_CASE_FIXTURE(fixture, "peers that only dialed us make nobody lazy") {
  for (int i = 0; i < 50; ++i)
    book.connected(inbound(public_ip(200, i)), 1000);
  learn_groups(100);
  follow();
  CHECK(wanted.size() == max_tries);
}

TEST_CASE_FIXTURE(
    fixture, "with enough peers few of the masternodes that nobody ever met are dialed at a time") {
  for (int i = 0; i < 500; ++i)
    book.add_masternode(at(public_ip(i % 256, i / 256)));
  follow();
  CHECK(wanted.size() == max_unmet_masternodes_wanted);
  for (int i = 0; i < static_cast<int>(enough_peers); ++i) {
    book.add_configured(at(public_ip(200, 1000 + i)));
    book.connected(outbound(public_ip(200, 1000 + i)), 1000);
  }
  follow();
  CHECK(std::ranges::count(wanted, dial_purpose::masternode, [](const auto& x) {
          return x.second;
        }) == static_cast<std::ptrdiff_t>(max_unmet_masternodes_at_ease));
}

TEST_CASE_FIXTURE(small_fixture, "no more discovered peers are wanted than there are free places") {
  learn_groups(50);
  follow();
  CHECK(wanted.size() == 5);
  for (int i = 0; i < 3; ++i)
    book.connected(inbound(public_ip(100 + i, 1)), 1000);
  CHECK(follow().unwant.size() == 3);
  for (int i = 3; i < 5; ++i)
    book.connected(inbound(public_ip(100 + i, 1)), 1000);
  follow();
  CHECK(wanted.empty());
  book.disconnected(public_ip(100, 1), 1000);
  follow();
  CHECK(wanted.size() == 1);
}

TEST_CASE_FIXTURE(small_fixture, "configured peers take no places of discovered ones") {
  // All places but one, were they to take any, and half of the good peers that are enough.
  for (int i = 0; i < 4; ++i) {
    book.add_configured(at(public_ip(200, i)));
    book.connected(outbound(public_ip(200, i)), 1000);
  }
  learn_groups(50);
  follow();
  CHECK(std::count_if(wanted.begin(), wanted.end(), [](const auto& x) {
          return x.second == dial_purpose::discovered;
        }) == static_cast<std::ptrdiff_t>(max_tries) / 2);
}

TEST_CASE_FIXTURE(small_fixture, "when all places wait for peers that fail, untried ones get their "
                                 "turn") {
  learn_groups(20);
  std::set<ip_address> tried;
  for (int round = 0; round < 100; ++round) {
    follow();
    CHECK(wanted.size() <= 5);
    const auto wanted_now = wanted;
    for (const auto& [x, _] : wanted_now) {
      tried.insert(x);
      fail(x);
    }
  }
  CHECK(tried.size() == 20);
}

TEST_CASE_FIXTURE(fixture, "a discovered peer leaves the book after ten failures in a row, not "
                           "before") {
  learn({"203.0.113.1"});
  follow();
  CHECK_FALSE(fail(ip("203.0.113.1"), 9));
  book.dialed({at(ip("203.0.113.1")), true, 0, ""}, 1000);
  CHECK_FALSE(fail(ip("203.0.113.1"), 9));
  CHECK(fail(ip("203.0.113.1")));
  CHECK(book.snapshot().known == 0);
}

TEST_CASE_FIXTURE(fixture,
                  "a peer that was connected is not forgotten while its host is set up anew") {
  book.connected(outbound(ip("203.0.113.1")), 1'000'000);
  book.disconnected(ip("203.0.113.1"), 1'000'000);
  for (std::uint32_t i = 1; i < 500; ++i)
    CHECK_FALSE(
        book.dialed({at(ip("203.0.113.1")), false, i, "refused"}, 1'000'000 + forgotten_after - 1));
  CHECK(book.dialed({at(ip("203.0.113.1")), false, 500, "refused"}, 1'000'000 + forgotten_after));
}

TEST_CASE_FIXTURE(fixture, "failures count on when the registry was told to forget a peer in "
                           "between") {
  learn({"203.0.113.1"});
  follow();
  for (int i = 0; i < 9; ++i)
    CHECK_FALSE(book.dialed({at(ip("203.0.113.1")), false, 1, "refused"}, 1000));
  CHECK(book.dialed({at(ip("203.0.113.1")), false, 1, "refused"}, 1000));
}

TEST_CASE_FIXTURE(fixture, "groups that we have nobody of come first") {
  for (int i = 0; i < 64; ++i)
    learn({public_ip(7, i).to_string()});
  follow();  // eight of group 7
  learn_groups(4, "192.0.2.2");
  for (const auto& [x, _] : std::map{wanted})
    fail(x, 3);
  int new_groups = 0;
  for (const auto& [to, _] : follow().want)
    new_groups += to.ip.group() != public_ip(7, 0).group();
  CHECK(new_groups == 4);
}

TEST_CASE_FIXTURE(fixture, "a discovered peer stays wanted while it is connected, so that it is "
                           "dialed again when it is lost") {
  learn({"203.0.113.1"});
  follow();
  book.connected(outbound(ip("203.0.113.1")), 1000);
  book.disconnected(ip("203.0.113.1"), 1000);
  CHECK(follow().unwant.empty());
  CHECK(wanted.contains(ip("203.0.113.1")));
}

// -- who turns us away ----------------------------------------------------------------------

TEST_CASE_FIXTURE(small_fixture,
                  "who turns us away rests, twice as long each time, and others have their turn") {
  learn({"203.0.113.1"});
  for (monotonic_ns rest : {60, 120, 240, 480, 960, 1920, 3600, 3600}) {
    follow();
    REQUIRE(wanted.contains(ip("203.0.113.1")));
    meet(ip("203.0.113.1"), turned_away_within - 1);
    now += rest * 1'000'000'000 - wanted_at_ease_every - 1;
    follow();  // its rest is over right after that
    CHECK_FALSE(wanted.contains(ip("203.0.113.1")));
    CHECK(book.waits_until());
    CHECK(book.explain(ip("203.0.113.1")).why.find("turned us away") != std::string::npos);
    now += 1 - wanted_at_ease_every;
  }
  follow();
  meet(ip("203.0.113.1"), turned_away_within);
  CHECK(follow().unwant.empty());  // it kept us: it is dialed again at once
  CHECK(wanted.contains(ip("203.0.113.1")));
}

TEST_CASE_FIXTURE(small_fixture,
                  "where all places are taken nobody is asked for one again and again") {
  learn_groups(100);
  std::map<ip_address, int> asked;
  const auto end = now + longest_rest;
  while (now < end) {  // a plan every five seconds
    follow();
    for (const auto& [x, _] : std::map{wanted}) {
      ++asked[x];
      book.dialed({at(x), true, 0, ""}, 1000);
      meet(x, 0);
    }
  }
  CHECK(asked.size() == 100);
  for (const auto& [x, times] : asked)
    CHECK(times <= 6);  // 60 + 120 + 240 + 480 + 960 s, and the first time
}

TEST_CASE_FIXTURE(fixture, "with enough peers a new one is wanted every five seconds at most") {
  for (int i = 0; i < static_cast<int>(enough_peers); ++i) {
    book.add_configured(at(public_ip(200, i)));
    book.connected(outbound(public_ip(200, i)), 1000);
  }
  learn_groups(100);
  follow();
  const auto before = wanted.size();
  for (int i = 0; i < 50; ++i)
    for (const auto& [x, _] : std::map{wanted})
      if (!book.explain(x).last_success && book.explain(x).purpose == dial_purpose::discovered) {
        book.dialed({at(x), true, 0, ""}, 1000);
        book.connected(outbound(x), 1000);
        now -= wanted_at_ease_every;  // no time passes
        follow();
      }
  CHECK(wanted.size() == before);
  CHECK(book.waits_until());
  follow();
  CHECK(wanted.size() == before + 1);
}

TEST_CASE_FIXTURE(fixture, "with enough peers, whoever is turned away by all tries less and less "
                           "often, and at the usual pace "
                           "again once somebody has kept it") {
  for (int i = 0; i < static_cast<int>(enough_peers); ++i) {
    book.add_configured(at(public_ip(200, i)));
    book.connected(outbound(public_ip(200, i)), 1000);
  }
  learn_groups(150);
  const auto tried_in = [this](monotonic_ns span, monotonic_ns kept_for) {
    int tried = 0;
    for (const auto end = now + span; now < end;) {
      follow();
      for (const auto& [x, _] : std::map{wanted})
        if (book.explain(x).purpose == dial_purpose::discovered) {
          meet(x, kept_for);
          ++tried;
        }
    }
    return tried;
  };
  constexpr monotonic_ns hour = 3'600'000'000'000;
  const auto turned_away = tried_in(hour, 0);
  CHECK(turned_away >= 12);  // 5, 10, 20, 40, 80, 160 s, then 320 s each
  CHECK(turned_away <= 20);
  CHECK(tried_in(hour / 6, turned_away_within) >= 40);
}

TEST_CASE_FIXTURE(fixture,
                  "with enough peers, strangers that are not there are tried less and less "
                  "often, one after the other, and at the usual pace again once one is there") {
  for (int i = 0; i < static_cast<int>(enough_peers); ++i) {
    book.add_configured(at(public_ip(200, i)));
    book.connected(outbound(public_ip(200, i)), 1000);
  }
  learn_groups(200);
  const auto tried_in = [this](monotonic_ns span, bool is_there) {
    std::set<ip_address> tried;
    for (const auto end = now + span; now < end;) {
      follow();
      for (const auto& [x, _] : std::map{wanted})
        if (book.explain(x).purpose == dial_purpose::discovered && !book.explain(x).last_success) {
          tried.insert(x);
          if (is_there) {
            book.dialed({at(x), true, 0, ""}, 1000);
            book.connected(outbound(x), 1000);
          } else {
            fail(x);
          }
        }
    }
    return tried.size();
  };
  constexpr monotonic_ns hour = 3'600'000'000'000;
  const auto in_vain = tried_in(hour, false);
  CHECK(in_vain >= 40);  // 5, 10, 20, 40 s, then 80 s each
  CHECK(in_vain <= 55);
  CHECK(tried_in(hour / 12, true) >= 20);
}

TEST_CASE_FIXTURE(
    fixture, "a masternode that turns us away is dialed on twice, and then rests as others do") {
  book.add_masternode(at(ip("203.0.113.1")));
  for (std::uint32_t i = 0; i <= patience_with_masternodes; ++i) {
    follow();
    CHECK(wanted.at(ip("203.0.113.1")) == dial_purpose::masternode);
    meet(ip("203.0.113.1"), 0);
  }
  follow();
  CHECK_FALSE(wanted.contains(ip("203.0.113.1")));
  CHECK(book.explain(ip("203.0.113.1")).why.find("turned us away 3 times") != std::string::npos);
  now += first_rest;
  follow();
  CHECK(wanted.contains(ip("203.0.113.1")));
  // One that an operator insists on never does.
  book.add_configured(at(ip("203.0.113.2")));
  for (int i = 0; i < 10; ++i) {
    meet(ip("203.0.113.2"), 0);
  }
  follow();
  CHECK(wanted.contains(ip("203.0.113.2")));
}

// -- masternodes --------------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "a masternode that we met once is wanted always and never given up") {
  CHECK(book.add_masternode(at(ip("203.0.113.1"))));
  book.connected(inbound(ip("203.0.113.1")), 1000);
  book.disconnected(ip("203.0.113.1"), 1000);
  follow();
  CHECK(wanted.at(ip("203.0.113.1")) == dial_purpose::masternode);
  CHECK_FALSE(fail(ip("203.0.113.1"), 1000));
  CHECK(follow().unwant.empty());
}

TEST_CASE_FIXTURE(fixture, "the registry hears of it when a discovered peer turns out to be a "
                           "masternode") {
  learn({"203.0.113.1"});
  follow();
  CHECK(wanted.at(ip("203.0.113.1")) == dial_purpose::discovered);
  book.add_masternode(at(ip("203.0.113.1")));
  CHECK(follow().want.size() == 1);
  CHECK(wanted.at(ip("203.0.113.1")) == dial_purpose::masternode);
  book.add_configured({ip("203.0.113.1"), 9});
  book.add_configured({ip("203.0.113.1"), 9});
  const auto plan = follow();
  CHECK(plan.want == std::vector{std::pair{endpoint{ip("203.0.113.1"), std::uint16_t{9}},
                                           dial_purpose::configured}});
}

TEST_CASE_FIXTURE(fixture, "invented masternodes are dialed in limited number, and take turns") {
  for (int i = 0; i < 5000; ++i)
    book.add_masternode(at(public_ip(i % 256, i / 256)));
  CHECK(book.snapshot().known == max_unmet_masternodes);
  follow();
  CHECK(wanted.size() == max_unmet_masternodes_wanted);
  CHECK_FALSE(fail(wanted.begin()->first, 10));  // a masternode stays in the book
  const auto plan = follow();
  CHECK(plan.unwant.size() == 1);
  CHECK(plan.want.size() == 1);
  CHECK(wanted.size() == max_unmet_masternodes_wanted);
}

TEST_CASE_FIXTURE(fixture, "a masternode that failed too often makes room for a new one") {
  for (int i = 0; i < static_cast<int>(max_unmet_masternodes); ++i)
    book.add_masternode(at(public_ip(i % 256, i / 256)));
  follow();
  CHECK_FALSE(book.add_masternode(at(ip("203.0.113.1"))));
  const auto dead = wanted.begin()->first;
  fail(dead, 10);
  CHECK(book.add_masternode(at(ip("203.0.113.1"))));
  CHECK(book.snapshot().known == max_unmet_masternodes);
  const auto plan = follow();
  CHECK(std::count(plan.unwant.begin(), plan.unwant.end(), dead) == 1);
  CHECK_FALSE(wanted.contains(dead));
}

// -- anchors --------------------------------------------------------------------------------

TEST_CASE_FIXTURE(
    fixture, "the last good peers are dialed first after a restart, whatever else the book holds") {
  for (int i = 0; i < 30; ++i)
    book.connected(outbound(public_ip(i, 1)), 1000 + i);  // the first ones longest
  address_book next{our_ip, port, 125};
  next.from_lines(book.to_lines(2000));
  CHECK(next.snapshot().anchors == max_anchors);
  std::vector<std::string> flood;
  for (int i = 0; i < 250; ++i)
    flood.push_back(public_ip(100 + i % 100, i).to_string());
  next.learn(flood, ip("192.0.2.1"));
  const auto plan = next.make_plan(random, 2000);
  std::set<ip_address> wanted_first;
  for (std::size_t i = 0; i < max_anchors; ++i)
    wanted_first.insert(plan.want.at(i).first.ip);
  for (int i = 0; i < static_cast<int>(max_anchors); ++i)
    CHECK(wanted_first.contains(public_ip(i, 1)));
}

TEST_CASE_FIXTURE(fixture, "an anchor that does not answer is one of many after three tries, and "
                           "one that does is no anchor "
                           "any more") {
  for (int i = 0; i < 2; ++i)
    book.connected(outbound(public_ip(i, 1)), 1000);
  address_book next{our_ip, port, 125};
  next.from_lines(book.to_lines(2000));
  next.make_plan(random, 2000);
  next.connected(outbound(public_ip(0, 1)), 3000);
  CHECK(next.snapshot().anchors == 1);
  for (std::uint32_t i = 1; i <= 3; ++i)
    next.dialed({at(public_ip(1, 1)), false, i, "refused"}, 3000);
  CHECK(next.snapshot().anchors == 0);
}

TEST_CASE_FIXTURE(fixture, "a node that stops before it tried its anchors keeps them") {
  book.connected(outbound(public_ip(0, 1)), 1000);
  address_book second{our_ip, port, 125};
  second.from_lines(book.to_lines(2000));
  address_book third{our_ip, port, 125};
  third.from_lines(second.to_lines(3000));
  CHECK(third.snapshot().anchors == 1);
}

// -- orders ---------------------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "a peer that is not configured any more is one of many, or gone") {
  CHECK(book.add_configured(at(ip("203.0.113.1"))));
  CHECK_FALSE(book.add_configured(at(ip("203.0.113.1"))));
  CHECK(book.add_configured(at(ip("203.0.113.2"))));
  follow();
  book.connected(outbound(ip("203.0.113.1")), 1000);
  CHECK(book.remove_configured(ip("203.0.113.1")));
  CHECK(book.remove_configured(ip("203.0.113.2")));
  CHECK_FALSE(book.remove_configured(ip("203.0.113.2")));
  CHECK_FALSE(book.remove_configured(ip("203.0.113.3")));
  const auto plan = follow();
  CHECK(plan.unwant.size() == 2);
  CHECK(wanted.empty());
  CHECK(book.snapshot().configured == 0);
  CHECK(book.snapshot().known == 1);
}

TEST_CASE(
    "an address that turns out to be our own leaves the book, and who dials whom is decided anew") {
  fixture x{std::nullopt};
  x.learn_groups(100);
  x.follow();
  CHECK(x.wanted.size() == max_tries);  // we may dial anybody
  const auto ours = public_ip(0, 1);
  x.book.set_own_address(ours);  // the lowest of all: the others are to dial us
  x.follow();
  CHECK_FALSE(x.book.explain(ours).known);
  CHECK_FALSE(x.wanted.contains(ours));
  CHECK(x.wanted.size() > max_tries);
}
