#pragma once

// A whole simulated network: our nodes, peers of the deployed kind, the wires between them, a maker of blocks,
// and an observer who sees everything. One thread, virtual time, all chance from one seed.

#include "tests/sim/observer.hpp"
#include "tests/sim/reference_peer.hpp"
#include "tests/sim/sim_network.hpp"
#include "tests/sim/sim_node.hpp"
#include "tests/sim/trace.hpp"
#include "tests/sim/virtual_system.hpp"
#include "tests/sim/wallets.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sim {

struct world_options {
  std::uint64_t seed = 1;
  std::uint32_t nodes = 8;
  std::uint32_t references = 0;   ///< Peers of the deployed kind, besides.
  std::uint32_t masternodes = 0;  ///< So many of our nodes are.
  /// Each host's operator names so many others, and they name it; 0: everybody names everybody.
  std::uint32_t neighbours = 0;
  double undialable = 0;                             ///< Share of our nodes behind NAT.
  std::vector<std::uint32_t> undialable_hosts = {};  ///< These besides.
  double nameless = 0;  ///< Share of our nodes that do not know their own IP.
  /// Changes what a node is set up with.
  std::function<void(node_setup&)> adjust = {};
  std::size_t max_peers = 125;
  std::uint64_t history = 50;  ///< Blocks that all have at the start.
  bool makes_blocks = true;    ///< One every 600 s.
  /// Our masternodes make the blocks by their votes, one every so many seconds, on a private network that begins with its
  /// genesis block; 0: `history` and `makes_blocks` say.
  std::int64_t block_time = 0;
  /// The masternodes' owners pay each other this often; 0: they do not. Only with `block_time`.
  monotonic_ns payment_period = 0;
  bool cheating = false;  ///< Some of them spend the same twice.
  /// A node's own look at itself is asked for and judged this often, one node after the other.
  monotonic_ns look_period = minute;
  /// Each node does so by itself this often, which costs a message to each of its connections.
  std::chrono::seconds check_interval{10};
  /// Rules that are not the program's: to show that a fault in them is found.
  timenode::net::peer_link_rules link_rules = {};
  timenode::liveness_rules liveness = {};
  bool verbose = false;  ///< Debug lines of the nodes go into the trace, too.
  std::string trace_file = {};
};

class world {
 public:
  explicit world(world_options options);
  ~world();
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  // -- running --

  /// Starts all hosts, within ten seconds.
  void start();
  void run_until(monotonic_ns end);
  void run_for(monotonic_ns span) { run_until(now() + span); }
  monotonic_ns now() const { return system_.now(); }
  /// Calls `run` that much later.
  void after(monotonic_ns delay, std::function<void()> run) {
    network_.after(delay, std::move(run));
  }
  /// Called between events, whenever time is about to go on; false ends the run.
  std::function<bool()> on_pause;

  // -- who is there --

  const world_options& options() const noexcept { return options_; }
  std::uint32_t nodes() const noexcept { return options_.nodes; }
  /// Our nodes and the reference peers; these have the numbers behind them.
  std::uint32_t hosts() const noexcept { return options_.nodes + options_.references; }
  bool is_ours(std::uint32_t host) const noexcept { return host < options_.nodes; }
  sim_node& node(std::uint32_t x) { return *nodes_[x]; }
  reference_peer& reference(std::uint32_t host) { return *references_[host - options_.nodes]; }
  ip_address ip(std::uint32_t host) const { return address_of_node(host); }
  bool up(std::uint32_t host) const;
  /// Down, and nothing of it is left.
  bool is_gone(std::uint32_t host) const;
  std::uint64_t height(std::uint32_t host) const;
  timenode::hash256 tip(std::uint32_t host) const;
  virtual_system& system() noexcept { return system_; }
  sim_network& network() noexcept { return network_; }
  observer& eyes() noexcept { return observer_; }
  trace& log() noexcept { return trace_; }
  timenode::random_source& random() noexcept { return random_; }

  // -- hosts that go and come. The observer is told. --

  void start_host(std::uint32_t host);
  void crash(std::uint32_t host, crash_kind kind);
  void stop(std::uint32_t host);  ///< In order; it is gone 5 s later.
  void lose_disk(std::uint32_t host);
  /// Whoever of this node of ours needs its disk waits that long before each message; 0: no more.
  void set_disk_delay(std::uint32_t node, monotonic_ns delay);

  // -- blocks --

  /// Hands the next block to one of the hosts with the best tip, as if it had made it. The same height gets the
  /// same block again while nobody has stored it.
  void make_block();
  /// This host makes a block on its own tip, whatever others have. Another payee makes another branch.
  void make_block_at(std::uint32_t host, const std::string& payee);
  /// Every block of the one chain, from genesis on; where masternodes make them, up to the last one with a certificate.
  const std::vector<timenode::block_ptr>& chain() const noexcept { return chain_; }

  /// Null where nobody pays.
  wallets* payments() noexcept { return wallets_.get(); }

  /// Asks a node for all that it knows of itself and judges it.
  std::optional<timenode::node_snapshot> look_at(std::uint32_t node);
  /// All honest hosts that are up have the same tip.
  bool converged() const;
  /// The node's disk, clock or process is not as it should be: it may lag behind.
  std::vector<bool> ailing;

 private:
  node_setup setup_of(std::uint32_t number) const;
  void choose_neighbours();
  void hand_over(std::uint32_t maker, const timenode::block_ptr& block);
  void on_commit(std::uint32_t node, const timenode::chain::store_batch& batch,
                 const timenode::chain_tip& before);
  void on_certificate(std::uint32_t node, const timenode::wire::block_commit& x);
  void judge(std::uint32_t node, const timenode::node_snapshot& x);
  void block_due();
  void look_around();
  void watch_progress();

  world_options options_;
  timenode::random_source random_;
  sim_network network_;  ///< After the actors goes the network ...
  trace trace_;
  virtual_system system_;  ///< ... that they are on.
  observer observer_;
  log_to_trace log_sink_;
  std::vector<std::vector<std::uint32_t>> neighbours_;
  std::vector<bool> undialable_;
  std::vector<bool> nameless_;
  std::vector<std::unique_ptr<sim_node>> nodes_;
  std::vector<std::unique_ptr<reference_peer>> references_;
  std::vector<monotonic_ns> disk_delays_;      ///< Of our nodes.
  std::vector<monotonic_ns> disk_busy_until_;  ///< With what it had begun while it was slow.
  std::vector<timenode::block_ptr> chain_;
  std::unique_ptr<wallets> wallets_;
  std::uint32_t next_look_ = 0;
  /// For each node that lacks a block which a neighbour of it has: its height, and since when.
  struct waiting {
    std::uint64_t height = 0;
    monotonic_ns since = 0;  ///< 0: it lacks nothing.
  };
  std::vector<waiting> waiting_;
  std::map<timenode::hash256, timenode::chain::utxo_digest>
      digests_;  ///< Of the unspent outputs, by tip.
};

}  // namespace sim
