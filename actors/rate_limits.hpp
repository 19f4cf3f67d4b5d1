#pragma once

// What a peer may send how often: protocol page, section 8. What exceeds it is dropped and counted, never
// punished. Peers that the operator trusts have no limits.

#include "actors/message_routes.hpp"
#include "messages/link_types.hpp"
#include "net/token_bucket.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace timenode {

using net::token_bucket;

/// The limits of one connection, and what came beyond them.
class rate_limits {
public:
  /// May one more message of this kind be handled? If not it is counted.
  bool take(message_limit kind, monotonic_ns now) noexcept {
    if (kind == message_limit::none || bucket(kind).take(now))
      return true;
    ++over_[index(kind)];
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
  static constexpr std::size_t index(message_limit x) noexcept { return static_cast<std::size_t>(x); }

  token_bucket& bucket(message_limit kind) noexcept { return buckets_[index(kind) - 1]; }

  // All but the third of the first four are the deployed daemon's; bursts are one second's (one minute's for subscriptions) worth. The
  // others are ours, for what it does not limit: many times what an honest peer sends (it asks for addresses and
  // masternodes once or twice after a handshake and then every ten minutes, pings every 30 s, announces itself every
  // 60 s), and so little that a flood costs us nothing.
  std::array<token_bucket, message_limits - 1> buckets_{
    token_bucket{1000, 1000},    // transactions
    token_bucket{100, 100},      // utxo_queries
    // The deployed daemon takes 10 votes a second. A peer hands on those of all masternodes, so that would lose most
    // of those for one transaction, where there are more than ten; 1,000 masternodes on two transactions in a burst.
    token_bucket{500, 2000},     // votes
    token_bucket{10.0 / 60, 10}, // subscriptions
    // Consensus: more than the deployed daemon takes, since a peer hands on those of all masternodes at once, three of
    // each a block; 1,000 masternodes in a burst.
    token_bucket{500, 3000},
    token_bucket{5, 20},         // pings
    token_bucket{1.0 / 10, 10},  // lists
    token_bucket{1, 10},         // announcements
    // Heights every few seconds, hashes some twenty at once when branches are compared. Without a limit they wait in
    // the mailbox of the actor that they go to, which has no bound.
    token_bucket{200, 500},      // answers
    // Four times what gossip takes of new items (gossip.hpp), for most items come from several peers; for the same reason.
    token_bucket{2000, 6000},    // floods
  };
  std::array<std::uint64_t, message_limits> over_{};
};

} // namespace timenode
