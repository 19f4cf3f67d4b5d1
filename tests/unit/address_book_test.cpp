// Which addresses are kept, which are dialed, and what others are told.

#include "actors/address_book.hpp"

#include "actors/address_rules.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

using namespace timenode;

namespace {

constexpr std::uint16_t port = 24100;
const auto our_ip = *ip_address::parse("198.51.100.200");

ip_address ip(std::string_view text) {
  return *ip_address::parse(text);
}

/// A public address; every one of `group` 0..255 is a group of its own.
ip_address public_ip(int group, int host) {
  return ip_address::from_v4({20, static_cast<std::uint8_t>(group),
                              static_cast<std::uint8_t>(host / 256),
                              static_cast<std::uint8_t>(host % 256)});
}

endpoint at(const ip_address& x) {
  return {x, port};
}

peer_info inbound(const ip_address& x) {
  return {x, 1, link_direction::inbound, endpoint{x, 50'000}};
}

peer_info outbound(const ip_address& x) {
  return {x, 1, link_direction::outbound, at(x)};
}

struct fixture {
  explicit fixture(std::optional<ip_address> local_ip = our_ip, std::size_t max_peers = 125)
    : book{local_ip, port, max_peers} {}

  std::size_t learn(std::vector<std::string> texts, std::string_view source = "192.0.2.1") {
    return book.learn(texts, ip(source));
  }

  /// One address in each of `count` groups.
  void learn_groups(int count, std::string_view source = "192.0.2.1") {
    for (int i = 0; i < count; ++i)
      learn({public_ip(i, 1).to_string()}, source);
  }

  /// Follows the book's plan as the registry would.
  address_book::plan follow() {
    auto plan = book.make_plan(random);
    for (const auto& x : plan.unwant)
      wanted.erase(x);
    for (const auto& [to, purpose] : plan.want)
      wanted[to.ip] = purpose;
    return plan;
  }

  bool fail(const ip_address& x, int times = 1) {
    auto left = false;
    for (int i = 0; i < times; ++i)
      left = book.dialed({at(x), false, static_cast<std::uint32_t>(i + 1), "refused"}, 1000) || left;
    if (left)
      wanted.erase(x);
    return left;
  }

  address_book book;
  random_source random{1};
  std::map<ip_address, dial_purpose> wanted;
};

struct small_fixture : fixture {
  small_fixture() : fixture{our_ip, 5} {}
};

} // namespace

// -- what is learned ------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "addresses that cannot be a peer are skipped, the others are learned") {
  CHECK(learn({"203.0.113.1:24100", "203.0.113.2", "[2001:db8::1]:24100", "203.0.113.3:0", "nonsense",
               "", "seed.example:24100", "0.0.0.0:24100", "224.0.0.1:24100", "255.255.255.255:1",
               "198.51.100.200:24100", "203.0.113.1:9", "203.0.113.4:65536", "::"})
        == 3);
  CHECK(book.snapshot().known == 3);
}

TEST_CASE_FIXTURE(fixture, "a public node does not learn addresses that only others can reach") {
  for (const auto* text : {"127.0.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.1", "192.168.0.1",
                           "169.254.1.1", "100.64.0.1", "::1", "fe80::1", "fd00::1"})
    CHECK(learn({text}) == 0);
  for (const auto* text : {"172.32.0.1", "100.128.0.1", "11.0.0.1", "2001:db8::1"})
    CHECK(learn({text}) == 1);
}

TEST_CASE("a node on a local address, or one that does not know its own, learns local addresses") {
  for (const auto& local : {std::optional{ip("127.0.0.1")}, std::optional{ip("10.77.0.5")},
                            std::optional<ip_address>{}}) {
    fixture x{local};
    CHECK(x.learn({"127.0.0.2:24100", "10.0.0.1:24100"}) == 2);
  }
}

TEST_CASE_FIXTURE(fixture, "of one answer no more than a thousand addresses are looked at") {
  std::vector<std::string> texts(1000, "nonsense");
  texts.push_back("203.0.113.1");
  CHECK(learn(texts) == 0);
}

TEST_CASE_FIXTURE(fixture, "a source holds no more than its share, and another source still gets in") {
  int taken = 0;
  for (int i = 0; i < 10'000; ++i)
    taken += static_cast<int>(learn({public_ip(i % 256, i / 256).to_string()}));
  CHECK(taken == max_addresses_per_source);
  CHECK(learn({"203.0.113.1"}, "192.0.2.2") == 1);
}

TEST_CASE_FIXTURE(fixture, "one address group cannot fill the book from many sources") {
  int taken = 0;
  for (int i = 0; i < 1000; ++i)
    taken += static_cast<int>(learn({public_ip(7, i).to_string()}, public_ip(1, i).to_string()));
  CHECK(taken == max_addresses_per_group);
}

TEST_CASE("on a local network everybody is of one group, and that is no limit") {
  fixture x{ip("127.0.0.1")};
  for (int i = 1; i <= 200; ++i)
    CHECK(x.learn({"127.0.0." + std::to_string(i + 1)}) == 1);
}

TEST_CASE_FIXTURE(fixture, "a flood of addresses from everywhere stays within the limit, and what was "
                           "reached stays in the book") {
  for (int i = 0; i < 50; ++i)
    book.connected(outbound(public_ip(i, 1)), 1000);
  for (int i = 0; i < 50; ++i)
    book.disconnected(public_ip(i, 1));
  for (int i = 0; i < 20'000; ++i)
    learn({public_ip(i % 256, 100 + i / 256).to_string()}, public_ip(1, i % 500).to_string());
  CHECK(book.snapshot().known == max_addresses);
  const auto good = book.sample(1000, random);
  CHECK(good.size() == 50);
}

TEST_CASE_FIXTURE(fixture, "in a full book the address that failed most makes room first") {
  for (int i = 0; i < static_cast<int>(max_addresses); ++i)
    learn({public_ip(i % 256, i / 256).to_string()}, public_ip(1, i % 100).to_string());
  REQUIRE(book.snapshot().known == max_addresses);
  fail(public_ip(9, 3), 2);
  learn({"203.0.113.1"}, "192.0.2.77");
  const auto lines = book.to_lines();
  CHECK(lines.size() == max_addresses);
  const auto has = [&](const ip_address& x) {
    return std::any_of(lines.begin(), lines.end(), [&](const auto& line) {
      return line.starts_with(at(x).to_string() + ' ');
    });
  };
  CHECK_FALSE(has(public_ip(9, 3)));
  CHECK(has(ip("203.0.113.1")));
}

// Gossip carries no freshness.
TEST_CASE_FIXTURE(fixture, "naming an address again neither refreshes it nor forgives its failures") {
  learn({"203.0.113.1"});
  follow();
  fail(ip("203.0.113.1"), 9);
  for (int i = 0; i < 100; ++i)
    learn({"203.0.113.1"}, public_ip(1, i).to_string());
  CHECK(fail(ip("203.0.113.1")));
  CHECK(book.snapshot().known == 0);
}

// -- what is dialed ---------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "configured peers are wanted from the start and never given up") {
  book.add_configured(at(ip("203.0.113.1")));
  book.add_configured(at(our_ip));
  CHECK(follow().want
        == std::vector{std::pair{at(ip("203.0.113.1")), dial_purpose::configured}});
  CHECK_FALSE(fail(ip("203.0.113.1"), 1000));
  CHECK(follow().unwant.empty());
  CHECK(wanted.size() == 1);
  CHECK(follow().want.empty()); // asked once
}

TEST_CASE_FIXTURE(fixture, "discovered peers that we are to dial are tried eight at a time") {
  learn_groups(100);
  follow();
  CHECK(wanted.size() == max_tries);
  // Success makes room for the next try ...
  const auto reached = wanted.begin()->first;
  book.dialed({at(reached), true, 0, ""}, 1000);
  book.connected(outbound(reached), 1000);
  CHECK(follow().want.size() == 1);
  // ... and so does failing three times: what waits out its backoff is no try.
  const auto failing = wanted.rbegin()->first;
  fail(failing, 2);
  CHECK(follow().want.empty());
  fail(failing);
  CHECK(follow().want.size() == 1);
  CHECK(wanted.contains(failing));
}

TEST_CASE("peers that are to dial us are awaited more at a time: that costs nothing") {
  fixture x{ip("1.0.0.1")}; // below all others
  x.learn_groups(100);
  x.follow();
  CHECK(x.wanted.size() == max_waits);
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
  book.disconnected(public_ip(100, 1));
  follow();
  CHECK(wanted.size() == 1);
}

TEST_CASE_FIXTURE(small_fixture, "configured peers take no places of discovered ones") {
  for (int i = 0; i < 10; ++i) {
    book.add_configured(at(public_ip(200, i)));
    book.connected(outbound(public_ip(200, i)), 1000);
  }
  learn_groups(50);
  follow();
  CHECK(std::count_if(wanted.begin(), wanted.end(), [](const auto& x) {
          return x.second == dial_purpose::discovered;
        }) == 5);
}

TEST_CASE_FIXTURE(small_fixture, "when all places wait for peers that fail, untried ones get their turn") {
  learn_groups(20);
  std::set<ip_address> tried;
  for (int round = 0; round < 100; ++round) {
    follow();
    CHECK(wanted.size() <= 5);
    const auto now = wanted;
    for (const auto& [x, _] : now) {
      tried.insert(x);
      fail(x);
    }
  }
  CHECK(tried.size() == 20);
}

TEST_CASE_FIXTURE(fixture, "a discovered peer leaves the book after ten failures in a row, not before") {
  learn({"203.0.113.1"});
  follow();
  CHECK_FALSE(fail(ip("203.0.113.1"), 9));
  book.dialed({at(ip("203.0.113.1")), true, 0, ""}, 1000);
  CHECK_FALSE(fail(ip("203.0.113.1"), 9));
  CHECK(fail(ip("203.0.113.1")));
  CHECK(book.snapshot().known == 0);
}

TEST_CASE_FIXTURE(fixture, "failures count on when the registry was told to forget a peer in between") {
  learn({"203.0.113.1"});
  follow();
  for (int i = 0; i < 9; ++i)
    CHECK_FALSE(book.dialed({at(ip("203.0.113.1")), false, 1, "refused"}, 1000));
  CHECK(book.dialed({at(ip("203.0.113.1")), false, 1, "refused"}, 1000));
}

TEST_CASE_FIXTURE(fixture, "groups that we have nobody of come first") {
  for (int i = 0; i < 64; ++i)
    learn({public_ip(7, i).to_string()});
  follow(); // eight of group 7
  learn_groups(4, "192.0.2.2");
  for (const auto& [x, _] : std::map{wanted})
    fail(x, 3);
  int new_groups = 0;
  for (const auto& [to, _] : follow().want)
    new_groups += to.ip.group() != public_ip(7, 0).group();
  CHECK(new_groups == 4);
}

TEST_CASE_FIXTURE(fixture, "a discovered peer stays wanted while it is connected, so that it is dialed "
                           "again when it is lost") {
  learn({"203.0.113.1"});
  follow();
  book.connected(outbound(ip("203.0.113.1")), 1000);
  book.disconnected(ip("203.0.113.1"));
  CHECK(follow().unwant.empty());
  CHECK(wanted.contains(ip("203.0.113.1")));
}

// -- masternodes --------------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "a masternode that we met once is wanted always and never given up") {
  CHECK(book.add_masternode(at(ip("203.0.113.1"))));
  book.connected(inbound(ip("203.0.113.1")), 1000);
  book.disconnected(ip("203.0.113.1"));
  follow();
  CHECK(wanted.at(ip("203.0.113.1")) == dial_purpose::masternode);
  CHECK_FALSE(fail(ip("203.0.113.1"), 1000));
  CHECK(follow().unwant.empty());
}

TEST_CASE_FIXTURE(fixture, "the registry hears of it when a discovered peer turns out to be a masternode") {
  learn({"203.0.113.1"});
  follow();
  CHECK(wanted.at(ip("203.0.113.1")) == dial_purpose::discovered);
  book.add_masternode(at(ip("203.0.113.1")));
  follow();
  CHECK(wanted.at(ip("203.0.113.1")) == dial_purpose::masternode);
}

TEST_CASE_FIXTURE(fixture, "invented masternodes are dialed in limited number, and take turns") {
  for (int i = 0; i < 5000; ++i)
    book.add_masternode(at(public_ip(i % 256, i / 256)));
  CHECK(book.snapshot().known == max_unmet_masternodes);
  follow();
  CHECK(wanted.size() == max_unmet_masternodes_wanted);
  CHECK_FALSE(fail(wanted.begin()->first, 10)); // a masternode stays in the book
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

// -- what others are told ---------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "others are told of connected peers first, then of such as we reached, and of "
                           "nothing else") {
  learn({"203.0.113.1"}); // hearsay
  book.connected(outbound(ip("203.0.113.2")), 1000);
  book.connected(inbound(ip("203.0.113.3")), 1000);
  book.connected(outbound(ip("203.0.113.4")), 1000);
  book.disconnected(ip("203.0.113.4"));
  book.connected(inbound(ip("203.0.113.5")), 1000);
  book.disconnected(ip("203.0.113.5"));
  auto told = book.sample(100, random);
  REQUIRE(told.size() == 3);
  CHECK(told.back() == "203.0.113.4:24100");
  std::sort(told.begin(), told.end());
  // The peer that dialed us listens where everyone does, as far as we know.
  CHECK(told == std::vector<std::string>{"203.0.113.2:24100", "203.0.113.3:24100",
                                         "203.0.113.4:24100"});
  CHECK(book.sample(2, random).size() == 2);
}

TEST_CASE_FIXTURE(fixture, "a public node tells nobody of its neighbours on a local network") {
  book.connected(outbound(ip("10.0.0.1")), 1000);
  CHECK(book.snapshot().connected == 1);
  CHECK(book.sample(100, random).empty());
}

// -- keeping it ---------------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "a book survives being written and read") {
  book.add_configured(at(ip("203.0.113.9")));
  learn({"203.0.113.1:1234", "[2001:db8::1]:24100"});
  book.add_masternode(at(ip("203.0.113.2")));
  book.connected(outbound(ip("203.0.113.3")), 1'766'000'000);
  book.dialed({at(ip("203.0.113.1")), false, 1, "refused"}, 1000);
  const auto lines = book.to_lines();
  CHECK(lines.size() == 4);
  CHECK(std::count(lines.begin(), lines.end(), "203.0.113.1:1234 discovered 0 1 192.0.2.1") == 1);
  address_book copy{our_ip, port, 125};
  CHECK(copy.from_lines(lines) == 4);
  CHECK(copy.to_lines() == lines);
  CHECK(copy.sample(10, random) == std::vector<std::string>{"203.0.113.3:24100"});
}

TEST_CASE_FIXTURE(fixture, "damaged lines of a kept book are skipped") {
  const std::vector<std::string> lines{"",
                                       "garbage",
                                       "203.0.113.1:24100",
                                       "203.0.113.1:24100 discovered",
                                       "203.0.113.1:24100 discovered 0 0",
                                       "203.0.113.1:24100 friend 0 0 192.0.2.1",
                                       "203.0.113.1:24100 configured 0 0 192.0.2.1",
                                       "203.0.113.1:24100 discovered -1 0 192.0.2.1",
                                       "203.0.113.1:24100 discovered 0 x 192.0.2.1",
                                       "203.0.113.1:0 discovered 0 0 192.0.2.1",
                                       "203.0.113.1 discovered 0 0 192.0.2.1",
                                       "10.0.0.1:24100 discovered 0 0 192.0.2.1",
                                       "203.0.113.1:24100 discovered 0 0 192.0.2.1 more",
                                       "203.0.113.2:24100 discovered 5 0 192.0.2.1"};
  CHECK(book.from_lines(lines) == 1);
  CHECK(book.snapshot().known == 1);
}

TEST_CASE_FIXTURE(fixture, "a kept book cannot exceed the limits") {
  std::vector<std::string> lines;
  for (int i = 0; i < 20'000; ++i)
    lines.push_back(at(public_ip(i % 256, i / 256)).to_string() + " discovered 5 0 192.0.2.1");
  book.from_lines(lines);
  CHECK(book.snapshot().known <= max_addresses);
}
