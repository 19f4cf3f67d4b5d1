#pragma once

// What time it is for people and for other machines.

#include <chrono>
#include <cstdint>

namespace timenode::app {

/// Seconds since 1 January 1970, as the system's clock says; it may jump.
inline std::int64_t system_time() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace timenode::app
