#pragma once

// Which flooded items came already, so that each is judged and sent on once: pure policy of the
// gossip actor.

#include "actors/expiring_set.hpp"
#include "messages/node_messages.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace timenode {

/// Items that were sent on or found wrong are remembered this long. Heartbeats are too old to be
/// believed after 180 s anyway; a block that comes again later is known to the chain.
inline constexpr monotonic_ns seen_for = 600'000'000'000;
/// Items that were ignored are remembered this long only: a block above our tip is ignored while we
/// sync, and has to count when it comes again after that. Long enough that the same flood's copies
/// all fall into it.
inline constexpr monotonic_ns ignored_for = 10'000'000'000;
/// How many items are remembered: about 9 MiB. An item that falls out and comes again is judged
/// again, and every judge knows what it has taken over, so that nothing circles for ever.
inline constexpr std::size_t seen_capacity = 65'536;
/// The same for ignored items.
inline constexpr std::size_t ignored_capacity = 16'384;

/// What an item is known by: the SHA-256 of its encoded line. Not of the line as it came: the same
/// item can be written in many ways, and is encoded in one.
hash256 item_hash(std::string_view line) noexcept;

/// The first bytes of a line for people, cut to 120 and with all that is not printable replaced.
std::string evidence_of(std::string_view line);

class seen_cache {
 public:
  explicit seen_cache(std::size_t seen = seen_capacity, std::size_t ignored = ignored_capacity);

  /// Whether the item came already, and not too long ago.
  bool contains(const hash256& item, monotonic_ns now) const {
    return seen_.contains(item, now) || ignored_.contains(item, now);
  }

  /// True when the item is new; it counts as seen from now on, also while it is still being judged.
  bool add(const hash256& item, monotonic_ns now);

  /// As `add` for an item of our own: that we ignored it from someone else does not count.
  bool add_own(const hash256& item, monotonic_ns now);

  /// The judge ignored it: it may come again soon.
  void ignored(const hash256& item, monotonic_ns now);

  /// The judge gave no answer: it may come again at once.
  void forget(const hash256& item);

  /// Hashes in memory.
  std::size_t size() const noexcept { return seen_.size() + ignored_.size(); }

 private:
  expiring_set<hash256> seen_;
  expiring_set<hash256> ignored_;
};

}  // namespace timenode
