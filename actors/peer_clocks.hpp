#pragma once

// How far our clock is from those of our peers: pure policy of the block producer.

#include "messages/ip_address.hpp"
#include "messages/link_types.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace timenode {

/// A clock that is off by this much, in seconds, is worth a warning.
inline constexpr std::int64_t clock_warning_from = 30;
/// A masternode whose clock is off by more signs nothing: its blocks and votes would be about another moment.
inline constexpr std::int64_t clock_signs_within = 120;

/// What a connection last told of its peer's clock.
class clock_report {
 public:
  /// The peer is so many seconds ahead of us, as its last message shows. True: that is to be told, and is told now. A clock that goes
  /// as before is told again after a minute, for its first time may have come before anybody cared for the peer, and then ever less
  /// often, up to every hour. It goes as before, too, when it is one second off what was told: these are whole seconds, and where in a
  /// second a message comes is chance.
  bool is_news(std::int64_t ahead, monotonic_ns now) noexcept {
    constexpr monotonic_ns first_pause = 60'000'000'000;
    constexpr monotonic_ns longest_pause = 3600'000'000'000;
    const auto as_before = told_at_ != 0 && std::llabs(ahead - told_) <= 1;
    if (as_before && std::llabs(ahead) < clock_warning_from && now - told_at_ < pause_)
      return false;
    pause_ = as_before ? std::min(8 * pause_, longest_pause) : first_pause;
    told_ = ahead;
    told_at_ = now;
    return true;
  }

 private:
  std::int64_t told_ = 0;
  monotonic_ns told_at_ = 0;  ///< 0: never.
  monotonic_ns pause_ = 0;    ///< Until it is told again.
};

/// Whom it asks is up to the caller: anybody may connect and say any time, so what a masternode does must hang on
/// the clocks of those only who decide with it. More than half of them are as right as blocks need them to be.
class peer_clocks {
 public:
  /// A peer's clock is so many seconds ahead of ours. As many are kept as there are peers.
  void heard(const ip_address& peer, std::int64_t ahead) { ahead_[peer] = ahead; }
  void forget(const ip_address& peer) { ahead_.erase(peer); }

  /// What half of the clocks of these, ours included, are ahead at most, in seconds: a single one that is wrong changes
  /// nothing. 0 when none of them was heard.
  std::int64_t offset(const std::set<ip_address>& of) const {
    std::vector<std::int64_t> all{0};
    for (const auto& [ip, ahead] : ahead_)
      if (of.contains(ip))
        all.push_back(ahead);
    return middle(std::move(all));
  }

  /// The same of all peers: what may be told, and nothing may hang on.
  std::int64_t offset() const {
    std::vector<std::int64_t> all{0};
    for (const auto& [ip, ahead] : ahead_)
      all.push_back(ahead);
    return middle(std::move(all));
  }

 private:
  static std::int64_t middle(std::vector<std::int64_t> all) {
    std::sort(all.begin(), all.end());
    // Of two in the middle, the one that is nearer to ours.
    const auto low = all[(all.size() - 1) / 2];
    const auto high = all[all.size() / 2];
    return std::llabs(low) <= std::llabs(high) ? low : high;
  }

  std::map<ip_address, std::int64_t> ahead_;
};

}  // namespace timenode
