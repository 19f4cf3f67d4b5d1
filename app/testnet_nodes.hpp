#pragma once

// The nodes of a network on this machine: node i has 127.0.0.i, a directory of its own in which
// everything of it is, and is a process of its own.

#include "app/child_process.hpp"
#include "app/command_line.hpp"
#include "messages/ip_address.hpp"
#include "messages/outcome.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace timenode::app {

struct testnet_node {
  endpoint p2p;
  endpoint rpc;
  endpoint metrics;
  std::filesystem::path dir;
  bool is_masternode = true;

  std::filesystem::path config_file() const { return dir / "timenode.toml"; }
  std::filesystem::path log_file() const { return dir / "timenode.log"; }
  /// What it prints: nothing, unless it cannot start or crashes.
  std::filesystem::path output_file() const { return dir / "output.txt"; }
};

/// Where the nodes are; nothing is made yet. `dir` is absolute.
std::vector<testnet_node> plan_testnet(const testnet_command& x, const std::filesystem::path& dir);

/// The configuration file of a node. Each knows the first one only: they find each other.
std::string config_text(const testnet_node& node, const testnet_node& first,
                        const testnet_command& x);

/// Makes the directories and configuration files. Fails when an address cannot be listened on,
/// which says which and what to do.
outcome<void> prepare_testnet(const std::vector<testnet_node>& nodes, const testnet_command& x);

/// Starts a process for each. When one cannot be started, those that were are killed.
outcome<std::vector<child_process>> start_testnet(const std::vector<testnet_node>& nodes);

/// The last lines of what a node logged and printed.
std::vector<std::string> last_words(const testnet_node& x);

/// A directory that is removed with everything in it at the end, unless it is to be kept.
class testnet_directory {
 public:
  /// Makes `wanted`, which is kept; if none is, a temporary one.
  static outcome<testnet_directory> make(const std::optional<std::filesystem::path>& wanted);
  testnet_directory(testnet_directory&& other) noexcept;
  testnet_directory& operator=(testnet_directory&&) = delete;
  ~testnet_directory();

  const std::filesystem::path& path() const noexcept { return path_; }
  bool kept() const noexcept { return kept_; }
  void keep() noexcept { kept_ = true; }

 private:
  testnet_directory(std::filesystem::path path, bool kept) : path_{std::move(path)}, kept_{kept} {}

  std::filesystem::path path_;
  bool kept_;
};

}  // namespace timenode::app
