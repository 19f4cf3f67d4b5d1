#include "net/peer_link.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace timenode;
using namespace timenode::net;

namespace {

constexpr monotonic_ns second = 1'000'000'000;

const peer_link_rules default_rules;

/// One side of a pair, with what it was told to do.
struct side {
  explicit side(pair_role role, std::uint64_t seed = 7) : link{default_rules, role, seed} {}

  void add(link_actions more) {
    for (auto& x : more)
      done.push_back(std::move(x));
  }

  template <class Action>
  std::size_t count() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        done, [](const link_action& x) { return std::holds_alternative<Action>(x); }));
  }

  template <class Action>
  const Action& last() const {
    const auto i = std::find_if(done.rbegin(), done.rend(), [](const link_action& x) {
      return std::holds_alternative<Action>(x);
    });
    REQUIRE(i != done.rend());
    return std::get<Action>(*i);
  }

  /// Lets time pass until something is due, as the registry does.
  monotonic_ns next() {
    const auto at = link.next_deadline();
    REQUIRE(at);
    now = std::max(now, *at);
    add(link.tick(now));
    return now;
  }

  void established(link_id id, link_direction direction) {
    if (direction == link_direction::outbound)
      add(link.dial_started(id, now));
    else
      add(link.accepted(id, now));
    add(link.handshaken(id, now));
  }

  peer_link link;
  link_actions done;
  monotonic_ns now = second;
};

}  // namespace

TEST_CASE("the elected side dials at once") {
  side us{pair_role::we_dial};
  us.add(us.link.want(us.now));
  CHECK(us.count<do_dial>() == 1);
}

TEST_CASE("a node that does not know its own IP dials at once") {
  side us{pair_role::unknown};
  us.add(us.link.want(us.now));
  CHECK(us.count<do_dial>() == 1);
}

TEST_CASE("the side that is not elected waits 30 s, give or take a fifth, and then dials") {
  side us{pair_role::they_dial};
  us.add(us.link.want(us.now));
  CHECK(us.count<do_dial>() == 0);
  CHECK(us.link.state_name() == "waiting-for-their-dial");
  const auto waited = us.next() - second;
  CHECK(waited >= 24 * second);
  CHECK(waited <= 36 * second);
  CHECK(us.count<do_dial>() == 1);
  SUBCASE("which shows that their dials do not come when it gets through") {
    us.established(1, link_direction::outbound);
    CHECK(us.link.their_dials_fail());
  }
  SUBCASE("and waits again when it does not get through either, for an hour and longer") {
    for (link_id id = 1; us.now < 3600 * second; ++id) {
      us.add(us.link.dial_started(id, us.now));
      us.now += 5 * second;
      us.add(us.link.closing(id, link_end::connect_failed, "timed out", us.now));
      us.add(us.link.gone(id, us.now));
      CHECK_FALSE(us.link.their_dials_fail());
      CHECK(us.link.state_name() == "waiting-for-their-dial");
      const auto failed_at = us.now;
      const auto pause = us.next() - failed_at;
      CHECK(pause >= 24 * second);
      CHECK(pause <= 300 * second);
    }
  }
}

TEST_CASE("a side that is not elected dials a peer that it knows in less than a minute, however "
          "often that failed") {
  side us{pair_role::they_dial};
  us.add(us.link.want(us.now, true));
  for (link_id id = 1; id < 200; ++id) {
    const auto before = us.now;
    CHECK(us.next() - before <= 45 * second);
    us.add(us.link.dial_started(id, us.now));
    us.add(us.link.closing(id, link_end::connect_failed, "timed out", us.now));
    us.add(us.link.gone(id, us.now));
  }
}

TEST_CASE(
    "who came by himself and was never reached is dialed less after sixty dials in vain; who was "
    "reached once is not") {
  for (const auto reached : {false, true}) {
    CAPTURE(reached);
    side us{pair_role::they_dial};
    us.add(us.link.want(us.now));
    us.established(1, reached ? link_direction::outbound : link_direction::inbound);
    us.now += 100 * second;
    us.add(us.link.closing(1, link_end::connection_lost, "reset", us.now));
    us.add(us.link.gone(1, us.now));
    monotonic_ns longest_early = 0, longest_late = 0;
    for (link_id id = 2; id < 200; ++id) {
      const auto before = us.now;
      const auto pause = us.next() - before;
      (us.link.failures() < 60 ? longest_early : longest_late) =
          std::max(us.link.failures() < 60 ? longest_early : longest_late, pause);
      us.add(us.link.dial_started(id, us.now));
      us.add(us.link.closing(id, link_end::connect_failed, "timed out", us.now));
      us.add(us.link.gone(id, us.now));
    }
    CHECK(longest_early <= 45 * second);
    CHECK(longest_late <= (reached ? 45 : 300) * second);
    CHECK((longest_late > 100 * second) == !reached);
  }
}

TEST_CASE("who came by himself again is dialed as before, however many dials had failed") {
  side us{pair_role::they_dial};
  us.add(us.link.want(us.now));
  us.established(1, link_direction::inbound);
  us.add(us.link.closing(1, link_end::connection_lost, "reset", us.now));
  us.add(us.link.gone(1, us.now));
  for (link_id id = 2; id < 100; ++id) {
    us.next();
    us.add(us.link.dial_started(id, us.now));
    us.add(us.link.closing(id, link_end::connect_failed, "timed out", us.now));
    us.add(us.link.gone(id, us.now));
  }
  us.established(100, link_direction::inbound);
  us.now += 100 * second;
  us.add(us.link.closing(100, link_end::connection_lost, "reset", us.now));
  us.add(us.link.gone(100, us.now));
  const auto lost_at = us.now;
  CHECK(us.next() - lost_at <= 45 * second);
}

TEST_CASE("a side whose peer's dials never came dials at once the next time") {
  side us{pair_role::they_dial};
  us.add(us.link.want(us.now));
  us.next();
  us.established(1, link_direction::outbound);
  us.now += 100 * second;
  us.add(us.link.closing(1, link_end::connection_lost, "reset", us.now));
  us.add(us.link.gone(1, us.now));
  const auto lost_at = us.now;
  CHECK(us.next() - lost_at <= second);
  CHECK(us.count<do_dial>() == 2);
}

TEST_CASE("who dials and hangs up again and again does not put off our own dial") {
  side us{pair_role::they_dial};
  us.add(us.link.want(us.now));
  for (link_id id = 1; us.count<do_dial>() == 0; ++id) {
    REQUIRE(us.now < 40 * second);
    us.add(us.link.accepted(id, us.now));
    us.add(us.link.closing(id, link_end::closed_by_peer, "closed by the peer", us.now));
    us.add(us.link.gone(id, us.now));
    us.now += 5 * second;
    us.add(us.link.tick(us.now));
  }
}

TEST_CASE("a dial that an operator asked for says nothing of the other side's dials") {
  side us{pair_role::they_dial};
  us.add(us.link.want(us.now));
  us.next();
  us.add(us.link.dial_started(1, us.now));
  us.add(us.link.closing(1, link_end::connect_failed, "timed out", us.now));
  us.add(us.link.gone(1, us.now));
  us.add(us.link.dial_now(us.now));
  us.established(2, link_direction::outbound);
  CHECK_FALSE(us.link.their_dials_fail());
}

TEST_CASE("their dial ends the wait for it") {
  side us{pair_role::they_dial};
  us.add(us.link.want(us.now));
  us.established(1, link_direction::inbound);
  CHECK(us.count<do_peer_up>() == 1);
  CHECK_FALSE(us.link.next_deadline());
  us.add(us.link.tick(us.now + 1000 * second));
  CHECK(us.count<do_dial>() == 0);
}

TEST_CASE("of two connections the elected side closes the one that the other dialed") {
  side us{pair_role::we_dial};
  us.established(1, link_direction::outbound);
  us.established(2, link_direction::inbound);
  CHECK(us.count<do_close>() == 0);
  us.next();
  REQUIRE(us.count<do_close>() == 1);
  CHECK(us.last<do_close>().link == 2);
  CHECK(us.last<do_close>().cause == link_end::duplicate);
  CHECK(us.link.primary() == 1);
  CHECK(us.count<do_peer_down>() == 0);
}

TEST_CASE("the other side leaves that to the elected one for 5 s and then acts by the same rule") {
  side us{pair_role::they_dial};
  us.established(1, link_direction::outbound);
  us.established(2, link_direction::inbound);
  const auto began = us.now;
  CHECK(us.next() - began == 5 * second);
  CHECK(us.last<do_close>().link == 1);
  CHECK(us.link.primary() == 2);
  CHECK(us.last<do_peer_up>().link == 2);
}

TEST_CASE(
    "a node that learns who is elected decides between two connections by that, from then on") {
  side us{pair_role::unknown};
  us.established(1, link_direction::inbound);
  us.established(2, link_direction::outbound);
  us.add(us.link.set_role(pair_role::we_dial, us.now));
  const auto learned = us.now;
  CHECK(us.next() <= learned + 2 * default_rules.elected_grace);
  CHECK(us.last<do_close>().link == 1);
  CHECK(us.link.primary() == 2);
}

TEST_CASE("losing a tie costs nothing: no failure, no peer down, no dial") {
  side us{pair_role::they_dial};
  us.add(us.link.want(us.now));
  us.established(1, link_direction::outbound);
  us.established(2, link_direction::inbound);
  us.add(us.link.closing(1, link_end::closed_by_peer, "closed by the peer", us.now + second));
  us.add(us.link.gone(1, us.now + second));
  CHECK(us.link.failures() == 0);
  CHECK(us.count<do_peer_down>() == 0);
  CHECK(us.link.primary() == 2);
  CHECK_FALSE(us.link.next_deadline());
}

TEST_CASE("a peer that dials again makes us test the old connection before anything is closed") {
  side us{pair_role::we_dial};
  us.established(1, link_direction::outbound);
  us.now += 600 * second;
  us.established(2, link_direction::inbound);
  CHECK(us.count<do_close>() == 0);
  CHECK(us.last<do_probe>().link == 1);

  SUBCASE("a silent old connection goes after 5 s, and the new one takes over") {
    const auto began = us.now;
    CHECK(us.next() - began == 5 * second);
    CHECK(us.last<do_close>().link == 1);
    CHECK(us.last<do_close>().cause == link_end::peer_dead);
    CHECK(us.link.primary() == 2);
    CHECK(us.count<do_peer_down>() == 0);
  }
  SUBCASE("an old connection that lives stays, and the rule closes the new one") {
    us.add(us.link.alive(1, us.now));
    us.next();
    CHECK(us.last<do_close>().link == 2);
    CHECK(us.link.primary() == 1);
  }
}

TEST_CASE("of two connections that the peer dialed the older one stays if it lives") {
  side us{pair_role::they_dial};
  us.established(1, link_direction::inbound);
  us.established(2, link_direction::inbound);
  CHECK(us.last<do_probe>().link == 1);
  us.add(us.link.alive(1, us.now));
  CHECK(us.last<do_close>().link == 2);
  CHECK(us.link.primary() == 1);
}

TEST_CASE("a peer that shakes hands again and again keeps no connection but the newest for longer "
          "than a probe") {
  side us{pair_role::they_dial};
  for (link_id id = 1; id <= 4; ++id) {
    us.established(id, link_direction::inbound);
    us.now += second;
  }
  const auto last = us.now - second;
  while (us.link.next_deadline())
    us.next();
  CHECK(us.now <= last + default_rules.probe_wait);
  CHECK(us.count<do_close>() == 3);
  CHECK(us.link.primary() == 4);
}

TEST_CASE("of three connections the two that a settled tie leaves are told apart by a probe") {
  side us{pair_role::they_dial};
  us.established(1, link_direction::outbound);
  us.established(2, link_direction::inbound);  // a tie; then the peer restarts and dials again
  us.established(3, link_direction::inbound);
  us.next();
  CHECK(us.last<do_close>().link == 1);
  CHECK(us.last<do_probe>().link == 2);
  us.next();
  CHECK(us.last<do_close>().link == 2);
  CHECK(us.link.primary() == 3);
  CHECK_FALSE(us.link.next_deadline());
}

TEST_CASE("a tie whose rightful winner ends before it is settled does not cost the others") {
  side us{pair_role::we_dial};
  us.established(1, link_direction::outbound);
  us.established(2, link_direction::inbound);
  us.established(3, link_direction::inbound);
  us.add(us.link.closing(1, link_end::connection_lost, "reset", us.now));
  us.next();
  CHECK(us.count<do_close>() == 0);
  CHECK(us.count<do_peer_down>() == 0);
  us.next();
  CHECK(us.last<do_close>().link == 2);
  CHECK(us.link.primary() == 3);
  CHECK_FALSE(us.link.next_deadline());
}

TEST_CASE("dials that fail are repeated after pauses of at most 1 s doubling to 300 s, for good") {
  side us{pair_role::we_dial};
  us.add(us.link.want(us.now));
  for (link_id id = 1; id <= 40; ++id) {
    REQUIRE(us.count<do_dial>() == id);
    us.add(us.link.dial_started(id, us.now));
    us.add(us.link.closing(id, link_end::connect_failed, "refused", us.now));
    us.add(us.link.gone(id, us.now));
    CHECK(us.link.failures() == id);
    const auto began = us.now;
    const auto limit =
        std::min<monotonic_ns>(300, monotonic_ns{1} << std::min<link_id>(id - 1, 20));
    CHECK(us.next() - began <= limit * second);
  }
}

TEST_CASE("a connection that was up for a minute makes the backoff start anew") {
  side us{pair_role::we_dial};
  us.add(us.link.want(us.now));
  for (link_id id = 1; id <= 5; ++id) {
    us.add(us.link.dial_started(id, us.now));
    us.add(us.link.closing(id, link_end::connect_failed, "refused", us.now));
    us.add(us.link.gone(id, us.now));
    us.next();
  }
  us.established(6, link_direction::outbound);
  SUBCASE("after a minute") {
    us.now += 60 * second;
    us.add(us.link.closing(6, link_end::connection_lost, "reset", us.now));
    CHECK(us.link.failures() == 0);
  }
  SUBCASE("not before, but near its beginning") {
    us.now += 59 * second;
    us.add(us.link.closing(6, link_end::connection_lost, "reset", us.now));
    CHECK(us.link.failures() == 4);
  }
  SUBCASE("not at all after some seconds") {
    us.now += 9 * second;
    us.add(us.link.closing(6, link_end::connection_lost, "reset", us.now));
    CHECK(us.link.failures() == 6);
  }
}

TEST_CASE("after a connection of ten seconds a pause is short again, however many dials had failed "
          "before") {
  for (const auto lived : {5 * second, 10 * second}) {
    monotonic_ns longest = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      side us{pair_role::we_dial, seed};
      us.add(us.link.want(us.now));
      link_id id = 1;
      for (; id <= 12; ++id) {
        us.add(us.link.dial_started(id, us.now));
        us.add(us.link.closing(id, link_end::connect_failed, "timed out", us.now));
        us.add(us.link.gone(id, us.now));
        us.next();
      }
      us.established(id, link_direction::outbound);
      us.now += lived;
      us.add(us.link.closing(id, link_end::connection_lost, "connection reset", us.now));
      us.add(us.link.gone(id, us.now));
      const auto lost_at = us.now;
      longest = std::max(longest, us.next() - lost_at);
    }
    CAPTURE(lived);
    CHECK(longest > (lived < 10 * second ? 40 : 4) * second);
    CHECK(longest <= (lived < 10 * second ? 45 : 8) * second);
  }
}

TEST_CASE("two handshakes of one address may be under way, a third is refused") {
  side us{pair_role::they_dial};
  us.add(us.link.accepted(1, us.now));
  us.add(us.link.accepted(2, us.now));
  CHECK(us.count<do_close>() == 0);
  us.add(us.link.accepted(3, us.now));
  CHECK(us.last<do_close>().link == 3);
}

TEST_CASE("an established connection is never closed by time alone") {
  for (const auto role : {pair_role::we_dial, pair_role::they_dial, pair_role::unknown}) {
    side us{role};
    us.add(us.link.want(us.now));
    us.established(1, role == pair_role::they_dial ? link_direction::inbound
                                                   : link_direction::outbound);
    for (int day = 0; day < 100; ++day)
      us.add(us.link.tick(us.now += 86'400 * second));
    CHECK(us.count<do_close>() == 0);
    CHECK(us.link.primary() == 1);
  }
}

TEST_CASE("a connection whose actor fails without a word is made up for") {
  side us{pair_role::we_dial};
  us.add(us.link.want(us.now));
  us.established(1, link_direction::outbound);
  us.add(us.link.gone(1, us.now));
  CHECK(us.count<do_peer_down>() == 1);
  us.next();
  CHECK(us.count<do_dial>() == 2);
}

TEST_CASE("a peer that is not wanted is forgotten with its last connection") {
  side us{pair_role::they_dial};
  us.established(1, link_direction::inbound);
  CHECK_FALSE(us.link.forgettable());
  us.add(us.link.closing(1, link_end::closed_by_peer, "closed by the peer", us.now));
  us.add(us.link.gone(1, us.now));
  CHECK(us.link.forgettable());
  CHECK_FALSE(us.link.next_deadline());
}

TEST_CASE("a peer that an operator disconnected is left alone for a minute, also when it is wanted "
          "anew") {
  side x{pair_role::we_dial};
  x.add(x.link.want(x.now));
  x.established(1, link_direction::outbound);
  x.add(x.link.closing(1, link_end::operator_request, "an operator disconnected it", x.now));
  x.add(x.link.gone(1, x.now));
  const auto until = x.now + default_rules.operator_pause;
  x.add(x.link.unwant(x.now));
  CHECK_FALSE(x.link.forgettable());
  x.add(x.link.want(x.now));
  REQUIRE(x.link.dial_at());
  CHECK(*x.link.dial_at() >= until);
  // But on order at once.
  const auto dials = x.count<do_dial>();
  x.add(x.link.dial_now(x.now));
  CHECK(x.count<do_dial>() == dials + 1);
}

TEST_CASE("a peer that an operator disconnected and nobody wants is forgotten after that minute") {
  side x{pair_role::we_dial};
  x.add(x.link.want(x.now));
  x.established(1, link_direction::outbound);
  x.add(x.link.closing(1, link_end::operator_request, "an operator disconnected it", x.now));
  x.add(x.link.gone(1, x.now));
  x.add(x.link.unwant(x.now));
  CHECK_FALSE(x.link.forgettable());
  CHECK(x.next() <= second + default_rules.operator_pause);
  CHECK(x.link.forgettable());
}
