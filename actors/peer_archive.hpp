#pragma once

// Keeps what the registry and the directory want kept over restarts. Of its own, since writing waits for the disk.

#include "actors/interfaces.hpp"
#include "net/line_store.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <memory>

namespace timenode {

/// How long those who have something written wait for the disk.
inline constexpr std::chrono::seconds archive_timeout{10};

class peer_archive_state {
 public:
  static constexpr auto name = "timenode.peer-archive";

  /// @param store Where lines are kept; never null.
  peer_archive_state(archive_actor::pointer self, std::shared_ptr<net::line_store> store);

  archive_actor::behavior_type make_behavior();

 private:
  std::shared_ptr<net::line_store> store_;
};

using peer_archive = archive_actor::stateful_impl<peer_archive_state>;

}  // namespace timenode
