#pragma once

// The configuration file: TOML with the keys of the deployed daemon's config.toml, so that an
// operator can point us at the file that is there. deploy/timenode.toml has all keys with their
// meaning.

#include "app/config.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace timenode::app {

/// A file that is larger was not written by a person.
inline constexpr std::size_t max_config_bytes = 1u << 20;

struct file_settings {
  settings said;
  /// An unknown key: a warning with its line and the nearest known key. Keys of the deployed daemon
  /// that mean nothing to us: one line, at info, for all of them.
  std::vector<config_notice> notices;
  std::map<std::string, unsigned> lines;  ///< Of the keys that are used.
};

/// Reads the text of a file that is called `name`. Fails with a line "NAME:LINE: KEY = VALUE: allowed is ..." for each value
/// that is wrong.
outcome<file_settings> parse_config(std::string_view text, const std::string& name);

/// As above. Fails also when the file cannot be read.
outcome<file_settings> read_config_file(const std::filesystem::path& file);

struct loaded_config {
  node_config config;
  std::vector<config_notice> notices;
  file_settings file;  ///< What the file alone says.
};

/// The whole of it: `over`, on the file if there is one, on the defaults.
outcome<loaded_config> load_config(const std::optional<std::filesystem::path>& file,
                                   const settings& over, const std::filesystem::path& home);

/// The same for a node that is about to listen: fails also when its own addresses are in each other's way.
outcome<loaded_config> load_server_config(const std::optional<std::filesystem::path>& file,
                                          const settings& over, const std::filesystem::path& home);

}  // namespace timenode::app
