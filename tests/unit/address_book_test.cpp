// Which addresses are kept, what others are told, and how the book is kept.

#include "tests/unit/address_book_support.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace timenode;
using namespace test;

namespace {

using fixture = address_book_fixture;

}  // namespace

// -- what is learned ------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "addresses that cannot be a peer are skipped, the others are learned") {
  CHECK(
      learn({"203.0.113.1:24100", "203.0.113.2", "[2001:db8::1]:24100", "203.0.113.3:0", "nonsense",
             "", "seed.example:24100", "0.0.0.0:24100", "224.0.0.1:24100", "255.255.255.255:1",
             "198.51.100.200:24100", "203.0.113.1:9", "203.0.113.4:65536", "::"}) == 3);
  CHECK(book.snapshot().known == 3);
}

TEST_CASE_FIXTURE(fixture, "a public node does not learn addresses that only others can reach") {
  for (const auto* text : {"127.0.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.1", "192.168.0.1",
                           "169.254.1.1", "100.64.0.1", "::1", "fe80::1", "fd00::1"})
    CHECK(learn({text}) == 0);
  for (const auto* text : {"172.32.0.1", "100.128.0.1", "11.0.0.1", "2001:db8::1"})
    CHECK(learn({text}) == 1);
}

TEST_CASE(
    "a node on a local address learns those of its own kind, one that does not know its own none") {
  const std::vector<std::string> texts{"127.0.0.2:24100", "10.0.0.1:24100", "20.0.0.1:24100"};
  for (const auto& [local, count] : {std::pair{std::optional{ip("127.0.0.1")}, 2u},
                                     std::pair{std::optional{ip("10.77.0.5")}, 2u},
                                     std::pair{std::optional<ip_address>{}, 1u}}) {
    fixture x{local};
    CHECK(x.learn(texts) == count);
  }
}

TEST_CASE_FIXTURE(fixture, "of one answer no more than a thousand addresses are looked at") {
  std::vector<std::string> texts(1000, "nonsense");
  texts.push_back("203.0.113.1");
  CHECK(learn(texts) == 0);
}

TEST_CASE_FIXTURE(fixture, "a source holds no more than its share, and another source still gets "
                           "in") {
  int taken = 0;
  for (int i = 0; i < 10'000; ++i)
    taken += static_cast<int>(learn({public_ip(i % 256, i / 256).to_string()}));
  CHECK(taken == max_addresses_per_source);
  // It may as well speak from each address of its group.
  for (int i = 1; i < 256; ++i)
    CHECK(learn({"203.0.113.1"}, "192.0.2." + std::to_string(i)) == 0);
  CHECK(learn({"203.0.113.1"}, "203.0.113.77") == 1);
}

TEST_CASE_FIXTURE(fixture, "one address group cannot fill the book from many sources") {
  int taken = 0;
  for (int i = 0; i < 1000; ++i)
    taken +=
        static_cast<int>(learn({public_ip(7, i).to_string()}, public_ip(i % 250, 9).to_string()));
  CHECK(taken == max_addresses_per_group);
}

TEST_CASE("on a local network everybody is of one group, and that is no limit") {
  fixture x{ip("127.0.0.1")};
  for (int i = 1; i <= 200; ++i)
    CHECK(x.learn({"127.0.0." + std::to_string(i + 1)}) == 1);
}

TEST_CASE_FIXTURE(fixture, "a flood of addresses from everywhere stays within the limit, and what "
                           "was reached stays in the book") {
  for (int i = 0; i < 50; ++i)
    book.connected(outbound(public_ip(i, 1)), 1000);
  for (int i = 0; i < 50; ++i)
    book.disconnected(public_ip(i, 1), 1000);
  for (int i = 0; i < 20'000; ++i)
    learn({public_ip(i % 256, 100 + i / 256).to_string()}, public_ip(i % 250, 9).to_string());
  CHECK(book.snapshot().known == max_addresses);
  const auto good = book.sample(1000, random);
  CHECK(good.size() == 50);
}

TEST_CASE_FIXTURE(
    fixture,
    "in a full book the source that named most makes room, by the address that failed most") {
  // Sixteen sources fill it, and one of them has a hundred addresses more than the others.
  int named = 0;
  const auto name = [&](int source, int count) {
    for (int i = 0; i < count; ++i, ++named)
      learn({public_ip(named % 256, named / 256).to_string()}, public_ip(source, 9).to_string());
  };
  name(0, 256);
  for (int source = 1; book.snapshot().known < max_addresses; ++source)
    name(source,
         static_cast<int>(std::min<std::size_t>(156, max_addresses - book.snapshot().known)));
  const auto has = [&](const ip_address& x) { return book.explain(x).known; };
  REQUIRE(book.snapshot().known == max_addresses);
  fail(public_ip(9, 0), 2);    // of the source with most
  fail(public_ip(200, 1), 9);  // of another one
  CHECK(learn({"203.0.113.1"}, "203.0.113.77") == 1);
  CHECK(book.snapshot().known == max_addresses);
  CHECK(has(ip("203.0.113.1")));
  CHECK_FALSE(has(public_ip(9, 0)));
  CHECK(has(public_ip(200, 1)));
}

TEST_CASE_FIXTURE(
    fixture,
    "sources that flood a full book push out each other's addresses, not those of a modest one") {
  CHECK(learn({"203.0.113.1", "203.0.113.2", "203.0.113.3"}, "203.0.113.77") == 3);
  for (int i = 0; i < 100'000; ++i)
    learn({ip_address::from_v4({static_cast<std::uint8_t>(30 + i % 60),
                                static_cast<std::uint8_t>(i / 60 % 250),
                                static_cast<std::uint8_t>(i / 15'000), 1})
               .to_string()},
          public_ip(i % 40, 9).to_string());
  CHECK(book.snapshot().known == max_addresses);
  for (const auto* modest : {"203.0.113.1", "203.0.113.2", "203.0.113.3"})
    CHECK(book.explain(ip(modest)).known);
}

// Gossip carries no freshness.
TEST_CASE_FIXTURE(fixture, "naming an address again neither refreshes it nor forgives its "
                           "failures") {
  learn({"203.0.113.1"});
  follow();
  fail(ip("203.0.113.1"), 9);
  for (int i = 0; i < 100; ++i)
    learn({"203.0.113.1"}, public_ip(1, i).to_string());
  CHECK(fail(ip("203.0.113.1")));
  CHECK(book.snapshot().known == 0);
}

// -- what others are told ---------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "others are told of connected peers first, then of such as we reached, "
                           "and of nothing else") {
  learn({"203.0.113.1"});  // hearsay
  book.connected(outbound(ip("203.0.113.2")), 1000);
  book.connected(inbound(ip("203.0.113.3")), 1000);
  book.connected(outbound(ip("203.0.113.4")), 1000);
  book.disconnected(ip("203.0.113.4"), 1000);
  book.connected(inbound(ip("203.0.113.5")), 1000);
  book.disconnected(ip("203.0.113.5"), 1000);
  auto told = book.sample(100, random);
  REQUIRE(told.size() == 3);
  CHECK(told.back() == "203.0.113.4:24100");
  std::sort(told.begin(), told.end());
  // The peer that dialed us listens where everyone does, as far as we know.
  CHECK(told ==
        std::vector<std::string>{"203.0.113.2:24100", "203.0.113.3:24100", "203.0.113.4:24100"});
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
  const auto lines = book.to_lines(1'766'000'500);
  CHECK(lines.size() == 4);
  CHECK(std::count(lines.begin(), lines.end(), "203.0.113.1:1234 discovered 0 0 1 192.0.2.1") == 1);
  CHECK(std::count(lines.begin(), lines.end(),
                   "203.0.113.3:24100 discovered 1766000000 1766000500 0 203.0.113.3 anchor") == 1);
  address_book copy{our_ip, port, 125};
  CHECK(copy.from_lines(lines) == 4);
  CHECK(copy.to_lines(1'766'000'500) == lines);
  CHECK(copy.sample(10, random) == std::vector<std::string>{"203.0.113.3:24100"});
}

TEST_CASE_FIXTURE(fixture, "damaged lines of a kept book are skipped") {
  const std::vector<std::string> lines{"",
                                       "garbage",
                                       "203.0.113.1:24100",
                                       "203.0.113.1:24100 discovered",
                                       "203.0.113.1:24100 discovered 0 0 0",
                                       "203.0.113.1:24100 friend 0 0 0 192.0.2.1",
                                       "203.0.113.1:24100 configured 0 0 0 192.0.2.1",
                                       "203.0.113.1:24100 discovered -1 0 0 192.0.2.1",
                                       "203.0.113.1:24100 discovered 0 0 x 192.0.2.1",
                                       "203.0.113.1:24100 discovered 0 x 0 192.0.2.1",
                                       "203.0.113.1:0 discovered 0 0 0 192.0.2.1",
                                       "203.0.113.1 discovered 0 0 0 192.0.2.1",
                                       "10.0.0.1:24100 discovered 0 0 0 192.0.2.1",
                                       "203.0.113.1:24100 discovered 0 0 0 192.0.2.1 more",
                                       "203.0.113.1:24100 discovered 0 0 0 192.0.2.1 anchor more",
                                       "203.0.113.2:24100 discovered 5 0 0 192.0.2.1"};
  CHECK(book.from_lines(lines) == 1);
  CHECK(book.snapshot().known == 1);
}

TEST_CASE_FIXTURE(fixture, "a kept book cannot exceed the limits") {
  std::vector<std::string> lines;
  for (int i = 0; i < 20'000; ++i)
    lines.push_back(at(public_ip(i % 256, i / 256)).to_string() +
                    " discovered 5 0 0 192.0.2.1 anchor");
  book.from_lines(lines);
  CHECK(book.snapshot().known <= max_addresses);
  CHECK(book.snapshot().anchors <= max_anchors);
}

// -- what people are told -------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture,
                  "the book says of each address what it knows and why it is wanted or not") {
  book.add_configured(at(ip("203.0.113.9")));
  learn({"203.0.113.1"});
  CHECK(book.explain(ip("203.0.113.9")).why.find("configured") != std::string::npos);
  auto x = book.explain(ip("203.0.113.1"));
  CHECK(x.known);
  CHECK(x.source == ip("192.0.2.1"));
  CHECK(x.why.find("not wanted now") != std::string::npos);
  follow();
  CHECK(book.explain(ip("203.0.113.1")).why.find("being tried") != std::string::npos);
  fail(ip("203.0.113.1"), 4);
  x = book.explain(ip("203.0.113.1"));
  CHECK(x.failures == 4);
  CHECK(x.why.find("leaves the book at 10") != std::string::npos);
  book.connected(outbound(ip("203.0.113.1")), 1234);
  x = book.explain(ip("203.0.113.1"));
  CHECK(x.why == "connected");
  CHECK(x.last_success == 1234);
  CHECK_FALSE(book.explain(ip("203.0.113.77")).known);
  CHECK(book.explain(ip("10.0.0.1")).why.find("configured") != std::string::npos);
  CHECK(book.explain(our_ip).why == "it is our own address");
}
