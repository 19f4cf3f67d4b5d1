#pragma once

// What every actor of one node needs and none owns. Copied into each.

#include "actors/interfaces.hpp"
#include "actors/liveness.hpp"
#include "chain/consensus_rules.hpp"

#include <caf/actor_clock.hpp>
#include <caf/scheduled_actor.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace timenode {

/// Our wall clock: Unix seconds. The system's in a running node; in tests and simulation one that follows
/// the virtual clock, with a skew of its own. Used for timestamps in messages, never for timeouts.
using wall_clock = std::function<std::int64_t()>;

struct node_metrics;

struct node_context {
  network_id network = network_id::testnet;
  std::optional<ip_address> local_ip;  ///< Our own, when known.
  std::uint16_t p2p_port = 24100;      ///< Where we listen; told to peers, and assumed of bare IPs.
  wall_clock unix_now;
  ticker_actor ticker;
  /// What we say of ourselves after a handshake; null: nothing. The timestamp is filled in when it is sent.
  std::shared_ptr<const wire::version_info> introduction;
  chain::consensus_rules rules;  ///< Of this network.
  liveness_rules liveness;       ///< When a silent peer is dead.
  std::uint64_t seed = 0;        ///< All randomness of the node follows from it.
  /// What we recognise ourselves by (net/introduction.hpp): another one for every process. 0: we do not.
  std::uint64_t nonce = 0;
  node_metrics* metrics = nullptr;  ///< Null: not counted (most tests). Outlives the actors.
};

/// The moment now by the actor system's clock: virtual in tests.
inline monotonic_ns monotonic_now(caf::scheduled_actor& self) {
  return self.clock().now().time_since_epoch().count();
}

/// Converts a duration to what `monotonic_ns` counts.
template <class Rep, class Period>
constexpr monotonic_ns to_ns(std::chrono::duration<Rep, Period> x) noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(x).count();
}

}  // namespace timenode
