#pragma once

// Where in memory CAF keeps what an actor needs for its turn, to be fetched before it.

#include "tests/sim/fetch.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/behavior.hpp>
#include <caf/scheduled_actor.hpp>

namespace sim {

/// What of an actor is fetched before its turn, from its control block on: all of one of a connection.
inline constexpr std::size_t fetched_of_actor = 1856;
/// What CAF made of its handlers: a connection has fifteen.
inline constexpr std::size_t fetched_of_behavior = 192;

/// Where the list of an actor's handlers is, apart from it: an actor of ours has one set of them, from its first turn on. Null: it has
/// none, or is gone. A weak pointer must hold it. Reads of the actor.
inline const caf::behavior* behavior_of(caf::actor_control_block* who) noexcept {
  if (who->strong_refs.load(std::memory_order_relaxed) == 0)
    return nullptr;
  auto* x = who->get();
  if (!x->getf(caf::abstract_actor::is_initialized_flag))  // only actors of the scheduler are
    return nullptr;
  auto& all = static_cast<caf::scheduled_actor*>(x)->bhvr_stack();
  return all.empty() ? nullptr : &all.back();
}

}  // namespace sim
