// Who is kept out: the operator's word over the ladder of violations, and both over a restart.

#include "net/access_control.hpp"
#include "net/line_fields.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace timenode;
using namespace timenode::net;

namespace {

constexpr std::int64_t start = 1'766'000'000;
constexpr std::int64_t hour = 3600;

ip_address ip(const char* text) {
  return ip_address::parse(text).value();
}

ip_network net_of(const char* text) {
  return ip_network::parse(text).value();
}

const auto peer = ip("203.0.113.5");

struct fixture {
  void misbehave(const ip_address& who, int times, std::int64_t now = start) {
    for (int i = 0; i < times; ++i)
      access.add_violation(who, "not JSON", "GET / HTTP/1.1", now);
  }

  /// What a node that is started again has.
  access_control restarted(std::int64_t now = start) {
    access_control result;
    CHECK(result.from_lines(access.to_lines(start), now).empty());
    return result;
  }

  access_control access;
};

}  // namespace

// -- the operator's word --------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "an operator's ban keeps a network out until it ends, and says why") {
  CHECK(access.ban(net_of("203.0.113.0/24"), "spam", start + hour, start) ==
        access_list::answer::done);
  const auto ban = access.banned(peer, start + hour - 1);
  REQUIRE(ban);
  CHECK(ban->by_operator);
  CHECK(ban->network == net_of("203.0.113.0/24"));
  CHECK(ban->reason == "spam");
  CHECK(ban->since == start);
  CHECK(ban->until == start + hour);
  CHECK_FALSE(access.banned(ip("203.0.114.5"), start));
  CHECK_FALSE(access.banned(peer, start + hour));
  CHECK(access.bans(start + hour).empty());
}

TEST_CASE_FIXTURE(fixture,
                  "a trusted address is never banned by itself, but its violations are counted") {
  access.trust(net_of("203.0.113.5"), "my second node", start);
  misbehave(peer, 12);
  CHECK_FALSE(access.banned(peer, start));
  CHECK(access.bans(start).empty());
  REQUIRE(access.offences(peer, start));
  CHECK(access.offences(peer, start)->count == 12);
  CHECK(access.trusted(peer, start)->reason == "my second node");
  // Trust that is taken back leaves what the ladder says.
  CHECK(access.untrust(net_of("203.0.113.5")));
  CHECK(access.banned(peer, start));
}

TEST_CASE_FIXTURE(fixture, "of several rules for an address that of the smallest network holds") {
  access.ban(net_of("0.0.0.0/0"), "a private network", for_good, start);
  access.trust(net_of("203.0.113.0/24"), "", start);
  access.ban(net_of("203.0.113.5"), "", for_good, start);
  CHECK(access.banned(peer, start));
  CHECK_FALSE(access.banned(ip("203.0.113.6"), start));
  CHECK(access.trusted(ip("203.0.113.6"), start));
  CHECK(access.banned(ip("198.51.100.1"), start));
  CHECK_FALSE(access.banned(ip("2001:db8::1"), start));
  CHECK(access.bans(start).size() == 2);
  CHECK(access.trusts(start).size() == 1);
}

TEST_CASE_FIXTURE(fixture, "the same ban again is refused unless it lasts longer") {
  using enum access_list::answer;
  CHECK(access.ban(net_of("203.0.113.5"), "", start + hour, start) == done);
  CHECK(access.ban(net_of("203.0.113.5"), "", start + hour, start) == same_already);
  CHECK(access.ban(net_of("203.0.113.5"), "", start + 2 * hour, start) == done);
  CHECK(access.bans(start).size() == 1);
  CHECK(access.ban(net_of("203.0.113.5"), "", start + 3 * hour, start + 2 * hour) == done);
  // Trust in exactly that network takes the place of the ban.
  CHECK(access.trust(net_of("203.0.113.5"), "", start) == done);
  CHECK(access.bans(start).empty());
}

TEST_CASE_FIXTURE(
    fixture,
    "unban lifts the operator's ban and those of the ladder in that network, with their counts") {
  access.ban(net_of("203.0.113.0/24"), "", for_good, start);
  misbehave(peer, 3);
  misbehave(ip("203.0.113.6"), 2);
  CHECK(access.unban(net_of("203.0.113.0/24"), start) == 2);
  CHECK_FALSE(access.banned(peer, start));
  CHECK_FALSE(access.offences(peer, start));
  CHECK_FALSE(access.offences(ip("203.0.113.6"), start));
  CHECK(access.unban(net_of("203.0.113.0/24"), start) == 0);
}

TEST_CASE_FIXTURE(fixture, "clearing all bans leaves trust in place") {
  access.ban(net_of("203.0.113.0/24"), "", for_good, start);
  access.ban(net_of("2001:db8::/32"), "", for_good, start);
  access.trust(net_of("10.0.0.0/8"), "", start);
  misbehave(ip("198.51.100.1"), 3);
  misbehave(ip("2001:db8:1::1"), 3);
  CHECK(access.unban_all(start) == 4);
  CHECK(access.bans(start).empty());
  CHECK(access.trusts(start).size() == 1);
}

TEST_CASE_FIXTURE(fixture, "a list that is full takes no more, until something in it ends") {
  using enum access_list::answer;
  for (std::uint32_t i = 0; i < access_list::max_rules; ++i)
    CHECK(access.ban(ip_network{ip_address::from_v4({10, static_cast<std::uint8_t>(i >> 16),
                                                     static_cast<std::uint8_t>(i >> 8),
                                                     static_cast<std::uint8_t>(i)})},
                     "", start + (i == 0 ? hour : 2 * hour), start) == done);
  CHECK(access.ban(net_of("203.0.113.5"), "", for_good, start) == full);
  CHECK(access.ban(net_of("203.0.113.5"), "", for_good, start + hour) == done);
  CHECK(access.banned(peer, start + hour));
}

// -- over a restart --------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "bans, trust and counted violations are the same after a restart") {
  access.ban(net_of("198.51.100.0/24"), "tab\there, line\nthere, \\ and \"", start + hour, start);
  access.trust(net_of("2001:db8::/32"), "", start);
  misbehave(peer, 3);
  misbehave(ip("203.0.113.6"), 2);
  auto after = restarted();
  CHECK(after.to_lines(start) == access.to_lines(start));
  const auto ban = after.banned(peer, start);
  REQUIRE(ban);
  CHECK(ban->evidence == "GET / HTTP/1.1");
  CHECK(ban->reason == "not JSON");
  CHECK(ban->until == start + 300);
  CHECK_FALSE(ban->by_operator);
  CHECK(after.banned(ip("198.51.100.7"), start)->by_operator);
  // A restart is no amnesty: the next violation is the third.
  CHECK(after.add_violation(ip("203.0.113.6"), "not JSON", "", start));
}

TEST_CASE_FIXTURE(fixture, "what ended while the node was down is not taken over") {
  access.ban(net_of("198.51.100.0/24"), "", start + hour, start);
  misbehave(peer, 3);
  auto after = restarted(start + 2 * hour);
  CHECK(after.to_lines(start + 2 * hour).empty());
}

TEST_CASE_FIXTURE(fixture,
                  "a clock that was set back makes no ban of the ladder longer than a day") {
  misbehave(peer, 10, start + 1000 * hour);
  access_control after;
  CHECK(after.from_lines(access.to_lines(start + 1000 * hour), start).empty());
  REQUIRE(after.banned(peer, start));
  CHECK(after.banned(peer, start)->until <= start + 24 * hour);
}

TEST_CASE("lines that are damaged or of a newer version are given back, and the others taken") {
  const std::vector<std::string> lines{
      "ban\t203.0.113.0/24\t1\t253402300799\twhy",
      "ban\t203.0.113.0/240\t1\t253402300799\twhy",
      "ban\t203.0.113.0/24\tone\t253402300799\twhy",
      "ban\t203.0.113.0/24\t1\t253402300799",
      "violations\t203.0.113.5\t3",
      "something\telse",
      "",
      std::string("\0\0\0", 3),
  };
  access_control access;
  const auto unknown = access.from_lines(lines, start);
  CHECK(unknown.size() == 7);
  CHECK(access.bans(start).size() == 1);
}

TEST_CASE("fields keep whatever is in them, on one line") {
  const std::vector<std::string> fields{"a\tb", "c\nd\re", "\\", "", "\\t", "\xff"};
  const auto line = join_fields(fields);
  CHECK(line.find('\n') == line.npos);
  CHECK(split_fields(line) == fields);
  CHECK(split_fields("") == std::vector<std::string>{""});
  CHECK(split_fields("\\").size() == 1);
}
