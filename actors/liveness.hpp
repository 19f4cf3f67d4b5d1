#pragma once

// When to ping and when to give a peer up: policy, without clock or socket.

#include "messages/link_types.hpp"
#include "net/random.hpp"
#include "net/transport.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

namespace timenode {

/// A ping goes out this often, ± 10 %, on both sides (architecture, section 5). 30 s is also what the
/// deployed daemon does (protocol page, section 5).
inline constexpr monotonic_ns ping_interval = 30'000'000'000;
inline constexpr double ping_jitter = 0.1;
/// A ping of the peer brings ours along when that is due within this share of the interval (so one may come up to 6 s earlier than
/// its 27 to 33 s): both ends draw from 20 % of it, so that they stay together once they are, with a packet and a wake-up fewer a
/// round.
inline constexpr double ping_joins_within = 2 * ping_jitter;
/// A peer is dead when nothing at all came for this long: three pings without any answer.
inline constexpr monotonic_ns dead_after = 90'000'000'000;
/// When a check comes this much late, this process was stopped or starved: what the peer sent meanwhile still
/// waits to be read, and silence proves nothing.
inline constexpr monotonic_ns overslept_after = 10'000'000'000;

/// The numbers of the rules; others than the defaults in tests only.
struct liveness_rules {
  monotonic_ns ping_interval = timenode::ping_interval;
  monotonic_ns dead_after = timenode::dead_after;
};

class liveness {
 public:
  liveness() = default;
  explicit liveness(liveness_rules rules) noexcept : rules_{rules} {}

  /// What to do at a check.
  struct verdict {
    bool send_ping = false;
    bool dead = false;
    bool unread = false;  ///< Dead, for it took nothing of the much that waits for it.
  };

  /// Begins with the connection: the first ping is due at once.
  void begin(monotonic_ns now) noexcept {
    last_life_ = last_taken_ = now;
    next_ping_ = now;
  }

  /// Lines of that many bytes came.
  void heard(monotonic_ns now, std::size_t bytes) noexcept {
    last_life_ = now;
    heard_bytes_ += bytes;
  }

  /// Call at `next_deadline`, or at any time. Parts of a line are life too: what of the bytes received is not in
  /// lines that were heard. While we do not read, because the peer has not read our answers, its reading them is
  /// its life. A peer for whom more than `net::send_low_water_bytes` wait has to take some of them, whatever it says.
  verdict check(monotonic_ns now, const net::connection_stats& stats,
                random_source& random) noexcept {
    const auto partial = stats.bytes_received - std::min(stats.bytes_received, heard_bytes_);
    if ((partial != partial_bytes_ && partial > 0) ||
        (stats.reading_paused && stats.bytes_sent != bytes_sent_))
      last_life_ = now;
    if (stats.send_queue_bytes <= net::send_low_water_bytes || stats.bytes_sent != bytes_sent_)
      last_taken_ = now;
    partial_bytes_ = partial;
    bytes_sent_ = stats.bytes_sent;
    if (now - next_deadline() > overslept_after) {
      const auto enough = now - rules_.dead_after + rules_.ping_interval;
      last_life_ = std::max(last_life_, enough);
      last_taken_ = std::max(last_taken_, enough);
    }
    verdict result;
    result.unread = now - last_taken_ >= rules_.dead_after;
    result.dead = result.unread || now - last_life_ >= rules_.dead_after;
    result.send_ping = !result.dead && now >= next_ping_;
    if (result.send_ping)
      next_ping_ =
          now + random.jitter(rules_.ping_interval, ping_jitter);  // missed ones are skipped
    return result;
  }

  /// A ping of the peer came. True: ours goes out with the answer, and the next one is due an interval later. One that is overdue
  /// is left to `check`, which sees by it that this process was stopped.
  bool joins_ping(monotonic_ns now, random_source& random) noexcept {
    const auto window =
        static_cast<monotonic_ns>(static_cast<double>(rules_.ping_interval) * ping_joins_within);
    if (next_ping_ <= now || next_ping_ - now > window)
      return false;
    next_ping_ = now + random.jitter(rules_.ping_interval, ping_jitter);
    return true;
  }

  monotonic_ns next_deadline() const noexcept {
    return std::min(next_ping_, last_life_ + rules_.dead_after);
  }

  /// A ping was sent.
  void sent(std::uint64_t nonce, monotonic_ns now) noexcept {
    outstanding_[next_slot_++ % outstanding_.size()] = {nonce, now};
  }

  /// A pong came: the round trip in nanoseconds if it answers one of the last pings.
  std::optional<monotonic_ns> answered(std::uint64_t nonce, monotonic_ns now) noexcept {
    for (auto& x : outstanding_)
      if (x.sent_at != 0 && x.nonce == nonce)
        return now - std::exchange(x.sent_at, 0);
    return std::nullopt;
  }

 private:
  struct ping {
    std::uint64_t nonce = 0;
    monotonic_ns sent_at = 0;  ///< 0: free.
  };

  liveness_rules rules_;
  monotonic_ns last_life_ = 0;
  monotonic_ns last_taken_ = 0;  ///< Or little waited then.
  monotonic_ns next_ping_ = 0;
  std::uint64_t heard_bytes_ = 0;    ///< Of whole lines.
  std::uint64_t partial_bytes_ = 0;  ///< Of a line that had not ended at the last check.
  std::uint64_t bytes_sent_ = 0;
  /// Four: the three of `dead_after` and one that the registry asked for.
  std::array<ping, 4> outstanding_{};
  std::uint8_t next_slot_ = 0;
};

}  // namespace timenode
