#include "actors/type_registration.hpp"
#include "app/actor_inspect.hpp"
#include "tests/unit/rpc_methods_fixture.hpp"

#include <caf/init_global_meta_objects.hpp>

using namespace timenode;

namespace {

struct inspect_fixture {
  inspect_fixture() {
    register_actor_types();
    caf::core::init_global_meta_objects();
    x.sync.claims[rpc_test::ip("192.0.2.1")] = 2001;
  }
  json ok(const std::string& name) {
    auto result = inspect_actor(x, name);
    if (!result)
      FAIL(name << ": " << result.error().reason);
    return *result;
  }

  node_snapshot x = rpc_test::fixture_snapshot();
};

}  // namespace

TEST_CASE_FIXTURE(
    inspect_fixture,
    "inspect: every actor tells what its snapshot holds, with or without its prefix") {
  for (const auto& name : inspectable_actors()) {
    CAPTURE(name);
    CHECK(ok(name).is_structured());
    CHECK(ok("timenode." + name) == ok(name));
    CHECK(ok(name).dump().find("@type") == std::string::npos);
  }
  CHECK(ok("gossip")["forwarded"] == 2);
  CHECK(ok("sync-engine")["state"] == "syncing");
  CHECK(ok("sync-engine")["claims"] == json{{"192.0.2.1", 2001}});
  CHECK(ok("telemetry")["sync"]["claims"].size() == 1);
}

TEST_CASE_FIXTURE(inspect_fixture,
                  "inspect: addresses, keys and enumerations are shown as people write them") {
  CHECK(ok("connection-registry")["local_ip"] == "192.0.2.9");
  CHECK(ok("connection-registry")["links"][0]["direction"] == "inbound");
  CHECK(ok("connection-registry")["links"][2]["phase"] == "connecting");
  CHECK(ok("masternode-table")[0]["tier"] == "Silver");
  CHECK(ok("masternode-table")[0]["key"] ==
        std::string("abababababababababababababababab") + "abababababababababababababababab");
  const auto peer = ok("192.0.2.2");
  REQUIRE(peer.size() == 1);
  CHECK(peer[0]["remote"] == "192.0.2.2:24100");
  CHECK(peer[0]["bytes_sent"] == 1001);
}

TEST_CASE_FIXTURE(inspect_fixture,
                  "inspect: a name that nobody has is refused with those that there are") {
  CHECK(inspect_actor(x, "nobody").error().reason.find("sync-engine") != std::string::npos);
  CHECK(inspect_actor(x, "203.0.113.1").error().reason.find("no connection") != std::string::npos);
}
