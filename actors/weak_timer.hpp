#pragma once

#include <caf/action.hpp>
#include <caf/actor_clock.hpp>
#include <caf/scheduled_actor.hpp>

#include <utility>

namespace timenode {

/// Runs `what` on `self` at `when` without keeping `self` alive: CAF 0.18.7's own `run_delayed` holds the
/// actor until it fires, which would hold up the end of the program.
template <class F>
caf::disposable run_weak(caf::scheduled_actor* self, caf::actor_clock::time_point when, F what) {
  return self->clock().schedule(when,
                                caf::make_action(std::move(what), caf::action::state::waiting),
                                caf::weak_actor_ptr{self->ctrl()});
}

}  // namespace timenode
