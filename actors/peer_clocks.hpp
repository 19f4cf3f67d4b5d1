#pragma once

// How far our clock is from those of our peers: pure policy of the block producer.

#include "messages/ip_address.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <vector>

namespace timenode {

/// A clock that is off by this much, in seconds, is worth a warning.
inline constexpr std::int64_t clock_warning_from = 30;
/// A masternode whose clock is off by more signs nothing: its blocks and votes would be about another moment.
inline constexpr std::int64_t clock_signs_within = 120;

class peer_clocks {
 public:
  /// A peer's clock is so many seconds ahead of ours. As many are kept as there are peers.
  void heard(const ip_address& peer, std::int64_t ahead) { ahead_[peer] = ahead; }
  void forget(const ip_address& peer) { ahead_.erase(peer); }

  /// What half of all clocks, ours included, are ahead at most: a single peer that is wrong changes nothing.
  std::int64_t offset() const {
    std::vector<std::int64_t> all{0};
    for (const auto& [ip, ahead] : ahead_)
      all.push_back(ahead);
    std::sort(all.begin(), all.end());
    // Of two in the middle, the one that is nearer to ours.
    const auto low = all[(all.size() - 1) / 2];
    const auto high = all[all.size() / 2];
    return std::llabs(low) <= std::llabs(high) ? low : high;
  }

  bool may_sign() const { return std::llabs(offset()) <= clock_signs_within; }
  bool is_off() const { return std::llabs(offset()) >= clock_warning_from; }

 private:
  std::map<ip_address, std::int64_t> ahead_;
};

}  // namespace timenode
