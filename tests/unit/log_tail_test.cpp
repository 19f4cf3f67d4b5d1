#include "app/log_tail.hpp"

#include <doctest/doctest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <memory>
#include <sstream>
#include <string>

using namespace timenode;
using namespace std::chrono_literals;

namespace {

const auto start = line_folder::clock::time_point{} + 1h;

}  // namespace

TEST_CASE("log: five equal lines are shown in ten seconds, the others are counted and told") {
  line_folder x;
  int shown = 0;
  for (int i = 0; i < 100; ++i)
    shown += x.shows(3, "refused", start + i * 10ms) ? 1 : 0;
  CHECK(shown == 5);
  CHECK(x.due(start + 9s).empty());
  const auto told = x.due(start + 10s);
  REQUIRE(told.size() == 1);
  CHECK(told[0].level == 3);
  CHECK(told[0].text == "folded 95 more lines within 10 s: refused");
  CHECK(x.due(start + 20s).empty());
  CHECK(x.shows(3, "refused", start + 20s));
}

TEST_CASE("log: lines that differ, in text or level, are not folded with each other") {
  line_folder x;
  for (int i = 0; i < 5; ++i)
    CHECK(x.shows(3, "a", start));
  CHECK(x.shows(4, "a", start));
  CHECK(x.shows(3, "b", start));
  CHECK_FALSE(x.shows(3, "a", start));
}

TEST_CASE("log: a flood of different lines takes no memory and loses none") {
  line_folder x;
  for (int i = 0; i < 10'000; ++i)
    CHECK(x.shows(2, "line " + std::to_string(i), start));
  CHECK(x.due(start + 10s).empty());
}

TEST_CASE("log: the tail has the last lines, and those after a number") {
  log_tail x;
  for (int i = 1; i <= 250; ++i)
    x.add({0, i, "info", "line " + std::to_string(i)});
  const auto all = x.after(0);
  REQUIRE(all.size() == log_tail::most);
  CHECK(all.front().text == "line 51");
  CHECK(all.back().number == 250);
  CHECK(x.after(248).size() == 2);
  CHECK(x.after(250).empty());
}

TEST_CASE("log: the sink passes on, folds, and keeps tail and flight memory") {
  std::ostringstream out;
  log_tail tail;
  const std::unique_ptr<flight_memory> memory{new flight_memory{}};
  memory->begin("test", 1);
  spdlog::logger logger{
      "test",
      make_folding_sink(std::make_shared<spdlog::sinks::ostream_sink_mt>(out), tail, *memory)};
  logger.set_pattern("%v");
  for (int i = 0; i < 50; ++i)
    logger.warn("again");
  logger.info("once");
  CHECK(out.str() == "again\nagain\nagain\nagain\nagain\nonce\n");
  CHECK(tail.after(0).size() == 6);
  CHECK(tail.after(0).back().level == "info");
  CHECK(memory->lines_written == 6);
}
