#pragma once

// What an operator orders about peers, and what is shown of it: part of messages/node_messages.hpp.

#include "messages/ip_network.hpp"
#include "messages/link_types.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace timenode {

// -- what is in force ---------------------------------------------------------

struct ban_snapshot {
  ip_network network;
  bool by_operator = false;  ///< Else by the ladder of violations.
  std::string reason;
  std::string evidence;    ///< The offending bytes, cut and printable; empty for an operator's ban.
  std::int64_t since = 0;  ///< Unix seconds.
  std::int64_t until = 0;  ///< Unix seconds; `net::for_good`: for good.

  bool operator==(const ban_snapshot&) const = default;

  template <class Inspector>
  friend bool inspect(Inspector& f, ban_snapshot& x) {
    return f.object(x).fields(f.field("network", x.network), f.field("by_operator", x.by_operator),
                              f.field("reason", x.reason), f.field("evidence", x.evidence),
                              f.field("since", x.since), f.field("until", x.until));
  }
};

struct trust_snapshot {
  ip_network network;
  std::string reason;      ///< The operator's words; may be empty.
  std::int64_t since = 0;  ///< Unix seconds.

  bool operator==(const trust_snapshot&) const = default;

  template <class Inspector>
  friend bool inspect(Inspector& f, trust_snapshot& x) {
    return f.object(x).fields(f.field("network", x.network), f.field("reason", x.reason),
                              f.field("since", x.since));
  }
};

// -- orders -------------------------------------------------------------------

enum class order_kind : std::uint8_t {
  ban,         ///< Keep a network out until a moment.
  unban,       ///< Lift every ban of it, or in it.
  clear_bans,  ///< Lift all bans.
  trust,       ///< Never ban a network by itself.
  untrust,
  add_peer,     ///< Stay connected to a peer, as if it were configured; until the node stops.
  remove_peer,  ///< No more.
  dial_once,    ///< Dial a peer now.
  disconnect,   ///< Close the connections of a peer.
};
template <class Inspector>
bool inspect(Inspector& f, order_kind& x) {
  return inspect_enum(f, x, order_kind::disconnect);
}

struct peer_order {
  order_kind kind = order_kind::ban;
  ip_network network;           ///< Of bans and trust.
  std::optional<endpoint> to;   ///< Of peers; `disconnect`: its IP.
  std::optional<link_id> link;  ///< `disconnect`: that connection instead.
  std::int64_t until = 0;       ///< `ban`: Unix seconds.
  std::string reason;           ///< `ban` and `trust`: the operator's words; may be empty.

  template <class Inspector>
  friend bool inspect(Inspector& f, peer_order& x) {
    return f.object(x).fields(f.field("kind", x.kind), f.field("network", x.network),
                              f.field("to", x.to), f.field("link", x.link),
                              f.field("until", x.until), f.field("reason", x.reason));
  }
};

/// What the configuration says of peers and may say anew while the node runs.
struct peer_settings {
  std::vector<ip_network> banned;
  std::vector<ip_network> trusted;
  bool trusted_only = false;  ///< Everybody else is banned.
  std::uint64_t max_peers = 0;

  template <class Inspector>
  friend bool inspect(Inspector& f, peer_settings& x) {
    return f.object(x).fields(f.field("banned", x.banned), f.field("trusted", x.trusted),
                              f.field("trusted_only", x.trusted_only),
                              f.field("max_peers", x.max_peers));
  }
};

enum class order_result : std::uint8_t {
  done,
  already,        ///< It was so before: nothing was changed.
  not_there,      ///< There is nothing to take back.
  not_connected,  ///< There is no such connection.
  refused,        ///< The order makes no sense, or a list is full.
  not_kept,       ///< Done, but a restart will forget it: it could not be written.
};
template <class Inspector>
bool inspect(Inspector& f, order_result& x) {
  return inspect_enum(f, x, order_result::not_kept);
}

struct order_reply {
  order_result result = order_result::done;
  std::string text;  ///< A sentence for the operator: what was done, or why not.

  template <class Inspector>
  friend bool inspect(Inspector& f, order_reply& x) {
    return f.object(x).fields(f.field("result", x.result), f.field("text", x.text));
  }
};

}  // namespace timenode
