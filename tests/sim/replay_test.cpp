// A run is nothing but its seed.

#include "tests/sim/scenario.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace sim;

namespace {

simulation_options options(const std::string& trace_file, std::uint64_t seed = 11) {
  return {.nodes = 10,
          .hours = 0.75,
          .seed = seed,
          .reference_share = 0.2,
          .trace_file = trace_file,
          .verbose = true};
}

std::string contents(const std::string& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
}

struct trace_files {
  trace_files() { std::filesystem::create_directories(directory); }
  ~trace_files() { std::filesystem::remove_all(directory); }
  std::string directory =
      std::filesystem::temp_directory_path() / ("timenode-replay." + std::to_string(::getpid()));
  std::string one = directory + "/one";
  std::string two = directory + "/two";
};

}  // namespace

TEST_CASE("the same seed gives the same trace, byte for byte, and the same messages") {
  trace_files files;
  const auto first = must_hold(options(files.one));
  std::uint64_t fingerprint = 0;
  SUBCASE("twice in one process") {
    // What is left in memory is not where it was.
    const auto other = must_hold(options({}, 12));
    CHECK(other.trace_digest != first.trace_digest);
    fingerprint = must_hold(options(files.two)).fingerprint;
  }
  SUBCASE("in two processes") {
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      // Other addresses of everything, and another environment on the stack.
      std::vector<std::unique_ptr<char[]>> ballast;
      for (std::size_t i = 1; i < 2000; ++i)
        ballast.push_back(std::make_unique<char[]>(i * 7));
      const auto again = simulate(options(files.two));
      std::ofstream{files.directory + "/fingerprint"} << (again ? again->fingerprint : 0);
      ::_exit(0);
    }
    int status = 1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    std::ifstream{files.directory + "/fingerprint"} >> fingerprint;
  }
  CHECK(fingerprint == first.fingerprint);
  const auto one = contents(files.one);
  CHECK(one.size() > 10'000);
  CHECK(one == contents(files.two));
}

TEST_CASE(
    "a run that is told to heal sooner is judged, and is the run that would have been that short") {
  // In a storm, in the healing after it, in calm, at its end, and in the second storm.
  for (const auto cut : {8, 17, 30, 57, 70}) {
    CAPTURE(cut);
    auto longer = simulation_options{.nodes = 10, .hours = 5, .seed = 13};
    const auto told = simulate(longer, [cut](const simulation_progress& x) {
      return x.at > cut * minute ? simulation_wish::heal : simulation_wish::go_on;
    });
    REQUIRE(told.has_value());
    CHECK(told->ok());
    CHECK(told->converged_after);
    CHECK(told->hours_wished == 5);
    CHECK(told->virtual_hours > cut / 60.0);
    CHECK(told->virtual_hours < cut / 60.0 + 0.5);
    CHECK(told->pairs > 0);
    longer.hours = told->options.hours;
    longer.calm = told->options.calm;
    const auto shorter = must_hold(longer);
    CHECK(shorter.trace_digest == told->trace_digest);
    CHECK(shorter.fingerprint == told->fingerprint);
    CHECK(shorter.command == told->command);
  }
}

TEST_CASE("a run whose last hour leaves no time for a storm stays calm to its end") {
  const auto x = must_hold({.nodes = 6, .hours = 1.05, .seed = 21});
  CHECK(x.virtual_hours == doctest::Approx(1.05));
  CHECK(x.calms == 1);
  CHECK(x.calm_hours == doctest::Approx(1.05 - 20.0 / 60));
  CHECK(x.pairs_linked == x.pairs);
}

TEST_CASE("in a run of hours faults come in storms, after each of which all agree, and between "
          "which no connection ends") {
  const auto x = must_hold({.nodes = 12, .hours = 3, .seed = 19});
  CHECK(x.calms == 3);
  CHECK(x.calm_hours > 1.9);
  CHECK(x.calm_ends == 0);
  CHECK(x.strikes.size() >= 15);
  CHECK(x.connections > 3 * x.pairs);  // they were made anew after storms
  CHECK(x.pairs > 40);
  CHECK(x.pairs_linked == x.pairs);
}
