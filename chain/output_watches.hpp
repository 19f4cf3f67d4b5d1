#pragma once

// Which outputs and addresses light clients want to hear of (protocol page, section 3: Subscribe, Unsubscribe,
// UTXOStateNotification). A value: whom an output concerns is told, not how it is sent.

#include "messages/ip_address.hpp"
#include "messages/outcome.hpp"
#include "messages/wire.hpp"

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace timenode::chain {

/// Subscriptions of one peer: a wallet needs one or two.
inline constexpr std::size_t max_subscriptions_per_peer = 16;
/// Addresses and outputs of all subscriptions of one peer: a large wallet's, in some 200 KiB.
inline constexpr std::size_t max_watched_per_peer = 2000;
/// Bytes of an id, and of an address: an address has 35 at most.
inline constexpr std::size_t max_subscription_id_bytes = 128;
inline constexpr std::size_t max_watched_address_bytes = 64;

class output_watches {
 public:
  /// Whether a peer may watch that much at all.
  static outcome<void> check(const wire::subscribe& x);
  /// The peer wants to hear of these; an earlier subscription of the same id is replaced. Fails, and changes
  /// nothing, when it is more than a peer may watch.
  outcome<void> subscribe(const ip_address& who, const wire::subscribe& x);
  /// Not any more. Nothing happens when there is no such subscription.
  void unsubscribe(const ip_address& who, const std::string& id);
  /// The peer is gone, with all its subscriptions.
  void forget(const ip_address& who);

  bool empty() const noexcept { return peers_.empty(); }
  /// Of all peers.
  std::size_t subscriptions() const noexcept;

  /// Who wants to hear of that output, each once. `script`: its script_pubkey, which is an address's text (protocol
  /// page, section 4); null when that is not known.
  std::vector<ip_address> watchers_of(const outpoint& output, const byte_string* script) const;

 private:
  struct peer {
    std::map<std::string, wire::subscribe> subscriptions;
    std::size_t watched = 0;
  };

  void index(const ip_address& who, const wire::subscribe& x);
  void unindex(const ip_address& who, const wire::subscribe& x);

  std::map<ip_address, peer> peers_;
  // Whom each concerns, and by how many subscriptions of his.
  std::map<outpoint, std::map<ip_address, std::size_t>> by_output_;
  std::map<std::string, std::map<ip_address, std::size_t>, std::less<>> by_address_;
};

}  // namespace timenode::chain
