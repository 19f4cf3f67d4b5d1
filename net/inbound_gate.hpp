#pragma once

// Who of those that connect to us is listened to at all: how fast connections are accepted, and whose handshake makes
// room when too many are under way. A value without clock or socket.
//
// A stranger that connects and then says nothing costs a socket for 10 s. Were newcomers refused while all places are
// taken by such, some hundred silent connections would keep everyone out; so it is the oldest silent one that goes:
// an honest peer sends its handshake within a round trip, long before its turn comes.

#include "messages/ip_address.hpp"
#include "messages/link_types.hpp"
#include "net/token_bucket.hpp"

#include <cstddef>
#include <list>
#include <map>
#include <optional>
#include <unordered_map>

namespace timenode::net {

struct inbound_limits {
  /// Handshakes that others began and that are under way at once: strangers can hold no more of our sockets.
  std::size_t handshakes = 256;
  /// Connections that are accepted in a second, and in one burst. With the numbers of a node of usual size the
  /// fastest flood leaves each handshake more than a second before it has to make room: the slowest round trip on
  /// Earth and then some. One connection costs some 100 us, so that a flood costs 2 % of a core.
  double per_second = 200;
  double burst = 400;
  /// One address group gets at most this share of all of the above.
  double share_of_group = 0.25;

  /// What fits to that many peers: when the sites of all of them come back at once, they are let in within seconds.
  static inbound_limits for_peers(std::size_t max_peers) noexcept;
};

class inbound_gate {
 public:
  explicit inbound_gate(inbound_limits limits) noexcept;

  struct decision {
    std::optional<inbound_refusal> refused;  ///< None: admitted.
    std::optional<link_id> drop;             ///< Whose handshake makes room.
  };

  /// Somebody connected. `favoured`: wanted or trusted by us, so that neither rate nor room applies.
  decision arrived(const ip_address& ip, bool favoured, monotonic_ns now);
  /// It was let in under that number; its handshake is under way.
  void begun(link_id id, const ip_address& ip, bool favoured);
  /// Its handshake is done, or its connection ends. Does nothing for others.
  void finished(link_id id);
  /// Handshakes under way, the favoured ones included.
  std::size_t under_way() const noexcept { return by_id_.size(); }

 private:
  struct group;
  struct place {
    std::map<ip_address, group>::iterator in;
    std::list<link_id>::iterator at;  ///< In its group, the oldest first.
    bool favoured = false;
  };
  /// Those of one address group.
  struct group {
    token_bucket rate;
    std::list<link_id> handshakes;  ///< The oldest first; not the favoured ones.
  };

  group& group_for(const ip_address& ip, monotonic_ns now);
  void forget_idle_groups(monotonic_ns now);
  std::optional<link_id> oldest_of_largest_group() const;

  inbound_limits limits_;
  token_bucket rate_;
  std::map<ip_address, group> groups_;
  std::unordered_map<link_id, place> by_id_;
  std::size_t favoured_ = 0;
};

}  // namespace timenode::net
