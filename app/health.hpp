#pragma once

// Whether a node does its work, from what is known of it. Pure.

#include "app/rpc_json.hpp"
#include "messages/node_messages.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace timenode {

/// What the node's actors do not tell.
struct health_facts {
  bool listening = true;  ///< For peers.
  /// Unix seconds since when the node is below its target and no block came; none: it is not.
  std::optional<std::int64_t> no_progress_since;
};

/// Four times the time within which a node below its peers must get nearer (invariant `no-stuck`),
/// so that a loaded machine alone does not make a node unready.
inline constexpr std::chrono::seconds progress_within{60};
/// A block is due every ten minutes; the tip is stale when three in a row did not come.
inline constexpr std::chrono::minutes fresh_tip{30};

/// Where the chain is.
enum class sync_health : std::uint8_t {
  in_sync,   ///< No peer claims more.
  syncing,   ///< Below the best claim, and getting nearer.
  stuck,     ///< Below the best claim, and not getting nearer.
  no_peers,  ///< Nobody to compare with.
};
std::string_view to_text(sync_health x) noexcept;

struct node_health {
  bool ready = false;
  sync_health sync = sync_health::no_peers;
  std::vector<std::string> problems;  ///< What keeps it from being ready, each with what to do.
  std::vector<std::string> warnings;  ///< What an operator should look at all the same.
  std::uint64_t height = 0;
  std::uint64_t target = 0;
};

/// Ready is a node that listens, whose store works, whose actors all answer, and that is at the
/// height of its peers or gets nearer to it. Without peers it is ready only while its tip is fresh.
node_health judge_health(const node_pulse& x, const chain_tip& tip, const health_facts& facts,
                         std::int64_t now);

/// For a node that did not answer.
node_health no_health(const failure& why, const chain_tip& tip);

/// {"ready":true,"sync":"in sync","height":..,"target":..,"problems":[],"warnings":[]}
json health_json(const node_health& x);

/// Remembers since when there was no progress.
class progress_memory {
 public:
  /// Height and target at that moment (Unix seconds).
  void see(std::uint64_t height, std::uint64_t target, std::int64_t now);
  /// As in `health_facts`.
  std::optional<std::int64_t> no_progress_since() const noexcept { return since_; }

 private:
  std::uint64_t height_ = 0;
  std::optional<std::int64_t> since_;
};

}  // namespace timenode
