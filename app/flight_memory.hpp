#pragma once

// The flight recorder's memory: what happened last, in one block of fixed size without pointers, so
// that it can be written to a file as it is, also by a program that is dying (flight_recorder.hpp),
// and read by another (flight_replay.hpp).
//
// Many threads write at once and nobody waits: each writes into a ring of its own. Who copies the
// block meanwhile may find a torn entry at the place that is being written, and no other.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace timenode {

/// An actor handled a message, or several like it that came too fast to be noted one by one.
struct flight_event {
  std::int64_t at = 0;             ///< Unix nanoseconds, at the end.
  std::uint64_t actor = 0;         ///< CAF's id.
  std::uint32_t microseconds = 0;  ///< That it took; of several, the longest.
  std::uint16_t actor_name = 0;    ///< Numbers of names.
  std::uint16_t message = 0;
  std::uint32_t folded = 0;  ///< How many more are in this entry.
  std::uint32_t unused = 0;
};
static_assert(sizeof(flight_event) == 32);

/// A line of the log.
struct flight_line {
  static constexpr std::size_t max_text = 243;

  std::int64_t at = 0;  ///< Unix nanoseconds; 0: none.
  std::uint8_t level = 0;
  std::array<char, max_text> text{};  ///< Ends with a zero, or at the end.
  std::uint32_t unused = 0;
};
static_assert(sizeof(flight_line) == 256);

/// The block. Zero is its valid beginning.
struct flight_memory {
  static constexpr std::array<char, 8> right_magic{'T', 'N', 'F', 'L', 'I', 'G', 'H', 'T'};
  static constexpr std::uint32_t right_version = 1;
  /// A thread that works off messages takes one; a node has some ten. More share them.
  static constexpr std::size_t max_rings = 24;
  /// What is folded (actor_census.hpp) leaves some 60 entries a second in all of a busy node's
  /// rings: ten minutes are 36,000, in four threads' rings at least.
  static constexpr std::size_t ring_size = 10'000;
  static constexpr std::size_t max_lines = 2'000;
  /// Kinds of actors and of messages; there are some 150.
  static constexpr std::size_t max_names = 1'000;
  static constexpr std::size_t max_name = 96;

  struct ring {
    std::atomic<std::uint64_t> written;  ///< In all; the next one goes to this modulo the size.
    std::array<flight_event, ring_size> events;
  };

  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t size;       ///< Of the block, in bytes: another layout has another one.
  std::int64_t started_at;  ///< Unix nanoseconds.
  std::array<char, 64> program;
  std::atomic<std::uint32_t> names_used;
  std::atomic<std::uint32_t> rings_used;
  std::atomic<std::uint64_t> lines_written;
  std::array<std::array<char, max_name>, max_names> names;
  std::array<flight_line, max_lines> lines;
  std::array<ring, max_rings> rings;

  /// Makes an empty one of it. `program`: name and version, cut.
  void begin(std::string_view program_, std::int64_t now);

  /// Number of a new name; 0, "more", when there are too many. Callers take turns.
  std::uint16_t add_name(std::string_view name);
  /// The name of a number, also in a block that was read from a file.
  std::string_view name_of(std::uint16_t number) const;

  /// A ring for a thread. Thread-safe.
  ring& take_ring();
  static void add(ring& to, const flight_event& x) noexcept;
  /// Thread-safe.
  void add_line(std::int64_t at, std::uint8_t level, std::string_view text) noexcept;
};

/// The block of this process: 8 MB, of which only what was written takes memory.
flight_memory& process_flight_memory();

}  // namespace timenode
