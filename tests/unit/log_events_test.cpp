#include "app/log_events.hpp"

#include <doctest/doctest.h>

using namespace timenode;

TEST_CASE("log events: a line is known by what does not change in it") {
  const log_events x{"# Title\n\n| event | level | line | what |\n|---|---|---|---|\n"
                     "| `peer-up` | info | `peer {}: connected ({})` | fine |\n"
                     "| `stopped` | info | `stopped` | fine |\n"
                     "| `reload-restart` | warn | `reload: {}: restart` | x |\n"
                     "| `reload-notice` | warn | `reload: {}` | x |\n"};
  CHECK(x.size() == 4);
  CHECK(x.name_of("info", "peer 192.0.2.1: connected (inbound)") == "peer-up");
  CHECK(x.name_of("warn", "peer 192.0.2.1: connected (inbound)") == "other");
  CHECK(x.name_of("info", "peer 192.0.2.1: connected (inbound") == "other");
  CHECK(x.name_of("info", "stopped") == "stopped");
  CHECK(x.name_of("info", "stopped early") == "other");
  CHECK(x.name_of("warn", "reload: a: restart") == "reload-restart");
  CHECK(x.name_of("warn", "reload: a") == "reload-notice");
  CHECK(x.name_of("info", "folded 7 more lines within 10 s: x") == "folded");
  CHECK(x.name_of("info", "") == "other");
}

TEST_CASE("log events: those of the page are built in") {
  CHECK(known_log_events().size() > 40);
  CHECK(known_log_events().name_of("error", "invariant one-link does not hold: 192.0.2.1") ==
        "invariant-violated");
  CHECK(known_log_events().name_of("info", "reload: nothing has changed") == "reload-unchanged");
}
