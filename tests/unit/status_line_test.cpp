#include "app/progress_bar.hpp"
#include "app/status_line.hpp"

#include <doctest/doctest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <sstream>
#include <string>

using namespace timenode;
using namespace timenode::app;

namespace {

/// What a terminal of one long line would show after all that was written: a carriage return and an
/// erasure take the last line away.
std::string seen(std::string written) {
  const std::string erase = "\r\x1b[K";
  for (auto at = written.find(erase); at != std::string::npos; at = written.find(erase)) {
    const auto line = at == 0 ? std::string::npos : written.rfind('\n', at - 1);
    const auto begin = line == std::string::npos ? 0 : line + 1;
    written.erase(begin, at + erase.size() - begin);
  }
  return written;
}

struct terminal {
  std::ostringstream out;
  std::shared_ptr<status_line> line =
      std::make_shared<status_line>([this](std::string_view text) { out << text; });
  spdlog::logger logger{
      "x", make_sink_above(line, std::make_shared<spdlog::sinks::ostream_sink_mt>(out))};

  terminal() { logger.set_pattern("%v"); }
};

}  // namespace

TEST_CASE("status line: log lines stand above it, each whole, and it stays the last") {
  terminal t;
  t.logger.info("one");
  t.line->show("[##--]");
  t.logger.info("two");
  t.line->show("[###-]");
  t.logger.info("three");
  CHECK(seen(t.out.str()) == "one\ntwo\nthree\n[###-]");
}

TEST_CASE("status line: an empty one is taken away, and what did not change is not drawn again") {
  terminal t;
  t.line->show("[##--]");
  const auto drawn = t.out.str();
  t.line->show("[##--]");
  CHECK(t.out.str() == drawn);
  t.line->show("");
  CHECK(seen(t.out.str()).empty());
  t.logger.info("one");
  CHECK(seen(t.out.str()) == "one\n");
}

TEST_CASE("status line: once closed it stays away, whoever still shows something") {
  terminal t;
  t.line->show("[##--]");
  t.line->close();
  t.line->show("[###-]");
  t.logger.info("stopped");
  CHECK(seen(t.out.str()) == "stopped\n");
}

TEST_CASE("status line: a sync is shown while it lasts, with how far it is and how long it takes") {
  sync_progress x;
  x.state = "syncing";
  x.height = 1000;
  x.target = 2000;
  x.peers = 3;
  x.blocks_per_second = 250;
  x.eta_seconds = 4;
  CHECK(render_sync(x, 100) == "syncing to 2000 from 3 peers [#############-------------]  50 %  "
                               "height 1000  250 blocks/s  4 s left");
  x.eta_seconds = -1;
  CHECK(render_sync(x, 100).find("left") == std::string::npos);
  x.state = "idle";
  CHECK(render_sync(x, 100).empty());
}
