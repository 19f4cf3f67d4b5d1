#pragma once

// Memory that will be needed soon. A network of 100 takes 100 MB and more, of which a step of the simulation touches some fifty
// places anywhere: without them in the cache it takes far longer.

#include <cstddef>
#include <cstdint>

namespace sim {

/// How near a thing has come, for what it needs to be in the cache by its turn: each step looks at what the one before brought.
enum class nearness : std::uint8_t { far, near, nearer, next };

/// Has the memory from there on brought into the cache, so many bytes of it. Any address will do.
inline void fetch(const void* from, std::size_t bytes) noexcept {
  constexpr std::size_t line = 64;
  // In whole numbers, for none of that need be one object, nor any.
  const auto begin = reinterpret_cast<std::uintptr_t>(from);
  for (std::size_t i = 0; i < bytes; i += line)
    __builtin_prefetch(reinterpret_cast<const void*>(begin + i));
}

/// The same of something that `std::make_shared` made, which has its counts in front of it.
inline void fetch_shared(const void* from, std::size_t bytes) noexcept {
  constexpr std::size_t counts = 16;
  fetch(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(from) - counts),
        bytes + counts);
}

}  // namespace sim
