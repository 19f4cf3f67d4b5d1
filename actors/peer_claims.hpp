#pragma once

// What each peer claims to have, how far that is believed, and how well it has answered. Pure:
// times come in as arguments. Nothing in here is an offence: a peer that does not deliver is asked
// later or less.

#include "actors/expiring_set.hpp"
#include "actors/sync_types.hpp"
#include "net/random.hpp"

#include <boost/container/flat_map.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace timenode::sync {

/// One peer. `claim` is what it said last; `credit` is up to where we ask it, never above the
/// claim.
struct peer_record {
  link_direction direction = link_direction::inbound;
  bool claimed = false;  ///< It named a height.
  std::uint64_t claim = 0;
  std::uint64_t credit = 0;
  bool aside = false;  ///< It is on another branch than we: its claims give no credit.
  /// Claims made before this moment give no credit; 0: it does not rest.
  monotonic_ns rests_until = 0;
  monotonic_ns next_poll = 0;  ///< When to ask for its height.
  /// Requests in a row that it left unanswered.
  std::uint32_t silences = 0;
  /// Times in a row that it answered with something of no use; back to 0 when a block of it is
  /// applied.
  std::uint32_t refusals = 0;
  bool answered = false;  ///< A request, on this connection.
  bool doubted = false;   ///< It failed on an earlier connection, and has not delivered since.
  monotonic_ns latency =
      0;  ///< Of its answers, smoothed; longer when they bring less than was asked for.
  std::uint32_t outstanding = 0;             ///< Requests under way.
  std::uint32_t window = max_asks_per_peer;  ///< As many may be.
  std::uint64_t range = max_blocks_per_ask;  ///< Blocks of one request.
  std::uint64_t last_asked = 0;              ///< Counts up: to take turns.
};

/// That a peer failed is remembered for so long after its connection ended, and of so many of them: longer than who comes and goes
/// stays away, and as many as a node has places for many times over; each takes some 150 bytes.
inline constexpr monotonic_ns doubt_lasts = in_ns(std::chrono::hours{1});
inline constexpr std::size_t max_doubts = 1024;

class peer_claims {
 public:
  explicit peer_claims(std::uint64_t seed) : random_{seed} {}

  // -- peers that come and go --------------------------------------------------------

  /// A peer is there, or talks over another connection from now on: what it left unanswered on the
  /// old one says nothing about this one. It is due to be polled at once.
  void up(const ip_address& ip, link_direction direction, monotonic_ns now);
  void down(const ip_address& ip, monotonic_ns now);

  // -- what they say --------------------------------------------------------------------

  /// The peer says that this is its height; it may be lower than before.
  void height_is(const ip_address& ip, std::uint64_t height, monotonic_ns now);
  /// The peer has at least this height.
  void at_least(const ip_address& ip, std::uint64_t height, monotonic_ns now);

  // -- how they do ----------------------------------------------------------------------

  /// A request was sent to it.
  void asked(const ip_address& ip);
  /// Requests that were under way are not any more, without anybody's fault.
  void released(const ip_address& ip, std::uint32_t count = 1);
  /// It answered with `delivered` blocks of the `wanted` ones after `elapsed`. `delivered` is above
  /// 0.
  void delivered(const ip_address& ip, std::uint64_t delivered, std::uint64_t wanted,
                 monotonic_ns elapsed, monotonic_ns now);
  /// It left a request for blocks from `height` on unanswered. Several that die while it rests
  /// count once.
  void silent(const ip_address& ip, std::uint64_t height, monotonic_ns now);
  /// It cannot deliver the block at `height`, or not one of our branch: its claim loses its credit
  /// from there on until it claims again after a rest. Several during one rest count once.
  void refused(const ip_address& ip, std::uint64_t height, monotonic_ns now);
  /// It sent a block that is provably wrong: as `refused`, with the longest rest at once.
  void wronged(const ip_address& ip, std::uint64_t height, monotonic_ns now);
  /// It is on another branch than we, or on ours again: then its claim has credit again.
  void set_aside(const ip_address& ip, bool aside, monotonic_ns now);
  /// Our chain is another one: nobody is known to be on another branch.
  void nobody_aside(monotonic_ns now);
  /// A block of it was applied.
  void useful(const ip_address& ip);

  // -- questions ----------------------------------------------------------------------

  /// Whom to ask for the block at `height`: who claims it, has room, and is none of `except`. The
  /// best first: who has answered well, then who was dialed by us (the reference answers nobody
  /// else), then who did not answer; among equals who has least to do.
  std::optional<ip_address> choose(std::uint64_t height, std::span<const ip_address> except) const;

  /// Who is due to be asked for its height, and with them who soon would be (`asked_together`); the next time is set: a
  /// minute later, or when it is its turn (`heights_in_turn`) if it is believed to have our blocks up to `tip`, or all but
  /// the last few (`blocks_unheard_of`).
  std::vector<ip_address> due_polls(std::uint64_t tip, monotonic_ns now);
  /// `due_polls` has nothing before that moment; none without peers.
  std::optional<monotonic_ns> next_poll() const;

  /// The best height that has credit; 0 when there is none.
  std::uint64_t best_credit() const noexcept;
  /// The same of trusted peers: they have not failed since they last delivered, on this connection or another one that
  /// ended within `doubt_lasts`. It is what we may well say that there is.
  std::uint64_t best_trusted() const noexcept;
  /// The same of peers that have delivered something over this connection.
  std::uint64_t best_proven() const noexcept;
  /// How many peers have credit for that height.
  std::uint64_t with_credit(std::uint64_t height) const noexcept;
  /// How many of these peers claim more than that height and are trusted, as in `best_trusted`.
  std::uint64_t believed_above(std::uint64_t height, std::span<const ip_address> of) const noexcept;
  /// How many peers ever named a height.
  std::uint64_t with_claim() const noexcept;

  const peer_record* find(const ip_address& ip) const;
  /// Side by side in memory: they are walked far more often than one comes or goes.
  using peer_map = boost::container::flat_map<ip_address, peer_record>;
  const peer_map& all() const noexcept { return peers_; }

 private:
  void give_credit(peer_record& x, monotonic_ns now) noexcept;
  void limit_credit(peer_record& x, std::uint64_t height) noexcept;
  void forget_bests() noexcept;
  void poll_within_minute(peer_record& x, monotonic_ns now) noexcept;
  static bool is_trusted(const peer_record& x) noexcept;
  void rest(peer_record& x, std::uint64_t height, monotonic_ns duration, monotonic_ns now) noexcept;
  peer_record* at(const ip_address& ip);

  /// Only established peers: the registry's slots bound it.
  peer_map peers_;
  /// Who failed and is gone: who comes back at once with the same claim is asked again, but not trusted again.
  expiring_set<ip_address> doubts_{max_doubts};
  /// No peer is due before that moment: what happens between two polls does not look at all peers.
  monotonic_ns soonest_poll_ = std::numeric_limits<monotonic_ns>::max();
  /// `best_credit` and `best_trusted`, while they are known: they are asked for with every message, and most change neither.
  mutable std::optional<std::uint64_t> best_credit_;
  mutable std::optional<std::uint64_t> best_trusted_;
  random_source random_;
  std::uint64_t polled_tip_ = 0;  ///< Our height at the last `due_polls`.
  std::uint64_t asks_ = 0;
};

/// How long a peer rests after that many failures in a row (at least 1): `first_rest` doubling to
/// `max_rest`.
monotonic_ns rest_after(std::uint32_t failures) noexcept;

}  // namespace timenode::sync
