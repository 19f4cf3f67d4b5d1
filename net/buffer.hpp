#pragma once

#include <memory>
#include <string>

namespace timenode::net {

/// Encoded bytes to send: immutable, so that one buffer can be queued on any number of connections.
using shared_buffer = std::shared_ptr<const std::string>;

}  // namespace timenode::net
