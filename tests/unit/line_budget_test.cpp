// How much the unfinished lines of all peers may take, and whose goes.

#include "net/line_budget.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <vector>

using namespace timenode;
using namespace timenode::net;

namespace {

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

struct fixture {
  /// Peer number `i` holds that much; what has to go for it is noted.
  void hold(std::size_t i, std::size_t bytes) {
    for (auto x = budget.hold(&peers[i], bytes, ++now); x; x = budget.excess())
      gone.push_back(static_cast<std::size_t>(static_cast<const char*>(*x) - peers.data()));
  }

  line_budget budget{64 * mib};
  std::vector<char> peers = std::vector<char>(10'000);
  std::vector<std::size_t> gone;
  monotonic_ns now = 0;
};

}  // namespace

TEST_CASE_FIXTURE(fixture,
                  "as long as all lines together fit nobody goes, however long one of them is") {
  for (std::size_t i = 0; i < 8; ++i)
    hold(i, 8 * mib);
  CHECK(gone.empty());
  CHECK(budget.total() == 64 * mib);
}

TEST_CASE_FIXTURE(fixture, "a line that is finished counts no more") {
  for (int round = 0; round < 100; ++round)
    for (std::size_t i = 0; i < 10; ++i) {
      hold(i, 6 * mib);
      hold(i, 0);
    }
  CHECK(gone.empty());
  CHECK(budget.total() == 0);
  hold(1, 5 * mib);
  budget.release(&peers[1]);
  budget.release(&peers[1]);
  CHECK(budget.total() == 0);
}

TEST_CASE_FIXTURE(fixture, "when memory is short the line goes that grew slowest since it began") {
  for (std::size_t i = 0; i < 16; ++i)
    hold(i, 4 * mib);
  // A few bytes now and then make it no better.
  hold(0, 4 * mib + 100);
  CHECK(gone == std::vector<std::size_t>{0});
  hold(100, 4 * mib);
  CHECK(gone == std::vector<std::size_t>{0});
  hold(101, 1 * mib);
  CHECK(gone == std::vector<std::size_t>{0, 1});
}

TEST_CASE_FIXTURE(fixture, "an old beginning that would free next to nothing is left alone") {
  hold(0, 20 * kib);
  for (std::size_t i = 1; i <= 16; ++i)
    hold(i, 4 * mib);
  CHECK(gone == std::vector<std::size_t>{1});
}

TEST_CASE_FIXTURE(fixture, "small beginnings are not even counted") {
  for (std::size_t i = 0; i < peers.size(); ++i)
    hold(i, small_beginning_bytes - 1);
  CHECK(budget.total() == 0);
  hold(1, small_beginning_bytes);
  CHECK(budget.total() == small_beginning_bytes);
  hold(1, 1);
  CHECK(budget.total() == 0);
}

TEST_CASE_FIXTURE(fixture, "a new line of the same peer is as young as it is") {
  hold(0, 8 * mib);
  hold(1, 8 * mib);
  hold(0, 1 * mib);  // finished the first within one read, and began another
  for (std::size_t i = 2; i < 8; ++i)
    hold(i, 8 * mib);
  hold(8, 8 * mib);
  CHECK(gone == std::vector<std::size_t>{1});
}

TEST_CASE_FIXTURE(
    fixture,
    "who holds lines without end on a thousand connections loses them, and an honest answer comes "
    "through") {
  for (std::size_t i = 0; i < 1000; ++i)
    hold(i, 1 * mib);
  CHECK(budget.total() <= 64 * mib);
  CHECK(gone.size() == 1000 - 64);
  // 4 MiB in pieces of 64 KiB, while the others go on.
  for (std::size_t piece = 1; piece <= 64; ++piece) {
    hold(5000, piece * 64 * kib);
    hold(1000 + piece, 1 * mib);
  }
  CHECK(std::set(gone.begin(), gone.end()).count(5000) == 0);
  CHECK(budget.total() <= 64 * mib);
}
