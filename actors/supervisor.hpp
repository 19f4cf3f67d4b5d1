#pragma once

// The actor tree of one node: started in order, watched, stopped in reverse order.

#include "actors/alarm.hpp"
#include "actors/connection_registry.hpp"
#include "actors/interfaces.hpp"
#include "actors/masternode_table.hpp"
#include "actors/node_context.hpp"
#include "actors/peer_directory.hpp"
#include "chain/approval_journal.hpp"
#include "chain/block_store.hpp"
#include "chain/vote_journal.hpp"
#include "net/line_store.hpp"
#include "net/transport.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace timenode {

/// What a node is made of. Without sockets or files of its own: those come in through the two seams.
struct node_parts {
  node_context context;  ///< A null ticker: the node gets its own.
  registry_config registry;
  directory_config directory;
  std::optional<masternode_identity> masternode;  ///< None: not a masternode.
  std::vector<std::string> masternodes_kept;      ///< The masternode table of the last run.
  std::shared_ptr<chain::block_store> store;
  /// Where bans and addresses are kept; null: a restart forgets them. What it had is in the two configurations
  /// (`kept`): whoever makes the node reads it first, since a file that cannot be read is a reason not to start.
  std::shared_ptr<net::line_store> kept;
  /// What the masternode signed. Null: it signs nothing.
  std::shared_ptr<chain::vote_journal> journal;
  /// Which transactions it approved. Null: it approves none.
  std::shared_ptr<chain::approval_journal> approvals;
  net::transport* transport = nullptr;  ///< Outlives the actors.
  bool bind_local = true;               ///< Dial from our own IP, when it is known.
  /// Actors that wait for the disk get threads of their own. Off in tests, whose scheduler has one thread.
  bool own_threads = true;
  /// Block checkers that work side by side.
  std::size_t checkers = 2;
  /// Called every quarter of a minute in which every actor of the tree answered; must not block. Empty: the
  /// actors are not watched (tests: it costs messages).
  std::function<void()> alive;
  /// How often the node checks its own invariants. It asks every connection then: simulations of many nodes check
  /// less often.
  std::chrono::seconds check_interval{10};
};

/// How long the connections may take to close, and each actor to end, before it is done without them:
/// together below the 5 s in which a node stops (architecture, section 3).
inline constexpr std::chrono::milliseconds connections_stop_within{2500};
inline constexpr std::chrono::milliseconds actor_stops_within{500};
/// How long writing the address book may take then.
inline constexpr std::chrono::milliseconds book_saved_within{800};

class supervisor_state {
 public:
  static constexpr auto name = "timenode.supervisor";

  supervisor_state(supervisor_actor::pointer self, node_parts parts);

  supervisor_actor::behavior_type make_behavior();

 private:
  struct child {
    std::string name;
    caf::actor handle;
  };

  void spawn_all();
  template <class Actor, class... Args>
  auto spawn(bool own_thread, Args&&... args);
  caf::result<void> stop();
  void save_masternodes();
  void close_connections();
  void stop_next();
  void on_down(const caf::down_msg& msg);
  void on_wake(std::uint64_t token);

  supervisor_actor::pointer self_;
  node_parts parts_;
  node_actors actors_;
  alarm_clock alarm_;
  std::vector<child> children_;  ///< In the order of their start; the last one stops first.
  bool stopping_ = false;
  bool killed_ = false;  ///< The child that stops now did not obey and was killed.
  caf::error failure_;   ///< Of the child that ended without being told.
  std::vector<caf::typed_response_promise<void>> promises_;
};

using supervisor = supervisor_actor::stateful_impl<supervisor_state>;

}  // namespace timenode
