#pragma once

// The masternode's key on disk.

#include "chain/keys.hpp"
#include "messages/outcome.hpp"

#include <filesystem>

namespace timenode::app {

/// Reads the key, or makes a new one there (rights 0600) if the file is missing. The file is the seed of RFC 8032
/// as 64 hexadecimal digits. Fails when others may read it, when it is damaged or cannot be written.
outcome<chain::key_pair> load_or_create_key(const std::filesystem::path& file);

} // namespace timenode::app
