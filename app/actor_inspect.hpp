#pragma once

// What an actor says of itself, as JSON.

#include "app/rpc_json.hpp"
#include "messages/node_messages.hpp"
#include "messages/outcome.hpp"

#include <string>
#include <vector>

namespace timenode {

/// The names that `inspect_actor` knows, beside the addresses of connections.
std::vector<std::string> inspectable_actors();

/// The part of a snapshot that an actor gave: "connection-registry", "timenode.gossip", or the IP
/// address of a peer for its connections. The failure lists the names.
outcome<json> inspect_actor(const node_snapshot& x, const std::string& name);

}  // namespace timenode
