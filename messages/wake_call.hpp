#pragma once

#include "messages/link_types.hpp"

#include <cstdint>

namespace timenode {

/// A call to be woken that takes the place of the last such call of the same sleeper: who puts its deadline off again and again is not
/// woken for the old ones. (A connection does so each round, when its ping goes along with the peer's; of all that happens in a calm
/// network a twelfth was such connections woken for nothing.)
struct wake_call {
  monotonic_ns at = 0;
  std::uint64_t token = 0;  ///< Comes back with the wake-up.

  template <class Inspector>
  friend bool inspect(Inspector& f, wake_call& x) {
    return f.object(x).fields(f.field("at", x.at), f.field("token", x.token));
  }
};

}  // namespace timenode
