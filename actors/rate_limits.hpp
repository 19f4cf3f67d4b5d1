#pragma once

// What a peer may send how often: protocol page, section 8. What exceeds it is dropped and counted, never
// punished. Peers that the operator trusts have no limits.

#include "actors/message_routes.hpp"
#include "messages/link_types.hpp"
#include "net/token_bucket.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>

namespace timenode {

using net::rate_limit;

/// The limits of one connection, and what came beyond them.
class rate_limits {
 public:
  /// May one more message of this kind be handled? If not it is counted.
  bool take(message_limit kind, monotonic_ns now) noexcept {
    if (kind == message_limit::none || limits[index(kind) - 1].take(full_at_[index(kind) - 1], now))
      return true;
    auto& over = over_[index(kind)];
    over += over < std::numeric_limits<std::uint32_t>::max();
    return false;
  }

  /// Messages beyond each limit, by its name; those that were kept are left out.
  std::map<std::string, std::uint64_t> over() const {
    std::map<std::string, std::uint64_t> result;
    for (std::size_t i = 0; i < over_.size(); ++i)
      if (over_[i] > 0)
        result.emplace(to_text(static_cast<message_limit>(i)), over_[i]);
    return result;
  }

 private:
  static constexpr std::size_t index(message_limit x) noexcept {
    return static_cast<std::size_t>(x);
  }

  // All but the third of the first four are the deployed daemon's; bursts are one second's (one minute's for subscriptions) worth. The
  // others are ours, for what it does not limit: many times what an honest peer sends (it asks for addresses and
  // masternodes once or twice after a handshake and then every ten minutes, pings every 30 s, announces itself every
  // 60 s), and so little that a flood costs us nothing.
  static constexpr std::array<rate_limit, message_limits - 1> limits{
      rate_limit{1000, 1000},  // transactions
      rate_limit{100, 100},    // utxo_queries
      // The deployed daemon takes 10 votes a second. A peer hands on those of all masternodes, so that would lose most
      // of those for one transaction, where there are more than ten; 1,000 masternodes on two transactions in a burst.
      rate_limit{500, 2000},      // votes
      rate_limit{10.0 / 60, 10},  // subscriptions
      // Consensus: more than the deployed daemon takes, since a peer hands on those of all masternodes at once, three of
      // each a block; 1,000 masternodes in a burst.
      rate_limit{500, 3000}, rate_limit{5, 20},  // pings
      rate_limit{1.0 / 10, 10},                  // lists
      rate_limit{1, 10},                         // announcements
      // Heights every few seconds, hashes some twenty at once when branches are compared. Without a limit they wait in
      // the mailbox of the actor that they go to, which has no bound.
      rate_limit{200, 500},  // answers
      // Four times what gossip takes of new items (gossip.hpp), for most items come from several peers; for the same reason.
      rate_limit{2000, 6000},  // floods
  };
  std::array<monotonic_ns, message_limits - 1> full_at_{};
  std::array<std::uint32_t, message_limits> over_{};  ///< They stop at the greatest number.
};

}  // namespace timenode
