#pragma once

// What connections, registry and directory show of peers: part of messages/node_messages.hpp.

#include "messages/ip_address.hpp"
#include "messages/link_types.hpp"
#include "messages/peer_orders.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace timenode {

// -- connections --------------------------------------------------------------

/// What a connection knows of itself. Times: `*_at` are Unix seconds (0: never), durations in microseconds.
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
  std::uint64_t dropped_messages = 0;               ///< Over a rate limit, or of no use here.
  std::map<std::string, std::uint64_t> over_limit;  ///< Of these, over which limit how many.
  std::uint64_t left_out_messages = 0;  ///< Not sent, for it had much to read; they come again.
  bool is_masternode = false;           ///< It announced itself as one on this connection.

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
        f.field("dropped_messages", x.dropped_messages), f.field("over_limit", x.over_limit),
        f.field("left_out_messages", x.left_out_messages),
        f.field("is_masternode", x.is_masternode));
  }
};

/// What a peer says of itself after the handshake, by its `Version` (net/introduction.hpp).
struct introduction {
  std::optional<std::uint64_t> nonce;  ///< Of its process.
  std::optional<ip_address> its_ip;    ///< What it holds its own address to be.
  std::optional<ip_address> our_ip;    ///< What it sees as ours.

  bool operator==(const introduction&) const = default;

  template <class Inspector>
  friend bool inspect(Inspector& f, introduction& x) {
    return f.object(x).fields(f.field("nonce", x.nonce), f.field("its_ip", x.its_ip),
                              f.field("our_ip", x.our_ip));
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

/// The registry's view of one IP that it knows, connected or not. Spans that end now (`*_ms`) are -1 when there is
/// none.
struct known_peer_snapshot {
  ip_address ip;
  std::string state;               ///< "established", "waiting-for-their-dial", "backing-off", ...
  std::int64_t state_ms = -1;      ///< For how long.
  std::string rule;                ///< The rule that applies, as a sentence.
  std::string next;                ///< What happens next, as a sentence.
  std::int64_t next_step_ms = -1;  ///< Until something happens by itself; -1: nothing is due.
  bool wanted = false;             ///< It is to be connected.
  dial_purpose purpose = dial_purpose::discovered;  ///< Why, if it is.
  std::uint32_t failures = 0;                       ///< Dials in a row that failed.
  std::string last_error;
  std::int64_t last_error_ms = -1;  ///< How long ago that was.
  bool their_dials_fail = false;    ///< They should dial us and did not come: we dial.
  bool trusted = false;             ///< By the operator.
  bool proven_masternode = false;   ///< It has shown, over its own connection, that it is one.
  std::int64_t useful_ms = -1;      ///< How long ago it gave us something new first.
  std::uint32_t violations = 0;     ///< That still count.
  std::string last_violation;
  std::string evidence;  ///< Of the last violation: the offending bytes, cut and printable.
  std::optional<ban_snapshot> ban;
  std::vector<link_id> links;

  template <class Inspector>
  friend bool inspect(Inspector& f, known_peer_snapshot& x) {
    return f.object(x).fields(
        f.field("ip", x.ip), f.field("state", x.state), f.field("state_ms", x.state_ms),
        f.field("rule", x.rule), f.field("next", x.next), f.field("next_step_ms", x.next_step_ms),
        f.field("wanted", x.wanted), f.field("purpose", x.purpose), f.field("failures", x.failures),
        f.field("last_error", x.last_error), f.field("last_error_ms", x.last_error_ms),
        f.field("their_dials_fail", x.their_dials_fail), f.field("trusted", x.trusted),
        f.field("proven_masternode", x.proven_masternode), f.field("useful_ms", x.useful_ms),
        f.field("violations", x.violations), f.field("last_violation", x.last_violation),
        f.field("evidence", x.evidence), f.field("ban", x.ban), f.field("links", x.links));
  }
};

struct registry_snapshot {
  std::optional<ip_address> local_ip;  ///< Our own, when known.
  std::string local_ip_source;         ///< How we know, as a phrase; why not, when we do not.
  std::vector<link_snapshot> links;
  std::vector<known_peer_snapshot> peers;
  std::vector<ban_snapshot> bans;
  std::vector<trust_snapshot> trusts;
  std::uint64_t established = 0;                 ///< Peers (IPs) with an established connection.
  std::map<std::string, std::uint64_t> ended;    ///< Connections that ended, by cause.
  std::map<std::string, std::uint64_t> refused;  ///< Connections that were not let in, by reason.
  std::string
      not_kept;  ///< Why bans and trust cannot be written for the next start; empty: they can.

  template <class Inspector>
  friend bool inspect(Inspector& f, registry_snapshot& x) {
    return f.object(x).fields(
        f.field("local_ip", x.local_ip), f.field("local_ip_source", x.local_ip_source),
        f.field("links", x.links), f.field("peers", x.peers), f.field("bans", x.bans),
        f.field("trusts", x.trusts), f.field("established", x.established),
        f.field("ended", x.ended), f.field("refused", x.refused), f.field("not_kept", x.not_kept));
  }
};

// -- directory ----------------------------------------------------------------

struct directory_snapshot {
  std::uint64_t known = 0;       ///< Addresses in the book.
  std::uint64_t configured = 0;  ///< Of which configured.
  std::uint64_t wanted = 0;      ///< Asked of the registry and not yet connected.
  std::uint64_t connected = 0;
  std::uint64_t reached = 0;  ///< Addresses that we dialed with success at some time.
  std::uint64_t groups = 0;   ///< Address groups that they are in.
  std::uint64_t anchors = 0;  ///< Peers of the last run that are tried first.
  std::string not_kept;       ///< Why the book cannot be written for the next start; empty: it can.

  template <class Inspector>
  friend bool inspect(Inspector& f, directory_snapshot& x) {
    return f.object(x).fields(f.field("known", x.known), f.field("configured", x.configured),
                              f.field("wanted", x.wanted), f.field("connected", x.connected),
                              f.field("reached", x.reached), f.field("groups", x.groups),
                              f.field("anchors", x.anchors), f.field("not_kept", x.not_kept));
  }
};

/// What the address book knows of one IP.
struct address_snapshot {
  bool known = false;
  endpoint at;
  dial_purpose purpose = dial_purpose::discovered;
  std::optional<ip_address> source;  ///< Who named it; none: we know it ourselves.
  std::int64_t last_success = 0;     ///< Of a dial of ours, Unix seconds; 0: never.
  std::int64_t last_seen = 0;        ///< Connected, whoever dialed, Unix seconds; 0: never.
  std::uint32_t failures = 0;        ///< In a row.
  bool anchor = false;
  std::string why;  ///< Why it is wanted or not, as a sentence.

  template <class Inspector>
  friend bool inspect(Inspector& f, address_snapshot& x) {
    return f.object(x).fields(f.field("known", x.known), f.field("at", x.at),
                              f.field("purpose", x.purpose), f.field("source", x.source),
                              f.field("last_success", x.last_success),
                              f.field("last_seen", x.last_seen), f.field("failures", x.failures),
                              f.field("anchor", x.anchor), f.field("why", x.why));
  }
};

/// All that the node knows of one IP.
struct peer_explanation {
  known_peer_snapshot peer;
  address_snapshot address;
  std::vector<peer_snapshot> connections;  ///< Those that answered.
  std::vector<std::string> silent;         ///< Actors that did not answer in time.

  template <class Inspector>
  friend bool inspect(Inspector& f, peer_explanation& x) {
    return f.object(x).fields(f.field("peer", x.peer), f.field("address", x.address),
                              f.field("connections", x.connections), f.field("silent", x.silent));
  }
};

}  // namespace timenode
