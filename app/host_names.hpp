#pragma once

// Host names in a configuration. The node itself knows addresses only, and asks no name server
// while it runs.

#include "app/config.hpp"

#include <vector>

namespace timenode::app {

/// Replaces the names in `x` by the addresses that the system finds for them (getaddrinfo:
/// /etc/hosts, then name servers), all of them for a bootstrap peer, the first for ourselves. A
/// name that is not found is left out, with a warning. Blocks for as long as the system's resolver
/// does.
std::vector<config_notice> resolve_hosts(node_config& x);

}  // namespace timenode::app
