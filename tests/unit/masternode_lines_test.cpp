// The masternode book over restarts, and what an operator can look back at.

#include "tests/unit/masternode_support.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace test;

namespace {

const auto us = *ip_address::parse("198.51.100.7");

/// A book with masternodes 1 to 3 first hand, all connected.
struct three {
  three() : book{us} {
    for (int i = 1; i <= 3; ++i) {
      book.connected(ip_of(i), at(0));
      book.announced(ip_of(i), announcement_of(i), at(0));
    }
  }
  masternode_book book;
};

std::vector<masternode_entry> list_of(const masternode_book& x, std::int64_t seconds) {
  return x.list(at(seconds));
}

}  // namespace

TEST_CASE_FIXTURE(three, "a restart makes nobody inactive, and forgets nothing that was known") {
  book.judge(ip_of(1), heartbeat_of(1, 77, 90), at(90));
  book.announced(ip_of(1), announcement_of(9), at(90));  // hearsay is not kept
  const auto lines = book.to_lines(at(100));
  masternode_book after{us};
  const auto dial = after.restore(lines, at(160));
  CHECK(dial.size() == 3);
  CHECK(after.active() == 3);
  CHECK_FALSE(entry_of(after, 9, at(160)));
  const auto x = entry_of(after, 1, at(160));
  REQUIRE(x);
  CHECK(x->reward_address == announcement_of(1).reward_address);
  CHECK(x->tier == announcement_of(1).tier);
  CHECK(x->key == key_of(1).public_key());
  CHECK(x->heartbeat == 77);
  CHECK(x->first_seen == epoch);
  CHECK(x->last_seen == epoch + 100);
  CHECK(x->uptime == 100);
  CHECK(x->why == "was active before this node's restart");
  CHECK_FALSE(x->hearsay);
  // They have the usual time to be heard of.
  after.expire(at(160 + 179));
  CHECK(after.active() == 3);
  after.expire(at(160 + 181));
  CHECK(after.active() == 0);
  after.expire(at(160 + 3601));
  CHECK(after.size() == 0);
}

TEST_CASE_FIXTURE(
    three, "after hours away nobody is called active who was not heard of, but all are known") {
  const auto lines = book.to_lines(at(100));
  masternode_book after{us};
  CHECK(after.restore(lines, at(100 + 7200)).size() == 3);
  CHECK(after.active() == 0);
  CHECK(after.size() == 3);
  after.connected(ip_of(1), at(7310));
  after.announced(ip_of(1), announcement_of(1), at(7310));
  CHECK(after.active() == 1);
  // One that may have gone while we were away may come back with another key.
  after.connected(ip_of(2), at(7310));
  after.announced(ip_of(2), announcement_of(2, 55), at(7310));
  CHECK(entry_of(after, 2, at(7310))->key == key_of(55).public_key());
}

TEST_CASE_FIXTURE(three, "a heartbeat from before the restart is no news after it") {
  const auto beat = heartbeat_of(1, 77, 90);
  book.judge(ip_of(1), beat, at(90));
  masternode_book after{us};
  after.restore(book.to_lines(at(100)), at(110));
  CHECK(after.judge(ip_of(2), beat, at(110)).judgement.verdict == flood_verdict::ignore);
  CHECK(after.judge(ip_of(2), heartbeat_of(1, 76, 89), at(110)).judgement.verdict ==
        flood_verdict::ignore);
  CHECK(after.judge(ip_of(2), heartbeat_of(1, 78, 150), at(150)).judgement.verdict ==
        flood_verdict::forward);
}

TEST_CASE_FIXTURE(three, "ghosts stay away over a restart") {
  book.disconnected(ip_of(3), at(0));
  book.expire(at(200));
  book.expire(at(3601));
  REQUIRE_FALSE(entry_of(book, 3, at(3601)));
  masternode_book after{us};
  after.restore(book.to_lines(at(3700)), at(3800));
  CHECK(after.announced(ip_of(1), announcement_of(3), at(3900)).empty());
  CHECK(after.announced(ip_of(1), announcement_of(3), at(3601 + 7199)).empty());
  CHECK(after.announced(ip_of(1), announcement_of(3), at(3601 + 7205)).size() == 1);
}

TEST_CASE_FIXTURE(three, "lines that make no sense are left out, and the rest is taken") {
  auto lines = book.to_lines(at(10));
  lines.push_back("masternode\tnonsense");
  lines.push_back("tombstone\tx\ty");
  lines.push_back("");
  lines.push_back("something\telse");
  lines.push_back(lines[1]);  // twice
  for (auto& c : lines[2])
    c = c == '\t' ? ' ' : c;
  masternode_book after{us};
  after.restore(lines, at(20));
  CHECK(after.size() == 2);
  // Nor do lines about ourselves.
  masternode_book own{ip_of(1)};
  own.restore(book.to_lines(at(10)), at(20));
  CHECK_FALSE(entry_of(own, 1, at(20)));
}

TEST_CASE_FIXTURE(three, "each time that a masternode comes or goes is kept with its reason") {
  book.disconnected(ip_of(1), at(10));
  book.expire(at(191));
  book.connected(ip_of(1), at(300));
  const auto x = book.explain(ip_of(1), at(310));
  CHECK(x.known);
  REQUIRE(x.changes.size() == 3);
  CHECK(x.changes[0].active);
  CHECK(x.changes[0].why == "connected");
  CHECK(x.changes[0].at == epoch + 300);
  CHECK_FALSE(x.changes[1].active);
  CHECK(x.changes[1].why == "no sign of life for 180 s");
  CHECK(x.changes[2].why == "announced itself");
  CHECK(x.entry.uptime == 191 + 10);
  for (int i = 0; i < 50; ++i) {
    book.disconnected(ip_of(1), at(1000 + 1000 * i));
    book.expire(at(1200 + 1000 * i));
    book.connected(ip_of(1), at(1500 + 1000 * i));
  }
  CHECK(book.explain(ip_of(1), at(60'000)).changes.size() == max_changes);
}

TEST_CASE_FIXTURE(three, "what comes next is told, and where knowledge comes from") {
  CHECK(book.explain(ip_of(1), at(10)).next == "nothing, while it is connected");
  book.disconnected(ip_of(1), at(10));
  auto x = book.explain(ip_of(1), at(20));
  CHECK(x.next == "it counts as inactive");
  CHECK(x.next_in == 170);
  book.expire(at(200));
  x = book.explain(ip_of(1), at(200));
  CHECK(x.next == "it is forgotten");
  CHECK(x.next_in == 3410);
  book.announced(ip_of(2), announcement_of(9), at(200));
  x = book.explain(ip_of(9), at(200));
  CHECK(x.entry.hearsay);
  CHECK(x.belief ==
        "hearsay: " + ip_of(2).to_string() + " named it; that is worth a dial and nothing else");
  x = book.explain(ip_of(55), at(200));
  CHECK_FALSE(x.known);
  CHECK(x.belief == "nobody named it");
}

TEST_CASE_FIXTURE(three, "heartbeats are remembered with who attested to them, the last few") {
  for (std::uint64_t n = 1; n <= 12; ++n) {
    const auto seconds = static_cast<std::int64_t>(60 * n);
    const auto beat = heartbeat_of(1, n, seconds);
    book.judge(ip_of(1), beat, at(seconds));
    if (n % 2 == 0)
      for (const auto witness : {2, 3})
        book.judge(attestation_of(witness, beat, seconds + 1), at(seconds + 1));
  }
  const auto x = book.explain(ip_of(1), at(800));
  REQUIRE(x.heartbeats.size() == max_beat_records);
  CHECK(x.heartbeats[0].sequence == 12);
  CHECK(x.heartbeats[0].verified);  // both others attested
  CHECK(x.heartbeats[0].witnesses == std::vector{ip_of(2), ip_of(3)});
  CHECK_FALSE(x.heartbeats[1].verified);
  CHECK(x.heartbeats[2].witnesses.size() == 2);
  CHECK(x.verified_heartbeats == 6);
  const auto stats = book.stats();
  CHECK(stats.kept == max_beat_records);
  CHECK(stats.verified == max_beat_records / 2);
  CHECK(stats.masternodes == 1);
  CHECK(stats.verified_in_all == 6);
}

TEST_CASE(
    "an attestation of a heartbeat whose masternode changed its key and then went is ignored") {
  masternode_book book{us};
  for (int i = 1; i <= 2; ++i) {
    book.connected(ip_of(i), at(0));
    book.announced(ip_of(i), announcement_of(i), at(0));
  }
  // It announces one key and beats with another, as the deployed daemon does.
  const auto beat = heartbeat_of(1, 1, 3650, 77);
  REQUIRE(book.judge(ip_of(1), beat, at(3650)).judgement.verdict == flood_verdict::forward);
  book.announced(ip_of(1), announcement_of(1, 99), at(3700));
  book.disconnected(ip_of(1), at(3710));
  book.expire(at(3900));
  book.expire(at(7400));
  REQUIRE_FALSE(entry_of(book, 1, at(7400)));
  CHECK(book.judge(attestation_of(2, beat, 7400), at(7400)).verdict == flood_verdict::ignore);
}

TEST_CASE_FIXTURE(
    three, "the answer to GetMasternodes changes when somebody comes, goes or says other things, "
           "and with nothing else") {
  const auto before = book.revision();
  book.judge(ip_of(1), heartbeat_of(1, 1, 60), at(60));
  book.announced(ip_of(1), announcement_of(1), at(70));
  book.announced(ip_of(1), announcement_of(50), at(70));
  book.expire(at(100));
  CHECK(book.revision() == before);
  auto changed = announcement_of(1);
  changed.tier = wire::masternode_tier::gold;
  book.announced(ip_of(1), changed, at(120));
  CHECK(book.revision() > before);
  const auto second = book.revision();
  book.disconnected(ip_of(2), at(130));
  CHECK(book.revision() == second);
  book.expire(at(400));
  CHECK(book.revision() > second);
  CHECK(list_of(book, 400).size() == 4);
}
