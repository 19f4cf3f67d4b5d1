// Heartbeats and attestations: what is sent on, what is evidence of life, and what is nobody's
// fault.

#include "actors/masternode_book.hpp"
#include "tests/unit/masternode_support.hpp"

#include <doctest/doctest.h>

#include <initializer_list>

using namespace timenode;
using namespace test;

namespace {

const auto our_ip = ip_of(9'000'000);
constexpr int stranger = 500;    ///< A peer that is no masternode.
constexpr int daemon_key = 400;  ///< Keys from here on sign, and are not announced.

struct fixture {
  masternode_book book{our_ip};

  void meet(std::initializer_list<int> numbers, std::int64_t seconds = 0) {
    for (const auto i : numbers) {
      book.connected(ip_of(i), at(seconds));
      book.announced(ip_of(i), announcement_of(i), at(seconds));
    }
  }

  /// Masternode `number` is known by hearsay.
  void name(int number, std::int64_t seconds = 0) {
    book.announced(ip_of(stranger), announcement_of(number), at(seconds));
  }

  auto judge(const wire::heartbeat_broadcast& x, std::int64_t seconds, int from = stranger) {
    return book.judge(ip_of(from), x, at(seconds));
  }

  auto verdict(const wire::heartbeat_broadcast& x, std::int64_t seconds, int from = stranger) {
    return judge(x, seconds, from).judgement.verdict;
  }

  auto verdict(const wire::heartbeat_attestation& x, std::int64_t seconds) {
    return book.judge(x, at(seconds)).verdict;
  }

  bool is_active(int number, std::int64_t seconds) {
    book.expire(at(seconds));
    const auto x = entry_of(book, number, at(seconds));
    return x && x->active;
  }
};

constexpr auto forward = flood_verdict::forward;
constexpr auto ignore = flood_verdict::ignore;
constexpr auto invalid = flood_verdict::invalid;

}  // namespace

// -- heartbeats -------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "a new heartbeat of a known masternode is sent on, once") {
  meet({1});
  const auto x = heartbeat_of(1, 7, 10);
  CHECK(verdict(x, 10) == forward);
  CHECK(verdict(x, 11) == ignore);
  CHECK(entry_of(book, 1, at(11))->heartbeat == 7);
  CHECK(verdict(heartbeat_of(1, 8, 70), 70) == forward);
}

TEST_CASE_FIXTURE(fixture, "replays of older heartbeats are ignored and not punished") {
  meet({1});
  const auto first = heartbeat_of(1, 7, 0);
  const auto second = heartbeat_of(1, 8, 60);
  CHECK(verdict(first, 0) == forward);
  CHECK(verdict(second, 60) == forward);
  CHECK(verdict(first, 100) == ignore);
  CHECK(verdict(second, 100) == ignore);
}

TEST_CASE_FIXTURE(fixture, "a masternode that restarts and counts from one again is no replay") {
  meet({1});
  CHECK(verdict(heartbeat_of(1, 1000, 0), 0) == forward);
  CHECK(verdict(heartbeat_of(1, 1, 60), 60) == forward);
}

TEST_CASE_FIXTURE(fixture, "a wrong signature is invalid, whether the masternode is known or not") {
  meet({1});
  for (const auto number : {1, 2}) {
    auto x = heartbeat_of(number, 7, 0);
    x.signature[5] ^= 1;
    CHECK(verdict(x, 0) == invalid);
    x = heartbeat_of(number, 7, 0);
    ++x.timestamp;
    CHECK(verdict(x, 0) == invalid);
  }
  CHECK_FALSE(entry_of(book, 2, at(0)));
}

TEST_CASE_FIXTURE(fixture, "a heartbeat whose time is more than 180 s from ours is ignored") {
  meet({1});
  CHECK(verdict(heartbeat_of(1, 7, -181), 0) == ignore);
  CHECK(verdict(heartbeat_of(1, 7, 181), 0) == ignore);
  auto x = heartbeat_of(1, 7, 0);
  for (const auto time : {INT64_MIN, INT64_MAX}) {
    x.timestamp = time;
    CHECK(verdict(x, 0) == ignore);
  }
  CHECK(verdict(heartbeat_of(1, 7, -180), 0) == forward);
}

TEST_CASE_FIXTURE(fixture, "a masternode that beats like mad is heard every 20 s") {
  meet({1});
  int heard = 0;
  for (int i = 0; i < 600; ++i)
    heard += verdict(heartbeat_of(1, static_cast<std::uint64_t>(i), i), i) == forward;
  CHECK(heard == 30);
}

TEST_CASE_FIXTURE(fixture, "a heartbeat of an unknown masternode is a hint and is not sent on") {
  const auto ruling = judge(heartbeat_of(1, 7, 0), 0);
  CHECK(ruling.judgement.verdict == ignore);
  CHECK_FALSE(ruling.attest);
  CHECK(ruling.to_dial == std::vector{ip_of(1)});
  CHECK_FALSE(is_active(1, 0));
}

TEST_CASE_FIXTURE(fixture, "a flood of heartbeats of invented masternodes is bounded like all "
                           "hints") {
  // Signing takes the time of this test.
  for (int i = 0; i < static_cast<int>(max_hints_per_source) + 200; ++i)
    verdict(heartbeat_of(1000 + i, 1, 0), 0);
  CHECK(book.hints() == max_hints_per_source);
  CHECK(book.active() == 0);
}

TEST_CASE_FIXTURE(fixture, "a relayed heartbeat alone keeps nobody active") {
  meet({1});
  book.disconnected(ip_of(1), at(0));
  for (std::int64_t t = 30; t < 300; t += 30) {
    CHECK(verdict(heartbeat_of(1, static_cast<std::uint64_t>(t), t), t) == forward);
    CHECK(is_active(1, t) == (t < 180));
  }
}

// -- whose key ----------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "the deployed daemon beats with another key than it announces, and is "
                           "heard") {
  meet({1});
  CHECK(verdict(heartbeat_of(1, 1, 15, daemon_key), 15, 1) == forward);
  CHECK(verdict(heartbeat_of(1, 2, 75, daemon_key), 75) == forward);
}

TEST_CASE_FIXTURE(fixture, "nobody can beat for a masternode whose key is known first hand") {
  meet({1});
  CHECK(verdict(heartbeat_of(1, 1, 0, daemon_key), 0, 1) == forward);
  CHECK(verdict(heartbeat_of(1, 2, 60, 66), 60) == ignore);
  // Also not when it falls silent, while it is connected.
  CHECK(verdict(heartbeat_of(1, 3, 1000, 66), 1000) == ignore);
}

TEST_CASE_FIXTURE(fixture, "a key that only others told us of gives way to the masternode's own") {
  name(1);
  CHECK(verdict(heartbeat_of(1, 900, 100, 66), 0) == forward);  // an impostor, with a clock ahead
  meet({1}, 1);
  CHECK(verdict(heartbeat_of(1, 1, 2), 2) == forward);
  CHECK(verdict(heartbeat_of(1, 901, 160, 66), 60) == ignore);
  CHECK(verdict(heartbeat_of(1, 2, 62), 62) == forward);
}

TEST_CASE_FIXTURE(fixture, "a masternode that restarts with another heartbeat key is heard when "
                           "the old one's 180 s are over, or at once over its own connection") {
  name(1);
  CHECK(verdict(heartbeat_of(1, 50, 0, daemon_key), 0) == forward);
  CHECK(verdict(heartbeat_of(1, 1, 60, daemon_key + 1), 60) == ignore);
  CHECK(verdict(heartbeat_of(1, 3, 180, daemon_key + 1), 180) == forward);
  CHECK(verdict(heartbeat_of(1, 1, 190, daemon_key + 2), 190, 1) == forward);
}

// -- attestations ---------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "three active witnesses make a masternode active that we never met") {
  meet({11, 12, 13, 14});
  name(1);
  const auto x = heartbeat_of(1, 7, 10);
  CHECK(verdict(x, 10) == forward);
  CHECK(verdict(attestation_of(11, x, 10), 10) == forward);
  CHECK(verdict(attestation_of(12, x, 10), 10) == forward);
  CHECK_FALSE(is_active(1, 10));
  CHECK(verdict(attestation_of(13, x, 11), 11) == forward);
  CHECK(is_active(1, 11));
  const auto entry = entry_of(book, 1, at(11));
  CHECK(entry->attestations == 3);
  CHECK(entry->last_seen == epoch + 11);
  CHECK(entry->why == "heartbeat attested by 3 other masternodes");
  CHECK(is_active(1, 190));
  CHECK_FALSE(is_active(1, 191));
}

TEST_CASE_FIXTURE(fixture, "attested heartbeats keep a masternode active whose connection ended") {
  meet({1, 11, 12, 13});
  book.disconnected(ip_of(1), at(0));
  for (std::int64_t t = 60; t < 3600; t += 60) {
    const auto x = heartbeat_of(1, static_cast<std::uint64_t>(t), t);
    CHECK(verdict(x, t) == forward);
    for (const auto witness : {11, 12, 13})
      CHECK(verdict(attestation_of(witness, x, t), t) == forward);
    CHECK(is_active(1, t + 59));
  }
}

TEST_CASE_FIXTURE(fixture, "when there are fewer others, all of them have to attest") {
  meet({11, 12});
  name(1);
  const auto x = heartbeat_of(1, 7, 0);
  CHECK(verdict(x, 0) == forward);
  CHECK(verdict(attestation_of(11, x, 0), 0) == forward);
  CHECK_FALSE(is_active(1, 0));
  CHECK(verdict(attestation_of(12, x, 0), 0) == forward);
  CHECK(is_active(1, 0));
}

TEST_CASE_FIXTURE(fixture, "a witness counts once, is never the masternode itself, and is active") {
  meet({11, 12, 13});
  name(1);
  name(14);
  const auto x = heartbeat_of(1, 7, 0);
  CHECK(verdict(x, 0) == forward);
  CHECK(verdict(attestation_of(11, x, 0), 0) == forward);
  CHECK(verdict(attestation_of(11, x, 1), 1) == ignore);
  CHECK(verdict(attestation_of(1, x, 0), 0) == ignore);
  CHECK(verdict(attestation_of(14, x, 0), 0) == ignore);
  CHECK(verdict(attestation_of(15, x, 0), 0) == ignore);
  CHECK(verdict(attestation_of(12, x, 0, 66), 0) == ignore);  // signed by another key
  CHECK(verdict(attestation_of(12, x, -181), 0) == ignore);
  CHECK(entry_of(book, 1, at(0))->attestations == 1);
  // One that we met, and that fell silent, is no witness.
  book.disconnected(ip_of(13), at(0));
  book.expire(at(200));
  const auto later = heartbeat_of(1, 8, 200);
  CHECK(verdict(later, 200) == forward);
  CHECK(verdict(attestation_of(13, later, 200), 200) == ignore);
  CHECK(verdict(attestation_of(12, later, 200), 200) == forward);
}

TEST_CASE_FIXTURE(fixture, "a witness may sign with the key of its heartbeats, as the deployed "
                           "daemon does") {
  meet({11});
  name(1);
  CHECK(verdict(heartbeat_of(11, 1, 0, daemon_key), 0, 11) == forward);
  const auto x = heartbeat_of(1, 7, 0);
  CHECK(verdict(x, 0) == forward);
  CHECK(verdict(attestation_of(11, x, 0, daemon_key), 0) == forward);
  CHECK(is_active(1, 0));
}

TEST_CASE_FIXTURE(fixture, "an attestation with a wrong signature is invalid") {
  meet({1, 11});
  const auto x = heartbeat_of(1, 7, 0);
  CHECK(verdict(x, 0) == forward);
  auto attestation = attestation_of(11, x, 0);
  attestation.signature[0] ^= 1;
  CHECK(verdict(attestation, 0) == invalid);
}

TEST_CASE_FIXTURE(fixture, "attestations of a heartbeat that we do not know are ignored") {
  meet({1, 11});
  CHECK(verdict(attestation_of(11, heartbeat_of(1, 7, 0), 0), 0) == ignore);
  const auto old = heartbeat_of(1, 8, 0);
  CHECK(verdict(old, 0) == forward);
  CHECK(verdict(heartbeat_of(1, 9, 60), 60) == forward);
  CHECK(verdict(attestation_of(11, old, 60), 60) == ignore);
}

TEST_CASE_FIXTURE(fixture, "a heartbeat needs no more than 16 attestations, however many "
                           "masternodes there are") {
  meet({1});
  for (int i = 0; i < 40; ++i)
    meet({100 + i});
  const auto x = heartbeat_of(1, 7, 0);
  CHECK(verdict(x, 0) == forward);
  int sent_on = 0;
  for (int i = 0; i < 40; ++i)
    sent_on += verdict(attestation_of(100 + i, x, 0), 0) == forward;
  CHECK(sent_on == 16);
}

TEST_CASE_FIXTURE(fixture, "without a reward address a masternode is not active, attested or not") {
  meet({11});
  CHECK(verdict(heartbeat_of(1, 7, 0), 0) == ignore);  // the hint
  const auto x = heartbeat_of(1, 8, 60);
  CHECK(verdict(x, 60) == forward);
  CHECK(verdict(attestation_of(11, x, 60), 60) == forward);
  CHECK_FALSE(is_active(1, 60));
  name(1, 61);
  CHECK(is_active(1, 61));
}

// -- what we attest to ------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "we attest to masternodes that are more than hearsay to us") {
  meet({1});
  name(2);
  CHECK(judge(heartbeat_of(1, 7, 0), 0).attest);
  CHECK_FALSE(judge(heartbeat_of(2, 7, 0), 0).attest);
  CHECK(judge(heartbeat_of(2, 8, 60), 60, 2).attest);
}

TEST_CASE_FIXTURE(fixture, "what names our own address is ignored") {
  CHECK(verdict(heartbeat_of(9'000'000, 7, 0), 0) == ignore);
  CHECK(book.size() == 0);
}

TEST_CASE_FIXTURE(fixture, "our own attestation is no evidence for ourselves") {
  book.add_self({.ip = our_ip, .reward_address = "TIME0ours", .key = key_of(5).public_key()},
                at(0));
  meet({11});
  name(1);
  const auto x = heartbeat_of(1, 7, 0);
  CHECK(verdict(x, 0) == forward);
  CHECK(verdict(attestation_of(9'000'000, x, 0, 5), 0) == ignore);
  CHECK_FALSE(is_active(1, 0));
  CHECK(verdict(attestation_of(11, x, 0), 0) == forward);
  CHECK(is_active(1, 0));
}

TEST_CASE_FIXTURE(fixture, "attestations of our own heartbeat are counted") {
  book.add_self({.ip = our_ip, .reward_address = "TIME0ours", .key = key_of(5).public_key()},
                at(0));
  meet({11, 12});
  const auto ours = heartbeat_of(9'000'000, 1, 0, 5);
  book.sent(ours, at(0));
  CHECK(verdict(attestation_of(11, ours, 0), 0) == forward);
  CHECK(verdict(attestation_of(12, ours, 0), 0) == forward);
  const auto entry = entry_of(book, 9'000'000, at(0));
  CHECK(entry->heartbeat == 1);
  CHECK(entry->attestations == 2);
}
