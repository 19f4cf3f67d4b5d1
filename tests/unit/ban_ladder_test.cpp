#include "net/ban_ladder.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace timenode;
using namespace timenode::net;

namespace {

const auto peer = *ip_address::parse("203.0.113.5");
constexpr std::int64_t start = 1'766'000'000;

}  // namespace

TEST_CASE("the third violation bans for 5 min, the fifth for 1 h, the tenth for 24 h") {
  ban_ladder bans;
  for (int i = 1; i <= 10; ++i) {
    const auto ban = bans.add_violation(peer, "wrong", "bytes", start);
    CHECK(ban.has_value() == (i == 3 || i == 5 || i == 10));
    if (i == 3)
      CHECK(ban->until == start + 300);
    if (i == 5)
      CHECK(ban->until == start + 3600);
    if (i == 10)
      CHECK(ban->until == start + 86'400);
  }
}

TEST_CASE("a ban ends by itself, and says until then why it is there") {
  ban_ladder bans;
  for (int i = 0; i < 3; ++i)
    bans.add_violation(peer, "not JSON", "GET / HTTP/1.1", start);
  const auto ban = bans.banned(peer, start + 299);
  REQUIRE(ban);
  CHECK(ban->reason == "not JSON");
  CHECK(ban->evidence == "GET / HTTP/1.1");
  CHECK(bans.bans(start).size() == 1);
  CHECK_FALSE(bans.banned(peer, start + 300));
  CHECK(bans.bans(start + 300).empty());
}

TEST_CASE("violations are forgotten after an hour without one") {
  ban_ladder bans;
  bans.add_violation(peer, "wrong", "", start);
  bans.add_violation(peer, "wrong", "", start + 3600);
  CHECK(bans.violations(peer, start + 3600) == 2);
  CHECK(bans.violations(peer, start + 7201) == 0);
  CHECK_FALSE(bans.add_violation(peer, "wrong", "", start + 7201));
  CHECK(bans.violations(peer, start + 7201) == 1);
}

TEST_CASE("an innocent neighbour is not banned with the guilty") {
  ban_ladder bans;
  for (int i = 0; i < 10; ++i)
    bans.add_violation(peer, "wrong", "", start);
  CHECK_FALSE(bans.banned(*ip_address::parse("203.0.113.6"), start));
}

TEST_CASE("a flood of offenders cannot grow the records, nor push out those who are banned") {
  ban_ladder bans;
  for (int i = 0; i < 3; ++i)
    bans.add_violation(peer, "wrong", "", start);
  for (std::uint32_t i = 0; i < 12'000; ++i)
    bans.add_violation(
        ip_address::from_v4({10, static_cast<std::uint8_t>(i >> 16),
                             static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}),
        "wrong", "", start + 1);
  CHECK(bans.size() <= ban_ladder::max_records);
  CHECK(bans.banned(peer, start + 2));
}
