#pragma once

// What the RPC server needs of the node, as an interface: tests give it a fixture, the program its
// actors.

#include "chain/block_store.hpp"
#include "messages/network.hpp"
#include "messages/node_messages.hpp"
#include "messages/outcome.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace timenode {

/// What does not change while the node runs.
struct rpc_facts {
  network_id network = network_id::testnet;
  std::string version;          ///< "0.1.0".
  std::uint16_t p2p_port = 0;   ///< Where peers find us.
  std::int64_t started_at = 0;  ///< Unix seconds.
};

class rpc_backend {
 public:
  virtual ~rpc_backend() = default;
  /// Calls `then` once, within two seconds, from any thread, perhaps before it returns. `then` does
  /// not block and does not throw.
  virtual void snapshot(std::function<void(outcome<node_snapshot>)> then) = 0;
  /// The chain as stored. Thread-safe.
  virtual const chain::chain_reader& chain() const = 0;
  virtual const rpc_facts& facts() const = 0;
  /// Our wall clock, Unix seconds.
  virtual std::int64_t unix_now() const = 0;
  /// Makes the node stop; returns at once, before it has.
  virtual void stop() = 0;
};

}  // namespace timenode
