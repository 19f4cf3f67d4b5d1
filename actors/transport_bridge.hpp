#pragma once

// From the transport's threads into actors: nothing but a message each.

#include "actors/interfaces.hpp"
#include "net/transport.hpp"

#include <memory>

namespace timenode {

/// Tells `owner` what happens on its connection.
std::unique_ptr<net::connection_handler> make_connection_bridge(peer_connection_actor owner);

/// Tells `registry` of accepted connections.
std::unique_ptr<net::listener_handler> make_listener_bridge(connection_registry_actor registry);

}  // namespace timenode
