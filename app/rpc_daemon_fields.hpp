#pragma once

// What answers of the deployed daemon have beside what ours have, so that its time-cli, and the
// scripts that were written for it, work with this node. Kept apart, so that the methods themselves
// say only what there is to say.

#include "app/rpc_methods.hpp"

#include <string_view>

namespace timenode {

/// Adds the daemon's fields to the result of a method; those that are there stay as they are.
void add_daemon_fields(std::string_view method, const rpc_view& view, json& result);

}  // namespace timenode
