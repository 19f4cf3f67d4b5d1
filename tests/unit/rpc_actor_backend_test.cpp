#include "actors/type_registration.hpp"
#include "app/rpc_actor_backend.hpp"
#include "app/rpc_server.hpp"
#include "tests/unit/http_client.hpp"
#include "tests/unit/rpc_fixture.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/init_global_meta_objects.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <optional>

namespace {

using namespace timenode;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

caf::actor_system_config& configure(caf::actor_system_config& x) {
  // Once a process; other tests of this program need no actors.
  [[maybe_unused]] static const bool registered = [] {
    register_actor_types();
    caf::core::init_global_meta_objects();
    return true;
  }();
  x.set("caf.scheduler.max-threads", 2u);
  x.set("caf.logger.inline-output", true);
  return x;
}

/// A real actor system, with a telemetry actor that always says the same.
class fixture {
 public:
  fixture() { system.emplace(configure(config_)); }

  std::shared_ptr<actor_rpc_backend> backend(const telemetry_actor& telemetry) {
    node_actors actors;
    actors.telemetry = telemetry;
    return std::make_shared<actor_rpc_backend>(
        *system, actors, std::make_shared<rpc_test::fixture_chain>(), rpc_facts{},
        [] { return std::int64_t{5}; },
        rpc_controls{[this] { stopped.set_value(); }, {}, {}, {}, {}, {}, {}});
  }

  telemetry_actor spawn_telemetry() {
    return system->spawn([]() -> telemetry_actor::behavior_type {
      return {
          [](atom::snapshot) { return rpc_test::fixture_snapshot(); },
          [](atom::pulse) { return pulse_of(rpc_test::fixture_snapshot()); },
          [](atom::changed) {},
          [](atom::explain, const ip_address& ip) {
            peer_explanation result;
            result.peer.ip = ip;
            return result;
          },
          [](atom::wake, std::uint64_t) {},
      };
    });
  }

  static outcome<node_snapshot> take(rpc_backend& from) {
    auto promise = std::make_shared<std::promise<outcome<node_snapshot>>>();
    auto future = promise->get_future();
    from.snapshot([promise](outcome<node_snapshot> x) { promise->set_value(std::move(x)); });
    if (future.wait_for(20s) != std::future_status::ready)
      return fail("no answer");
    return future.get();
  }

  std::promise<void> stopped;
  std::optional<caf::actor_system> system;

 private:
  caf::actor_system_config config_;
};

}  // namespace

TEST_CASE("a snapshot of the telemetry actor reaches the RPC server") {
  fixture f;
  auto telemetry = f.spawn_telemetry();
  const auto x = fixture::take(*f.backend(telemetry));
  REQUIRE_MESSAGE(x.has_value(), (x ? "" : x.error().reason));
  CHECK(x->peers.size() == 2);
  caf::anon_send_exit(telemetry, caf::exit_reason::user_shutdown);
}

TEST_CASE("a dead telemetry actor is a failure, at once") {
  fixture f;
  auto telemetry = f.spawn_telemetry();
  auto backend = f.backend(telemetry);
  caf::anon_send_exit(telemetry, caf::exit_reason::user_shutdown);
  REQUIRE([&] {
    // Its death is an event; until it has come, it still answers.
    for (const auto end = steady_clock::now() + 10s; steady_clock::now() < end;)
      if (const auto x = fixture::take(*backend); !x)
        return x.error().reason.find("telemetry gave no snapshot") != std::string::npos;
    return false;
  }());
}

TEST_CASE("questions that were answered do not hold up the end of the actor system") {
  fixture f;
  auto telemetry = f.spawn_telemetry();
  for (int i = 0; i < 10; ++i)
    CHECK(fixture::take(*f.backend(telemetry)).has_value());
  caf::anon_send_exit(telemetry, caf::exit_reason::user_shutdown);
  telemetry = nullptr;
  const auto before = steady_clock::now();
  f.system.reset();
  CHECK(steady_clock::now() - before < 1s);
}

TEST_CASE("the server, the actors and a client work together") {
  fixture f;
  auto telemetry = f.spawn_telemetry();
  auto server =
      rpc_server::start({{rpc_test::ip("127.0.0.1"), 0}, {}, {}, {}}, f.backend(telemetry));
  REQUIRE(server.has_value());
  rpc_test::http_client client{(*server)->local_endpoint()};
  for (int i = 0; i < 50; ++i) {
    const auto x = client.post(R"({"jsonrpc":"2.0","id":1,"method":"getconnectioncount"})");
    CHECK(nlohmann::json::parse(x.body)["result"] == 2);
  }
  client.post(R"({"jsonrpc":"2.0","id":1,"method":"stop"})");
  CHECK(f.stopped.get_future().wait_for(20s) == std::future_status::ready);
  caf::anon_send_exit(telemetry, caf::exit_reason::user_shutdown);
}
