#pragma once

// What actor tests share: the deterministic system with a ticker, a node context whose wall clock follows
// virtual time, and small actors that record what they are told.

#include "actors/interfaces.hpp"
#include "actors/node_context.hpp"
#include "actors/ticker.hpp"
#include "tests/actors/deterministic_system.hpp"
#include "tests/actors/scripted_actors.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace test {

using namespace std::chrono_literals;

/// Virtual wall time at the start of a test: some moment after the testnet chain's 2,000 blocks.
inline constexpr std::int64_t start_of_time = 1'766'000'000;

class test_node : public deterministic_system {
 public:
  test_node() {
    context.unix_now = [this] {
      return start_of_time + std::chrono::duration_cast<std::chrono::seconds>(
                                 scheduler.clock().now().time_since_epoch())
                                 .count();
    };
    context.ticker = system.spawn<timenode::ticker>();
    context.seed = 1;
    run();
  }

  /// Unix seconds in this test's virtual time.
  std::int64_t unix_now() const { return context.unix_now(); }

  timenode::node_context context;
};

/// What a fake connection was told to send or do.
struct connection_record {
  std::vector<std::string> lines;                    ///< Sent, each with its newline.
  std::vector<timenode::wire::shared_line> buffers;  ///< The same as they came.
  std::vector<std::pair<timenode::link_end, std::string>> closes;
  int probes = 0;
};

/// A connection that only records. Spawn with `spawn_fake_connection`.
inline std::pair<timenode::peer_connection_actor, std::shared_ptr<connection_record>>
spawn_fake_connection(caf::actor_system& system) {
  auto record = std::make_shared<connection_record>();
  const auto note = [record](const timenode::encoded_line& line) {
    record->lines.push_back(*line.bytes);
    record->buffers.push_back(line.bytes);
  };
  auto actor = system.spawn([record, note]() -> timenode::peer_connection_actor::behavior_type {
    return behavior_of(
        connection_script{.on_line = note,
                          .on_extension = note,
                          .on_close =
                              [record](timenode::link_end cause, const std::string& reason) {
                                record->closes.emplace_back(cause, reason);
                              },
                          .on_probe = [record] { ++record->probes; }});
  });
  return {std::move(actor), std::move(record)};
}

}  // namespace test
