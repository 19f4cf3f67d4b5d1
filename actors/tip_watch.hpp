#pragma once

// Whether our peers have the chain that we have: each is asked now and then for its block at our
// height, or at its own if that is lower. Without this two nodes of equal height on different
// branches would never notice. Pure.

#include "actors/hash_desk.hpp"
#include "actors/sync_types.hpp"
#include "net/random.hpp"

#include <boost/container/flat_map.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace timenode::sync {

/// How often a peer is asked, and by which share that varies: networks that were apart are to be one
/// again within a minute, of which polls and the download take some seconds.
inline constexpr monotonic_ns tip_check_interval = in_ns(std::chrono::seconds{30});
inline constexpr double tip_check_jitter = 0.1;
/// A peer that showed our block at our present height is asked only after so many of these intervals until that height changes, and with
/// many peers only when it is its turn (`tips_in_turn`): who changes to another branch announces its tip, so a question is
/// needed only when that was lost. Of those that showed our block at an earlier height one turn is asked about each new one.
inline constexpr std::int64_t same_tip_checked_every = 4;
/// However much there is news of a peer, it is asked this often at most.
inline constexpr monotonic_ns least_tip_check_interval = in_ns(std::chrono::seconds{3});

/// How a peer's chain compares with ours, as far as it told.
enum class tip_relation : std::uint8_t {
  unknown,  ///< It was not asked, or did not answer.
  same,     ///< It has our block at our height.
  behind,   ///< It is lower than we, and its highest block is ours.
  differs,  ///< It has another block than we.
};

/// How many peers are what.
struct tip_census {
  std::uint64_t same = 0;
  std::uint64_t behind = 0;
  std::uint64_t differ = 0;
  std::uint64_t unknown = 0;
  bool operator==(const tip_census&) const = default;
};

class tip_watch {
 public:
  explicit tip_watch(std::uint64_t seed) : random_{seed} {}

  /// A peer is there, or talks over another connection from now on.
  void up(const ip_address& ip, monotonic_ns now);
  void down(const ip_address& ip) { peers_.erase(ip); }

  /// The peer says that this is its height.
  void height_is(const ip_address& ip, std::uint64_t height, monotonic_ns now);
  /// There is reason to ask that peer soon.
  void hurry(const ip_address& ip, monotonic_ns now);
  /// Our chain is another one than before: nothing is known any more.
  void start_over(monotonic_ns now);

  /// What is to be asked now, our height being this, and with it what soon would be (`asked_together`); the next time
  /// is set.
  std::vector<hash_question> due(std::uint64_t tip, monotonic_ns now);
  /// `due` has nothing to ask before that moment; none without peers that named a height.
  std::optional<monotonic_ns> next() const noexcept { return soonest_; }

  /// The peer has our block at that height, or another one.
  void compared(const ip_address& ip, std::uint64_t height, bool same);

  /// How a peer compares with our chain, whose height is `tip`.
  tip_relation relation(const ip_address& ip, std::uint64_t tip) const noexcept;
  tip_census census(std::uint64_t tip) const noexcept;

 private:
  struct watched {
    std::optional<std::uint64_t> height;  ///< The last that it named.
    std::optional<monotonic_ns> last;     ///< When it was asked last.
    monotonic_ns next = 0;
    std::uint64_t asked = 0;  ///< The height that it was asked about last.
    bool has_news = false;    ///< Since it was asked last (`hurry`).
    bool answered = false;
    bool differs = false;
  };

  static tip_relation relation_of(const watched& x, std::uint64_t tip) noexcept;

  void take_turn_about(std::uint64_t tip, monotonic_ns now);
  void consider(const watched& x) noexcept;

  boost::container::flat_map<ip_address, watched>
      peers_;                            ///< Established ones: the registry's slots bound them.
  std::optional<monotonic_ns> soonest_;  ///< No peer is due before; none: nobody is.
  std::uint64_t tip_ = 0;                ///< Our height, as far as `due` knows.
  random_source random_;
};

}  // namespace timenode::sync
