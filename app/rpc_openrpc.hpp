#pragma once

// The description of the RPC methods in the OpenRPC format (open-rpc.org, version 1.2.6).

#include "app/rpc_methods_table.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace timenode {

json openrpc_json(const std::vector<const rpc_method*>& methods, const std::string& version);

/// A JSON value of that type, for an example.
std::string_view example_of(std::string_view type) noexcept;

}  // namespace timenode
