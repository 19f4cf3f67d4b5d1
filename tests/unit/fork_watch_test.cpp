// What the repair of forks keeps account of: who was asked which hash, whose tip is like ours, what the
// masternodes answered, and which branches there are.

#include "actors/branch_list.hpp"
#include "actors/hash_desk.hpp"
#include "actors/hash_poll.hpp"
#include "actors/line_limit.hpp"
#include "actors/tip_watch.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace timenode::sync;

namespace {

constexpr auto second = in_ns(std::chrono::seconds{1});
constexpr auto minute = 60 * second;

ip_address ip(int x) {
  return *ip_address::parse("10.0." + std::to_string(x / 256) + "." + std::to_string(x % 256));
}

hash256 hash(std::uint8_t x) {
  hash256 result{};
  result[0] = x;
  return result;
}

}  // namespace

// -- questions ----------------------------------------------------------------------------

TEST_CASE("an answer counts once, and only to a question") {
  hash_desk desk;
  CHECK(!desk.answered(ip(1), 5, 0));
  CHECK(desk.ask(ip(1), 5, 0));
  CHECK(!desk.answered(ip(1), 6, 1));
  CHECK(!desk.answered(ip(2), 5, 1));
  CHECK(desk.answered(ip(1), 5, 1));
  CHECK(!desk.answered(ip(1), 5, 1));
  CHECK(desk.size() == 0);
}

TEST_CASE("the same is not asked again at once, and late answers count for a minute") {
  hash_desk desk;
  CHECK(desk.ask(ip(1), 5, 0));
  CHECK(!desk.ask(ip(1), 5, 9 * second));
  CHECK(desk.ask(ip(1), 5, 10 * second));
  CHECK(desk.size() == 1);
  CHECK(desk.answered(ip(1), 5, 69 * second));
  CHECK(desk.ask(ip(1), 5, 100 * second));
  CHECK(!desk.answered(ip(1), 5, 160 * second));
}

TEST_CASE("a peer has at most eight questions to answer, until they are old") {
  hash_desk desk;
  for (std::uint64_t h = 1; h <= 20; ++h)
    CHECK(desk.ask(ip(1), h, 0) == (h <= hash_desk::max_per_peer));
  CHECK(desk.ask(ip(2), 1, 0));
  CHECK(desk.size() == hash_desk::max_per_peer + 1);
  CHECK(desk.ask(ip(1), 30, 60 * second));
  desk.forget(ip(1));
  CHECK(desk.size() == 1);
}

// -- tips -------------------------------------------------------------------------------------

TEST_CASE("a peer is asked for our height, or for its own if that is lower, every half minute") {
  tip_watch watch{1};
  watch.up(ip(1), 0);
  watch.up(ip(2), 0);
  CHECK(watch.due(100, 0).empty());  // they have not named their heights
  CHECK(!watch.next());
  watch.height_is(ip(1), 150, second);
  watch.height_is(ip(2), 80, second);
  CHECK(watch.due(100, second) == std::vector<hash_question>{{ip(1), 100}, {ip(2), 80}});
  CHECK(watch.due(100, 27 * second).empty());
  CHECK(watch.due(101, 35 * second) == std::vector<hash_question>{{ip(1), 101}, {ip(2), 80}});
  CHECK(*watch.next() >= (35 + 27) * second);
  CHECK(*watch.next() <= (35 + 33) * second);
  watch.down(ip(1));
  CHECK(watch.due(101, 100 * second) == std::vector<hash_question>{{ip(2), 80}});
}

TEST_CASE("a peer with our tip is asked every other minute only, until there is another tip or "
          "news of it") {
  tip_watch watch{1};
  watch.up(ip(1), 0);
  watch.height_is(ip(1), 100, 0);
  auto asked = [&watch, now = monotonic_ns{0}](std::uint64_t tip, monotonic_ns span) mutable {
    std::size_t result = 0;
    for (const auto end = now + span; now < end; now += second)
      for (const auto& x : watch.due(tip, now)) {
        watch.compared(x.peer, x.height, true);
        ++result;
      }
    return result;
  };
  CHECK(asked(100, 60 * minute) >= 29);
  CHECK(asked(100, 60 * minute) <= 33);
  CHECK(asked(101, 34 * second) >= 1);  // it is behind now
  CHECK(asked(101, 60 * minute) >= 110);
  watch.height_is(ip(1), 101, 121 * minute);
  CHECK(asked(101, 68 * second) >= 1);
  watch.hurry(ip(1), 0);
  CHECK(asked(101, 5 * second) == 1);
}

TEST_CASE("of a hundred peers with our tip eight are asked every other minute, in turn, and eight "
          "at once "
          "about a new one") {
  tip_watch watch{1};
  constexpr int peers = 100;
  for (int i = 1; i <= peers; ++i) {
    watch.up(ip(i), 0);
    watch.height_is(ip(i), 101, 0);
  }
  auto asked = [&watch, now = monotonic_ns{0}](std::uint64_t tip, monotonic_ns span) mutable {
    std::size_t result = 0;
    for (const auto end = now + span; now < end; now += second)
      for (const auto& x : watch.due(tip, now)) {
        watch.compared(x.peer, x.height, true);
        ++result;
      }
    return result;
  };
  const auto at_first = asked(100, 34 * second);
  CHECK(at_first >= peers);  // none is known yet
  CHECK(at_first <= peers + 35);
  const auto in_an_hour = asked(100, 60 * minute);
  CHECK(in_an_hour >= 3 * peers / 2);  // every 26 minutes: 13 turns of two minutes
  CHECK(in_an_hour <= 3 * peers);
  const auto about_new_one = asked(101, 30 * second);
  CHECK(about_new_one >= 3);
  CHECK(about_new_one <= 20);
  CHECK(asked(101, 60 * minute) <= 4 * peers);
}

TEST_CASE("news of a peer make it be asked soon, but not more than every three seconds") {
  tip_watch watch{1};
  watch.up(ip(1), 0);
  watch.height_is(ip(1), 10, 0);
  CHECK(watch.due(10, 0).size() == 1);
  watch.hurry(ip(1), second);
  CHECK(watch.due(10, 2 * second).empty());
  CHECK(watch.due(10, 3 * second).size() == 1);
}

TEST_CASE("nobody is asked about the genesis block") {
  tip_watch watch{1};
  watch.up(ip(1), 0);
  watch.height_is(ip(1), 0, 0);
  CHECK(watch.due(10, 0).empty());
  watch.height_is(ip(1), 10, 0);
  CHECK(watch.due(0, 100 * second).empty());
}

TEST_CASE("peers are told apart: the same tip, behind, another block, and unknown") {
  tip_watch watch{1};
  for (int i = 1; i <= 4; ++i)
    watch.up(ip(i), 0);
  watch.height_is(ip(1), 100, 0);
  watch.height_is(ip(2), 50, 0);
  watch.height_is(ip(3), 120, 0);
  watch.due(100, 0);
  CHECK(watch.census(100) == tip_census{0, 0, 0, 4});
  watch.compared(ip(1), 100, true);
  watch.compared(ip(2), 50, true);
  watch.compared(ip(3), 100, false);
  CHECK(watch.census(100) == tip_census{1, 1, 1, 1});
  // That it has a lower block of ours, which a search finds out, does not make its tip ours.
  watch.compared(ip(3), 60, true);
  CHECK(watch.relation(ip(3), 100) == tip_relation::differs);
  watch.due(100, 100 * second);
  watch.compared(ip(3), 100, true);
  CHECK(watch.relation(ip(3), 100) == tip_relation::same);
  watch.start_over(200 * second);
  CHECK(watch.census(100).unknown == 4);
}

// -- polls ------------------------------------------------------------------------------------

TEST_CASE("a poll counts voters and only them, and ends when all have answered") {
  hash_poll poll{7, {ip(1), ip(2), ip(3), ip(4)}, {ip(4), ip(5)}, 0};
  CHECK(poll.asked().size() == 5);
  poll.answered(ip(1), hash(1));
  poll.answered(ip(1), hash(2));  // the first answer counts
  poll.answered(ip(2), hash(2));
  poll.answered(ip(3), std::nullopt);
  poll.answered(ip(5), hash(3));
  poll.answered(ip(9), hash(2));  // nobody asked it
  CHECK(!poll.done(4 * second));
  poll.answered(ip(4), hash(3));
  CHECK(poll.done(4 * second));
  CHECK(poll.count(hash(1), hash(2)) == fork_votes{1, 1, 1, 1});
  CHECK(poll.holders(hash(3)) == std::vector<ip_address>{ip(4), ip(5)});
  CHECK(poll.has_other(ip(1), hash(2)));
  CHECK(!poll.has_other(ip(2), hash(2)));
  CHECK(!poll.has_other(ip(9), hash(2)));
}

TEST_CASE("a poll ends after five seconds, and does not wait for who is gone") {
  hash_poll poll{7, {ip(1), ip(2)}, {}, 0};
  poll.answered(ip(1), hash(1));
  CHECK(!poll.done(4 * second));
  CHECK(poll.done(5 * second));
  poll.left(ip(2));
  CHECK(poll.done(second));
  CHECK(hash_poll{7, {}, {}, 0}.done(0));
}

TEST_CASE("the block that most voters have beside ours is found, guests' only when there is none") {
  hash_poll poll{7, {ip(1), ip(2), ip(3), ip(4)}, {ip(5), ip(6), ip(7)}, 0};
  for (int i = 5; i <= 7; ++i)
    poll.answered(ip(i), hash(9));
  CHECK(poll.top_other(hash(1)) == hash(9));
  poll.answered(ip(1), hash(1));
  poll.answered(ip(2), hash(2));
  CHECK(poll.top_other(hash(1)) == hash(2));
  poll.answered(ip(3), hash(3));
  poll.answered(ip(4), hash(3));
  CHECK(poll.top_other(hash(1)) == hash(3));
}

// -- branches ---------------------------------------------------------------------------------

TEST_CASE("a branch is due when somebody has it and its rest is over") {
  branch_list list;
  auto& x = list.at(30, hash(1));
  CHECK(list.due(0) == nullptr);
  list.joins(ip(1), x);
  CHECK(list.due(0) == &x);
  branch_list::rest(x, 0);
  CHECK(list.due(4 * second) == nullptr);
  CHECK(list.next_look() == 5 * second);
  CHECK(list.due(5 * second) == &x);
  for (int i = 0; i < 10; ++i)
    branch_list::rest(x, 0);
  CHECK(x.next_look == 60 * second);
  list.leaves(ip(1));
  CHECK(!list.next_look());
}

TEST_CASE("a peer has one branch at most") {
  branch_list list;
  list.joins(ip(1), list.at(30, hash(1)));
  list.joins(ip(1), list.at(31, hash(2)));
  CHECK(list.find(hash(1))->peers.empty());
  CHECK(list.of(ip(1)) == list.find(hash(2)));
  list.forget_peers();
  CHECK(list.of(ip(1)) == nullptr);
}

TEST_CASE("branches are bounded in number, and those with votes and peers stay") {
  branch_list list;
  list.at(30, hash(200)).votes.theirs = 3;
  for (int i = 0; i < 100; ++i)
    list.at(30, hash(static_cast<std::uint8_t>(i)));
  CHECK(list.all().size() == branch_list::max_branches);
  CHECK(list.find(hash(200)) != nullptr);
  CHECK(list.find(hash(99)) != nullptr);
}

TEST_CASE("what is settled is so for its time, and the oldest make room") {
  branch_list list;
  list.settle(hash(1), 10 * second);
  CHECK(list.settled(hash(1), 9 * second));
  CHECK(!list.settled(hash(1), 10 * second));
  for (int i = 2; i < 100; ++i)
    list.settle(hash(static_cast<std::uint8_t>(i)), 1000 * second);
  CHECK(!list.settled(hash(1), 0));
  CHECK(list.settled(hash(99), 0));
}

// -- the log ----------------------------------------------------------------------------------

TEST_CASE("some lines go at once, then one now and then, which tells how many were left out") {
  line_limit limit{3, std::chrono::seconds{10}};
  for (int i = 0; i < 3; ++i)
    CHECK(limit.take(0) == 0);
  for (int i = 0; i < 1000; ++i)
    CHECK(!limit.take(5 * second));
  CHECK(limit.take(10 * second) == 1000);
  CHECK(!limit.take(19 * second));
  CHECK(limit.take(1000 * second) == 1);
  CHECK(limit.take(1000 * second) == 0);
  CHECK(limit.take(1000 * second) == 0);
  CHECK(!limit.take(1000 * second));
}
