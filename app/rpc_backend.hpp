#pragma once

// What the RPC server needs of the node, as an interface: tests give it a fixture, the program its
// actors.

#include "app/actor_census.hpp"
#include "app/health.hpp"
#include "app/log_tail.hpp"
#include "chain/block_store.hpp"
#include "chain/consensus_rules.hpp"
#include "messages/network.hpp"
#include "messages/node_messages.hpp"
#include "messages/outcome.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <variant>
#include <vector>

namespace timenode {

/// What does not change while the node runs.
struct rpc_facts {
  network_id network = network_id::testnet;
  std::string version;          ///< "0.1.0".
  std::uint16_t p2p_port = 0;   ///< Where peers find us.
  std::int64_t started_at = 0;  ///< Unix seconds.
  chain::consensus_rules rules = {};
};

/// What reading the configuration again came to.
struct reload_report {
  std::vector<std::string> applied;        ///< "logging.level: info -> debug"
  std::vector<std::string> needs_restart;  ///< Keys that changed and are not applied.
  std::vector<std::string> notices;        ///< Unknown keys, and the like.
};

struct backup_report {
  chain_tip tip;
  std::uint64_t bytes = 0;
  std::vector<std::string> files;  ///< Beside the chain: keys and tables.
};

/// Asks what the node does about one address.
struct about_peer {
  ip_address ip;
};

/// Asks what is known of the masternode at one address.
struct about_masternode {
  ip_address ip;
};

/// Asks what is known of a transaction that is in no block.
struct about_transaction {
  hash256 txid{};
};

/// Asks for all of those.
struct about_mempool {};

/// Asks what they do to an address.
struct about_coins {
  std::string address;
};

/// A transaction of ours, to be taken and sent on.
struct offered_transaction {
  transaction tx;
};

/// What a method wants of the node's actors beyond the snapshot: an order to be carried out, or a
/// question. The reply to each is at its place in `node_reply`.
using node_question = std::variant<peer_order, about_peer, about_masternode, about_transaction,
                                   about_mempool, about_coins, offered_transaction>;
using node_reply =
    std::variant<order_reply, peer_explanation, masternode_detail, transaction_detail,
                 std::vector<mempool_entry>, pending_coins, offer_reply>;

class rpc_backend {
 public:
  virtual ~rpc_backend() = default;
  /// Calls `then` once, within two seconds, from any thread, perhaps before it returns. `then` does
  /// not block and does not throw.
  virtual void snapshot(std::function<void(outcome<node_snapshot>)> then) = 0;
  /// The same with what tells whether the node is well, which costs little however many peers it has.
  virtual void pulse(std::function<void(outcome<node_pulse>)> then) {
    snapshot([then = std::move(then)](outcome<node_snapshot> x) {
      then(x ? outcome<node_pulse>{pulse_of(*x)} : tl::unexpected{x.error()});
    });
  }
  /// Calls `then` once with what became of the question, within twelve seconds (an order may wait for
  /// the disk), in the same way.
  virtual void ask(node_question question, std::function<void(outcome<node_reply>)> then) = 0;
  /// The chain as stored. Thread-safe.
  virtual const chain::chain_reader& chain() const = 0;
  virtual const rpc_facts& facts() const = 0;
  /// Our wall clock, Unix seconds.
  virtual std::int64_t unix_now() const = 0;
  /// Makes the node stop; returns at once, before it has.
  virtual void stop() = 0;
  /// What `judge_health` wants to know. Thread-safe.
  virtual health_facts health() const { return {}; }

  /// Bytes of the chain's files.
  virtual std::uint64_t disk_bytes() const { return 0; }

  /// Who the actors are and what they do; empty when nobody counts. Thread-safe.
  virtual actor_report actors() const { return {}; }
  /// The last lines of the log. Thread-safe.
  virtual const log_tail& log() const { return process_log_tail(); }

  // The node's own key. These may read its file: not for the server's thread, unless the node is a masternode.

  /// The address of the key that `sign` signs with; fails when there is none.
  virtual outcome<std::string> wallet_address() const { return fail("it has no key"); }
  /// Signs every input.
  virtual outcome<void> sign(transaction& x) const {
    static_cast<void>(x);
    return fail("it has no key");
  }

  // These may take long: not for the server's thread.

  virtual outcome<reload_report> reload() { return fail("this node cannot reload"); }
  virtual outcome<backup_report> backup(const std::filesystem::path& to) {
    static_cast<void>(to);
    return fail("this node cannot make a backup");
  }
  /// Writes the flight record; `why` becomes a part of the file's name.
  virtual outcome<std::filesystem::path> dump(const std::string& why) {
    static_cast<void>(why);
    return fail("this node has no flight recorder");
  }
};

}  // namespace timenode
