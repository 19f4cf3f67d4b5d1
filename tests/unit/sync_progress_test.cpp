// Rates, and what is worth a line in the log.

#include "actors/sync_progress.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace timenode::sync;

namespace {

constexpr monotonic_ns s = 1'000'000'000;

}  // namespace

TEST_CASE("the rate is that of the last ten seconds") {
  sync_progress x{0};
  CHECK(x.blocks_per_second(s) == 0);
  for (int i = 1; i <= 20; ++i)
    x.applied(100, i * s);
  CHECK(x.blocks_per_second(20 * s) == doctest::Approx(100));
  CHECK(x.blocks_per_second(25 * s) == doctest::Approx(50));
  CHECK(x.blocks_per_second(60 * s) == 0);
  CHECK(x.total() == 2000);
}

TEST_CASE("the time left follows from the rate, and is unknown without one") {
  sync_progress x{0};
  CHECK(x.eta_seconds({0, 100, 1}, s) == -1);
  CHECK(x.eta_seconds({100, 100, 1}, s) == 0);
  x.applied(100, s);
  CHECK(x.eta_seconds({100, 1100, 1}, 2 * s) == 10);
}

TEST_CASE("a download is told at its beginning, every ten seconds and at its end") {
  sync_progress x{0};
  CHECK(!x.line({0, 0, 0}, s));
  CHECK(!x.line({0, 2000, 3}, s));  // only a claim so far
  x.applied(100, 2 * s);
  CHECK(x.line({100, 2000, 3}, 2 * s) == "2000 blocks behind, asking 3 peers");
  x.applied(100, 3 * s);
  CHECK(!x.line({200, 2000, 3}, 3 * s));
  CHECK(!x.line({200, 2000, 3}, 11 * s));
  const auto line = x.line({200, 2000, 3}, 12 * s);
  REQUIRE(line);
  CHECK(line->find("at height 200 of 2000") == 0);
  CHECK(x.line({2000, 2000, 3}, 21 * s) == "caught up at height 2000 (2000 blocks in 20.0 s)");
  CHECK(!x.line({2000, 2000, 3}, 22 * s));
}

TEST_CASE("single blocks are no news") {
  sync_progress x{100};
  x.applied(1, s);
  CHECK(!x.line({101, 101, 3}, s));
  CHECK(!x.line({101, 102, 3}, 2 * s));
  x.applied(1, 3 * s);
  CHECK(!x.line({102, 102, 3}, 3 * s));
}

TEST_CASE("a claim that is not kept does not count as caught up") {
  sync_progress x{0};
  x.line({0, 2300, 1}, s);
  x.applied(100, s);
  CHECK(x.line({100, 2300, 1}, s));
  const auto line = x.line({100, 100, 0}, 3 * s);
  REQUIRE(line);
  CHECK(line->find("caught up") == std::string::npos);
  CHECK(line->find("2300") != std::string::npos);
}

TEST_CASE("a node that stands still says so, and not often") {
  sync_progress x{50};
  CHECK(!x.line({50, 100, 1}, s));
  CHECK(!x.line({50, 100, 1}, 60 * s));
  CHECK(x.line({50, 100, 1}, 61 * s));
  CHECK(!x.line({50, 100, 1}, 300 * s));
  CHECK(x.line({50, 100, 1}, 661 * s));
}
