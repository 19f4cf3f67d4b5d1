#include "app/progress_bar.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace timenode::app;
using namespace std::chrono_literals;

namespace {

/// Collects what is written.
struct recorder {
  std::vector<std::string> written;
  std::size_t columns = 0;

  progress_bar::output output() {
    progress_bar::output result;
    result.write = [this](std::string_view text) { written.emplace_back(text); };
    if (columns > 0)
      result.columns = [this] { return columns; };
    return result;
  }
};

constexpr progress_bar::clock::time_point start{};

}  // namespace

TEST_CASE("progress bar: it shows part, height, rate and the time left") {
  CHECK(render_bar("importing", {500, 1000, 0.5}, 812, 1.2, 80) ==
        "importing [############-------------]  50 %  height 1000  812 blocks/s  1 s left");
}

TEST_CASE("progress bar: it is as long as the terminal is wide, and never longer") {
  for (std::size_t width = 0; width < 200; ++width) {
    const auto bar = render_bar("importing", {500, 1000, 0.5}, 812, 1.2, width);
    CHECK(bar.size() <= width);
    if (width == 80)
      CHECK(bar.size() == width);
  }
}

TEST_CASE("progress bar: it does not say 100 % before the end") {
  CHECK(render_bar("x", {1, 1, 0.999}, 1, {}, 80).find("99 %") != std::string::npos);
  CHECK(render_bar("x", {1, 1, 1.0}, 1, {}, 80).find("100 %") != std::string::npos);
  CHECK(render_bar("x", {1, 1, 7.0}, 1, {}, 80).find("100 %") != std::string::npos);
}

TEST_CASE("progress bar: without a known end there is no bar, but the rest") {
  CHECK(render_bar("importing", {500, 1000, {}}, 812, {}, 80) ==
        "importing  height 1000  812 blocks/s");
}

TEST_CASE("progress bar: on a terminal it is drawn in place, not too often, and taken off") {
  recorder to{{}, 80};
  progress_bar bar{to.output(), "importing", start};
  bar.update({0, 0, 0.0}, start);
  bar.update({10, 10, 0.1}, start + 50ms);
  bar.update({20, 20, 0.2}, start + 100ms);
  REQUIRE(to.written.size() == 2);
  for (const auto& x : to.written) {
    CHECK(x.starts_with("\rimporting"));
    CHECK(x.find('\n') == x.npos);
  }
  CHECK(to.written[1].find("height 20  200 blocks/s  0 s left") != std::string::npos);
  bar.clear();
  CHECK(to.written.back() == "\r\x1b[K");
}

TEST_CASE("progress bar: it follows the terminal's width") {
  recorder to{{}, 200};
  progress_bar bar{to.output(), "importing", start};
  bar.update({0, 0, 0.5}, start);
  to.columns = 40;
  bar.update({0, 0, 0.5}, start + 1s);
  CHECK(to.written[0].size() > 80);
  CHECK(to.written[1].size() <= 40 + 4);
}

TEST_CASE("progress bar: without a terminal there are plain lines, seconds apart") {
  recorder to;
  progress_bar bar{to.output(), "importing", start};
  for (int i = 0; i <= 120; ++i)
    bar.update({static_cast<std::uint64_t>(10 * i), 7, 0.25}, start + i * 100ms);
  bar.clear();
  REQUIRE(to.written.size() == 2);
  CHECK(to.written[0] == "importing: 25 %, 500 blocks, height 7, 100 blocks/s\n");
}

TEST_CASE("progress bar: what is done at once needs no line") {
  recorder to;
  progress_bar bar{to.output(), "importing", start};
  bar.update({1, 1, {}}, start);
  bar.update({2, 2, {}}, start + 1s);
  bar.clear();
  CHECK(to.written.empty());
}
