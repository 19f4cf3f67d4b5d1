#pragma once

// What actors tell each other of connections, peers and flooded items. Times: `*_at` are Unix
// seconds, other durations as named.

#include "messages/ip_address.hpp"
#include "messages/link_types.hpp"
#include "messages/wire_codec.hpp"

#include <caf/inspector_access.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace timenode {

/// An established peer, as told to those who work with it.
struct peer_info {
  ip_address ip;
  link_id link = 0;
  link_direction direction = link_direction::inbound;
  endpoint remote;  ///< Of this connection; for an inbound one the port is not where it listens.

  template <class Inspector>
  friend bool inspect(Inspector& f, peer_info& x) {
    return f.object(x).fields(f.field("ip", x.ip), f.field("link", x.link),
                              f.field("direction", x.direction), f.field("remote", x.remote));
  }
};

/// A connection's last message to the registry.
struct link_report {
  link_id link = 0;
  link_end cause = link_end::internal_error;
  std::string reason;  ///< For people.

  template <class Inspector>
  friend bool inspect(Inspector& f, link_report& x) {
    return f.object(x).fields(f.field("link", x.link), f.field("cause", x.cause),
                              f.field("reason", x.reason));
  }
};

/// Bytes of a peer that are provably wrong (protocol page, section 8).
struct violation {
  ip_address ip;
  link_id link = 0;  ///< 0: not seen on one connection in particular.
  std::string reason;
  std::string evidence;  ///< The offending bytes, cut and printable.

  template <class Inspector>
  friend bool inspect(Inspector& f, violation& x) {
    return f.object(x).fields(f.field("ip", x.ip), f.field("link", x.link),
                              f.field("reason", x.reason), f.field("evidence", x.evidence));
  }
};

/// Why the directory wants a peer. Configured peers and masternodes are never given up.
enum class dial_purpose : std::uint8_t { configured, masternode, discovered };
constexpr std::string_view to_text(dial_purpose x) noexcept {
  constexpr std::string_view names[]{"configured", "masternode", "discovered"};
  return names[static_cast<std::size_t>(x)];
}
template <class Inspector>
bool inspect(Inspector& f, dial_purpose& x) {
  return inspect_enum(f, x, dial_purpose::discovered);
}

/// What came of a dial, told to the directory.
struct dial_report {
  endpoint to;
  bool reached = false;        ///< The handshake was done.
  std::uint32_t failures = 0;  ///< In a row.
  std::string reason;          ///< Of the failure.

  template <class Inspector>
  friend bool inspect(Inspector& f, dial_report& x) {
    return f.object(x).fields(f.field("to", x.to), f.field("reached", x.reached),
                              f.field("failures", x.failures), f.field("reason", x.reason));
  }
};

/// Encoded lines, shared by all who send them.
struct encoded_line {
  wire::shared_line bytes;  ///< Never null.

  template <class Inspector>
  friend bool inspect(Inspector& f, encoded_line& x) {
    if constexpr (Inspector::is_loading) {
      std::string text;
      if (!f.apply(text))
        return false;
      x.bytes = std::make_shared<const std::string>(std::move(text));
      return true;
    } else {
      auto text = x.bytes ? *x.bytes : std::string{};
      return f.apply(text);
    }
  }
};

/// What a connection knows of itself. Times: `*_at` are Unix seconds (0: never), durations in
/// microseconds.
struct peer_snapshot {
  ip_address ip;
  link_id link = 0;
  link_direction direction = link_direction::inbound;
  link_phase phase = link_phase::connecting;
  endpoint remote;
  std::optional<endpoint> local;
  std::int64_t connected_at = 0;  ///< When the socket was up.
  std::int64_t last_send_at = 0;
  std::int64_t last_received_at = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t send_queue_bytes = 0;
  std::uint64_t messages_sent = 0;
  std::uint64_t messages_received = 0;
  std::uint64_t pings_sent = 0;
  std::uint64_t pongs_received = 0;
  std::uint64_t pings_answered = 0;         ///< Pings of the peer that we answered.
  std::optional<std::int64_t> ping_us;      ///< Last round trip.
  std::optional<std::int64_t> min_ping_us;  ///< Best round trip.
  std::optional<std::uint64_t> height;      ///< Last height that the peer named.
  std::string version;                      ///< From its `Version`; empty for the reference.
  std::vector<std::string> capabilities;
  std::uint32_t violations = 0;  ///< On this connection.
  std::uint64_t unknown_messages = 0;
  std::uint64_t dropped_messages = 0;  ///< Over a rate limit.
  bool is_masternode = false;          ///< It announced itself as one on this connection.

  template <class Inspector>
  friend bool inspect(Inspector& f, peer_snapshot& x) {
    return f.object(x).fields(
        f.field("ip", x.ip), f.field("link", x.link), f.field("direction", x.direction),
        f.field("phase", x.phase), f.field("remote", x.remote), f.field("local", x.local),
        f.field("connected_at", x.connected_at), f.field("last_send_at", x.last_send_at),
        f.field("last_received_at", x.last_received_at), f.field("bytes_sent", x.bytes_sent),
        f.field("bytes_received", x.bytes_received),
        f.field("send_queue_bytes", x.send_queue_bytes), f.field("messages_sent", x.messages_sent),
        f.field("messages_received", x.messages_received), f.field("pings_sent", x.pings_sent),
        f.field("pongs_received", x.pongs_received), f.field("pings_answered", x.pings_answered),
        f.field("ping_us", x.ping_us), f.field("min_ping_us", x.min_ping_us),
        f.field("height", x.height), f.field("version", x.version),
        f.field("capabilities", x.capabilities), f.field("violations", x.violations),
        f.field("unknown_messages", x.unknown_messages),
        f.field("dropped_messages", x.dropped_messages), f.field("is_masternode", x.is_masternode));
  }
};

// -- registry -----------------------------------------------------------------

/// The registry's view of one connection.
struct link_snapshot {
  link_id link = 0;
  ip_address ip;
  link_direction direction = link_direction::inbound;
  link_phase phase = link_phase::connecting;

  template <class Inspector>
  friend bool inspect(Inspector& f, link_snapshot& x) {
    return f.object(x).fields(f.field("link", x.link), f.field("ip", x.ip),
                              f.field("direction", x.direction), f.field("phase", x.phase));
  }
};

/// The registry's view of one IP that it knows, connected or not.
struct known_peer_snapshot {
  ip_address ip;
  std::string state;               ///< "established", "waiting-for-their-dial", "backing-off", ...
  std::string rule;                ///< The rule that applies, as a sentence.
  std::int64_t next_step_ms = -1;  ///< Until something happens by itself; -1: nothing is due.
  std::uint32_t failures = 0;      ///< Dials in a row that failed.
  std::string last_error;
  bool their_dials_fail = false;  ///< They should dial us and did not come: we dial.
  std::vector<link_id> links;

  template <class Inspector>
  friend bool inspect(Inspector& f, known_peer_snapshot& x) {
    return f.object(x).fields(f.field("ip", x.ip), f.field("state", x.state),
                              f.field("rule", x.rule), f.field("next_step_ms", x.next_step_ms),
                              f.field("failures", x.failures), f.field("last_error", x.last_error),
                              f.field("their_dials_fail", x.their_dials_fail),
                              f.field("links", x.links));
  }
};

struct ban_snapshot {
  ip_address ip;
  std::string reason;
  std::string evidence;
  std::int64_t until = 0;  ///< Unix seconds.

  template <class Inspector>
  friend bool inspect(Inspector& f, ban_snapshot& x) {
    return f.object(x).fields(f.field("ip", x.ip), f.field("reason", x.reason),
                              f.field("evidence", x.evidence), f.field("until", x.until));
  }
};

struct registry_snapshot {
  std::optional<ip_address> local_ip;  ///< Our own, when known.
  std::vector<link_snapshot> links;
  std::vector<known_peer_snapshot> peers;
  std::vector<ban_snapshot> bans;
  std::uint64_t established = 0;               ///< Peers (IPs) with an established connection.
  std::map<std::string, std::uint64_t> ended;  ///< Connections that ended, by cause.

  template <class Inspector>
  friend bool inspect(Inspector& f, registry_snapshot& x) {
    return f.object(x).fields(f.field("local_ip", x.local_ip), f.field("links", x.links),
                              f.field("peers", x.peers), f.field("bans", x.bans),
                              f.field("established", x.established), f.field("ended", x.ended));
  }
};

// -- directory ----------------------------------------------------------------

struct directory_snapshot {
  std::uint64_t known = 0;       ///< Addresses in the book.
  std::uint64_t configured = 0;  ///< Of which configured.
  std::uint64_t wanted = 0;      ///< Asked of the registry and not yet connected.
  std::uint64_t connected = 0;

  template <class Inspector>
  friend bool inspect(Inspector& f, directory_snapshot& x) {
    return f.object(x).fields(f.field("known", x.known), f.field("configured", x.configured),
                              f.field("wanted", x.wanted), f.field("connected", x.connected));
  }
};

// -- flooding -----------------------------------------------------------------

/// What the owner of a flooded item says of it.
enum class flood_verdict : std::uint8_t {
  forward,  ///< Valid and new: send it on.
  ignore,   ///< Nothing wrong, nothing to send on (old, unknown parent, not ours to judge).
  invalid,  ///< Provably wrong: a violation of whoever sent it.
};
template <class Inspector>
bool inspect(Inspector& f, flood_verdict& x) {
  return inspect_enum(f, x, flood_verdict::invalid);
}

struct flood_judgement {
  flood_verdict verdict = flood_verdict::ignore;
  std::string reason;  ///< Why, when not `forward`.

  template <class Inspector>
  friend bool inspect(Inspector& f, flood_judgement& x) {
    return f.object(x).fields(f.field("verdict", x.verdict), f.field("reason", x.reason));
  }
};

struct gossip_snapshot {
  std::uint64_t seen = 0;        ///< Hashes remembered.
  std::uint64_t forwarded = 0;   ///< Items sent on.
  std::uint64_t duplicates = 0;  ///< Items that came again.
  std::uint64_t invalid = 0;
  std::uint64_t ignored =
      0;  ///< Items that their judge did not want sent on, or did not judge in time.
  std::uint64_t over_limit = 0;     ///< Items dropped, for their peer sends too many.
  std::uint64_t without_judge = 0;  ///< Items of kinds that nobody here can judge.

  template <class Inspector>
  friend bool inspect(Inspector& f, gossip_snapshot& x) {
    return f.object(x).fields(f.field("seen", x.seen), f.field("forwarded", x.forwarded),
                              f.field("duplicates", x.duplicates), f.field("invalid", x.invalid),
                              f.field("ignored", x.ignored), f.field("over_limit", x.over_limit),
                              f.field("without_judge", x.without_judge));
  }
};

}  // namespace timenode
