#pragma once

// How the registry gets connections. Apart from it so that its tests can do without a transport.

#include "actors/interfaces.hpp"
#include "actors/node_context.hpp"
#include "actors/peer_connection.hpp"
#include "net/transport.hpp"

#include <memory>
#include <optional>

namespace timenode {

class connection_factory {
 public:
  virtual ~connection_factory() = default;
  /// Spawns an actor that dials. Never null.
  virtual peer_connection_actor dial(connection_registry_actor::pointer registry,
                                     const link_spec& spec, const shared_routes& routes) = 0;
  /// Spawns an actor for the accepted connection that waits under `accepted`. Null when it is gone.
  virtual peer_connection_actor accept(connection_registry_actor::pointer registry,
                                       const link_spec& spec, std::uint64_t accepted,
                                       const shared_routes& routes) = 0;
  /// Closes an accepted connection that is not wanted.
  virtual void reject(std::uint64_t accepted, const std::string& reason) = 0;
};

/// Connections of `transport`, which outlives all actors. Dials from the node's own IP when that is known and
/// `bind_local` is set, so that peers see the identity that we have.
std::unique_ptr<connection_factory>
make_connection_factory(node_context context, net::transport& transport, bool bind_local);

}  // namespace timenode
