#pragma once

// The effective configuration, key by key, with where each value comes from. Pure.

#include "app/config_file.hpp"

#include <string>
#include <vector>

namespace timenode::app {

struct shown_setting {
  std::string key;
  std::string value;   ///< As TOML writes it.
  std::string origin;  ///< "command line", "FILE:LINE" or "default".

  bool operator==(const shown_setting&) const = default;
};

/// Every key, in the order of deploy/timenode.toml. `said`: the command line; `file`: the
/// configuration file, called `name`.
std::vector<shown_setting> describe_config(const node_config& config, const settings& said,
                                           const file_settings& file, const std::string& name);

/// As a TOML file that gives this same configuration; the origins are comments.
std::string config_text(const std::vector<shown_setting>& x);

/// What a running node can take over without a restart.
bool applies_while_running(const std::string& key);

/// "logging.level: \"info\" -> \"debug\"" for each key that differs, `applied` or not.
struct config_changes {
  std::vector<std::string> keys_applied;
  std::vector<std::string> applied;
  std::vector<std::string> needs_restart;
};
config_changes compare_config(const std::vector<shown_setting>& before,
                              const std::vector<shown_setting>& after);

}  // namespace timenode::app
