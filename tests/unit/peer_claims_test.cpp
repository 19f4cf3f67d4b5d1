// What peers claim, how far it is believed, and who is asked first.

#include "actors/peer_claims.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace timenode::sync;

namespace {

constexpr monotonic_ns s = 1'000'000'000;

ip_address ip(int n) {
  return ip_address::from_v4({10, 0, 0, static_cast<std::uint8_t>(n)});
}

struct claims : peer_claims {
  claims() : peer_claims{1} {}

  void add(int n, link_direction direction, std::uint64_t height = 100) {
    up(ip(n), direction, s);
    height_is(ip(n), height, s);
  }

  std::optional<ip_address> best(std::uint64_t height = 50) const { return choose(height, {}); }
};

constexpr auto in = link_direction::inbound;
constexpr auto out = link_direction::outbound;

}  // namespace

TEST_CASE("who was dialed is asked before who dialed us, until it is known who answers") {
  claims x;
  x.add(1, in);
  x.add(2, out);
  CHECK(x.best() == ip(2));
  x.asked(ip(1));
  x.released(ip(1));
  x.delivered(ip(1), 100, 100, s / 10, s);
  CHECK(x.best() == ip(1));
}

TEST_CASE("who does not answer is asked last, but is asked") {
  claims x;
  x.add(1, out);
  x.add(2, in);
  x.silent(ip(1), 1, s);
  x.height_is(ip(1), 100, 10 * s);
  CHECK(x.best() == ip(2));
  x.down(ip(2), s);
  CHECK(x.best() == ip(1));
}

TEST_CASE("who has least to do is asked, and equals take turns") {
  claims x;
  x.add(1, out);
  x.add(2, out);
  CHECK(x.best() == ip(1));
  x.asked(ip(1));
  CHECK(x.best() == ip(2));
  x.asked(ip(2));
  CHECK(x.best() == ip(1));
  for (int i = 0; i < 3; ++i) {
    x.asked(ip(1));
    x.asked(ip(2));
  }
  CHECK(!x.best());
  x.released(ip(2));
  CHECK(x.best() == ip(2));
}

TEST_CASE("who claims less than what is wanted is not asked for it") {
  claims x;
  x.add(1, out, 100);
  CHECK(x.best(100) == ip(1));
  CHECK(!x.best(101));
  const std::vector except{ip(1)};
  CHECK(!x.choose(100, except));
}

TEST_CASE("who answers slowly or sparsely is asked after who answers well") {
  claims x;
  x.add(1, out);
  x.add(2, out);
  x.delivered(ip(1), 100, 100, 3 * s, s);
  x.delivered(ip(2), 100, 100, s, s);
  CHECK(x.best() == ip(2));
  claims y;
  y.add(1, out);
  y.add(2, out);
  y.delivered(ip(1), 1, 100, s / 10, s);
  y.delivered(ip(2), 100, 100, s, s);
  CHECK(y.best() == ip(2));
}

TEST_CASE("a height that a peer names can be lower than before, what it shows to have cannot") {
  claims x;
  x.add(1, out, 100);
  x.height_is(ip(1), 80, s);
  CHECK(x.best_credit() == 80);
  x.at_least(ip(1), 90, s);
  CHECK(x.best_credit() == 90);
  x.at_least(ip(1), 70, s);
  CHECK(x.best_credit() == 90);
  CHECK(x.find(ip(1))->claim == 90);
}

TEST_CASE("claims of peers that are not there are ignored") {
  claims x;
  x.height_is(ip(9), 100, s);
  x.refused(ip(9), 100, s);
  x.delivered(ip(9), 1, 1, 1, s);
  CHECK(x.all().empty());
  CHECK(!x.next_poll());
}

TEST_CASE("rests double from one second to 64 and end with a block that is applied") {
  CHECK(rest_after(1) == 1 * s);
  CHECK(rest_after(2) == 2 * s);
  CHECK(rest_after(7) == 64 * s);
  CHECK(rest_after(1000) == 64 * s);
  claims x;
  x.add(1, out);
  auto now = s;
  for (int i = 0; i < 5; ++i) {
    x.refused(ip(1), 10, now);
    x.refused(ip(1), 10, now);  // during its rest: counts once
    now = x.find(ip(1))->rests_until;
    x.height_is(ip(1), 100, now);
    CHECK(x.best_credit() == 100);
  }
  CHECK(now == s + 31 * s);
  x.useful(ip(1));
  x.refused(ip(1), 10, now);
  CHECK(x.find(ip(1))->rests_until == now + s);
}

TEST_CASE("a provably wrong block costs the longest rest at once") {
  claims x;
  x.add(1, out);
  x.wronged(ip(1), 10, s);
  CHECK(x.best_credit() == 9);
  x.height_is(ip(1), 100, 64 * s);
  CHECK(x.best_credit() == 9);
  x.height_is(ip(1), 100, 65 * s);
  CHECK(x.best_credit() == 100);
  CHECK(x.best_trusted() == 0);
}

TEST_CASE("a claim is proven once its peer has delivered something, until it fails") {
  claims x;
  x.add(1, out);
  CHECK(x.best_trusted() == 100);
  CHECK(x.best_proven() == 0);
  x.delivered(ip(1), 1, 1, s, s);
  CHECK(x.best_proven() == 100);
  x.silent(ip(1), 50, 2 * s);
  CHECK(x.best_proven() == 0);
}

TEST_CASE("another connection is another chance for who was silent, not for who was wrong") {
  claims x;
  x.add(1, in);
  x.silent(ip(1), 1, s);
  x.up(ip(1), out, s);
  x.height_is(ip(1), 100, s);
  CHECK(x.best_credit() == 100);
  x.wronged(ip(1), 1, s);
  x.up(ip(1), out, s);
  x.height_is(ip(1), 100, s);
  CHECK(x.best_credit() == 0);
}

TEST_CASE("who failed is not trusted for coming back, on whatever connection, until it delivers") {
  claims x;
  x.add(1, in);
  x.silent(ip(1), 1, s);
  for (auto now = 2 * s; now < 20 * s; now += 2 * s) {
    x.down(ip(1), now);
    x.add(1, in);
    CHECK(x.best_credit() == 100);  // it is asked all the same
    CHECK(x.best_trusted() == 0);
    CHECK(x.believed_above(50, std::vector{ip(1)}) == 0);
  }
  x.up(ip(1), out, 20 * s);
  CHECK(x.best_trusted() == 0);
  x.delivered(ip(1), 1, 1, s, 21 * s);
  CHECK(x.best_trusted() == 100);
  CHECK(x.best_proven() == 100);
  x.down(ip(1), 22 * s);
  x.add(1, in);
  CHECK(x.best_trusted() == 100);
}

TEST_CASE("that a peer failed is forgotten an hour after it went") {
  claims x;
  x.add(1, in);
  x.refused(ip(1), 1, s);
  x.down(ip(1), 2 * s);
  x.up(ip(1), in, 2 * s + doubt_lasts);
  x.height_is(ip(1), 100, 2 * s + doubt_lasts);
  CHECK(x.best_trusted() == 100);
}

TEST_CASE("of some peers those are counted who claim more than a height and are trusted") {
  claims x;
  x.add(1, in, 100);
  x.add(2, in, 101);
  x.add(3, in, 500);
  x.add(4, in, 500);
  x.silent(ip(4), 102, s);
  CHECK(x.believed_above(100, std::vector{ip(1), ip(2), ip(3), ip(4), ip(9)}) == 2);
  CHECK(x.believed_above(100, std::vector{ip(1), ip(2)}) == 1);
  CHECK(x.believed_above(100, {}) == 0);
}

TEST_CASE("peers are polled at once, then every minute give or take a tenth, and after a rest") {
  claims x;
  x.up(ip(1), out, 5 * s);
  CHECK(x.next_poll() == 5 * s);
  CHECK(x.due_polls(0, 5 * s) == std::vector{ip(1)});
  CHECK(x.due_polls(0, 5 * s).empty());
  REQUIRE(x.next_poll());
  CHECK(*x.next_poll() >= 5 * s + 54 * s);
  CHECK(*x.next_poll() <= 5 * s + 66 * s);
  x.refused(ip(1), 1, 6 * s);
  CHECK(x.next_poll() == 7 * s);
}

namespace {

/// How often each is polled from 1 to 61 minutes on while it has `claim` and we have 100; looked at every second.
std::size_t polls_an_hour(int peers, std::uint64_t claim) {
  claims x;
  for (int i = 1; i <= peers; ++i)
    x.add(i, out, claim);
  std::size_t result = 0;
  for (auto now = s; now < 61 * 60 * s; now += s)
    for (const auto& who : x.due_polls(100, now)) {
      x.height_is(who, claim, now);
      result += now >= 60 * s;
    }
  return result;
}

}  // namespace

TEST_CASE("of many peers that have what we have four are polled in a minute, in turn") {
  CHECK(polls_an_hour(4, 100) >= 4 * 58);
  CHECK(polls_an_hour(4, 100) <= 4 * 70);
  // In 25 turns.
  CHECK(polls_an_hour(100, 100) >= 100 * 60 / 25 - 100);
  CHECK(polls_an_hour(100, 100) <= 100 * 60 / 25 + 100);
}

TEST_CASE("many peers that came at one moment are not polled at one moment ever after") {
  claims x;
  for (int i = 1; i <= 100; ++i)
    x.add(i, out, 100);
  CHECK(x.due_polls(100, s).size() == 100);
  std::size_t most = 0;
  for (int minute = 5; minute < 60; ++minute) {
    std::size_t polled = 0;
    for (auto now = minute * 60 * s; now < (minute + 1) * 60 * s; now += s)
      for (const auto& who : x.due_polls(100, now)) {
        x.height_is(who, 100, now);
        ++polled;
      }
    most = std::max(most, polled);
  }
  CHECK(most > 0);
  CHECK(most <= 15);
}

TEST_CASE("peers that are behind us are polled every minute however many there are") {
  CHECK(polls_an_hour(100, 99) >= 100 * 58);
}

TEST_CASE("of many peers that had what we have some are polled within the minute when we have a "
          "block more, and all when we have four more") {
  for (const std::uint64_t more : {1, 4}) {
    claims x;
    for (int i = 1; i <= 100; ++i)
      x.add(i, out, 100);
    CHECK(x.due_polls(100, s).size() == 100);
    x.at_least(ip(7), 100 + more, 5 * s);
    std::size_t polled = 0;
    for (auto now = 10 * s; now < 77 * s; now += s)
      polled += x.due_polls(100 + more, now).size();
    CHECK(polled >= (more == 1 ? 2 : 99));
    CHECK(polled <= (more == 1 ? 20 : 99));
  }
}
