#pragma once

// A whole node of the program, every actor of it, on the simulated network: started, killed, stopped in order
// and started again, with its disk or with another one.

#include "actors/liveness.hpp"
#include "actors/masternode_table.hpp"
#include "net/peer_link.hpp"
#include "net/transport.hpp"
#include "tests/sim/sim_network.hpp"
#include "tests/sim/sim_store.hpp"
#include "tests/sim/virtual_system.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace sim {

/// Virtual wall time at the start: some moment after the testnet's genesis.
inline constexpr std::int64_t start_of_time = 1'766'000'000;
inline constexpr std::uint16_t p2p_port = 24100;

/// What does not change over the runs of one node.
struct node_setup {
  owner_index number = 0;
  ip_address ip;
  std::vector<endpoint> configured;  ///< Its operator wants it connected to these.
  bool masternode = false;
  timenode::chain::consensus_rules rules = {};
  bool signs = false;  ///< Proposals and votes for blocks, if it is a masternode.
  bool knows_its_ip = true;
  std::optional<ip_address> believes_its_ip;  ///< A wrong `external_address`.
  std::size_t max_peers = 125;
  std::chrono::seconds check_interval{10};  ///< Of its own invariants.
  timenode::net::peer_link_rules link_rules = {};
  timenode::liveness_rules liveness = {};
  std::uint64_t seed = 0;
};

/// Its key and where its rewards go; none: it is no masternode.
std::optional<timenode::masternode_identity> identity_of(const node_setup& setup);

/// A wall clock that may be wrong and go wrong. Timeouts do not depend on it.
struct node_clock {
  monotonic_ns offset = 0;
  double drift = 0;  ///< Seconds a second.
  monotonic_ns drift_since = 0;

  std::int64_t unix_seconds(monotonic_ns now) const noexcept {
    const auto drifted = static_cast<monotonic_ns>(drift * static_cast<double>(now - drift_since));
    return start_of_time + (now + offset + drifted) / second;
  }
};

enum class crash_kind : std::uint8_t {
  process,  ///< Killed: the kernel resets its connections, and what it wrote is written.
  power,    ///< Nobody is told, and what was not synced is lost.
};

class sim_node {
 public:
  /// Both outlive the node. `tell` is told of each commit to its store.
  sim_node(virtual_system& system, sim_network& network, node_setup setup,
           sim_store::committed tell);
  ~sim_node();
  sim_node(const sim_node&) = delete;
  sim_node& operator=(const sim_node&) = delete;

  /// Runs the system. The node must be down.
  void start();
  /// It is gone at once, also in the middle of a run. Call `bury` when no actor has a message left.
  void crash(crash_kind kind);
  /// Asks it to stop in order; it is down when `stopped`.
  void stop();
  bool stopped() const;
  /// Frees what the last run left behind.
  void bury();
  /// Blocks that its disk has before the first start.
  void give_blocks(std::span<const timenode::checked_block> blocks) { disk_->fill(blocks); }
  /// The next start finds an empty disk.
  void lose_disk() { disk_->wipe(); }

  bool up() const noexcept { return up_; }
  const node_setup& setup() const noexcept { return setup_; }
  const ip_address& ip() const noexcept { return setup_.ip; }
  node_clock& clock() noexcept { return *clock_; }
  /// Of this run; only when `up`.
  const timenode::node_actors& actors() const noexcept { return actors_; }
  const timenode::chain::memory_store& chain() const noexcept { return *disk_->chain(); }
  std::uint32_t runs() const noexcept { return runs_; }

 private:
  void forget_actors();

  virtual_system& system_;
  sim_network& network_;
  node_setup setup_;
  sim_store::committed tell_;
  std::shared_ptr<node_clock> clock_ = std::make_shared<node_clock>();
  std::shared_ptr<sim_disk> disk_ = std::make_shared<sim_disk>(timenode::network_id::testnet);
  std::shared_ptr<sim_store> store_;
  std::unique_ptr<timenode::net::transport> transport_;
  timenode::supervisor_actor supervisor_;
  timenode::node_actors actors_;
  bool up_ = false;
  std::uint32_t runs_ = 0;
};

/// Where node number `x` lives: 10.0.0.1 and on, in several /16 so that address groups matter.
ip_address address_of_node(std::uint32_t x);

}  // namespace sim
