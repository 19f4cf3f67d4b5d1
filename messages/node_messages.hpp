#pragma once

// What actors tell each other, apart from the wire messages themselves: plain structs, and the CAF type
// ids of every type that travels. Who sends what to whom is in actors/interfaces.hpp.
// Every type here can cross to another machine: shared objects inspect as their value.

#include "messages/ip_address.hpp"
#include "messages/ledger.hpp"
#include "messages/link_types.hpp"
#include "messages/network.hpp"
#include "messages/wire_codec.hpp"

#include <caf/inspector_access.hpp>
#include <caf/type_id.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace timenode {

// -- how blocks travel ----------------------------------------------------------

/// A block travels as its JSON text: the one encoding that every version understands.
std::string block_to_text(const block& x);
/// Null when the text is no block.
block_ptr block_from_text(const std::string& text);

template <class Inspector>
bool inspect_block(Inspector& f, block_ptr& x) {
  if constexpr (Inspector::is_loading) {
    std::string text;
    if (!f.apply(text))
      return false;
    x = block_from_text(text);
    return x != nullptr;
  } else {
    auto text = x ? block_to_text(*x) : std::string{};
    return f.apply(text);
  }
}

/// A block on its way between actors. Wraps the pointer, for CAF treats pointers in its own way.
struct block_handle {
  block_ptr block; ///< Never null.

  template <class Inspector>
  friend bool inspect(Inspector& f, block_handle& x) {
    return inspect_block(f, x.block);
  }
};

// -- connections --------------------------------------------------------------

/// An established peer, as told to those who work with it.
struct peer_info {
  ip_address ip;
  link_id link = 0;
  link_direction direction = link_direction::inbound;
  endpoint remote; ///< Of this connection; for an inbound one the port is not where it listens.

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
  std::string reason; ///< For people.

  template <class Inspector>
  friend bool inspect(Inspector& f, link_report& x) {
    return f.object(x).fields(f.field("link", x.link), f.field("cause", x.cause),
                              f.field("reason", x.reason));
  }
};

/// Bytes of a peer that are provably wrong (protocol page, section 8).
struct violation {
  ip_address ip;
  link_id link = 0; ///< 0: not seen on one connection in particular.
  std::string reason;
  std::string evidence; ///< The offending bytes, cut and printable.

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
  bool reached = false;       ///< The handshake was done.
  std::uint32_t failures = 0; ///< In a row.
  std::string reason;         ///< Of the failure.

  template <class Inspector>
  friend bool inspect(Inspector& f, dial_report& x) {
    return f.object(x).fields(f.field("to", x.to), f.field("reached", x.reached),
                              f.field("failures", x.failures), f.field("reason", x.reason));
  }
};

/// Encoded lines, shared by all who send them.
struct encoded_line {
  wire::shared_line bytes; ///< Never null.

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

/// What a connection knows of itself. Times: `*_at` are Unix seconds (0: never), durations in microseconds.
struct peer_snapshot {
  ip_address ip;
  link_id link = 0;
  link_direction direction = link_direction::inbound;
  link_phase phase = link_phase::connecting;
  endpoint remote;
  std::optional<endpoint> local;
  std::int64_t connected_at = 0; ///< When the socket was up.
  std::int64_t last_send_at = 0;
  std::int64_t last_received_at = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t send_queue_bytes = 0;
  std::uint64_t messages_sent = 0;
  std::uint64_t messages_received = 0;
  std::uint64_t pings_sent = 0;
  std::uint64_t pongs_received = 0;
  std::uint64_t pings_answered = 0; ///< Pings of the peer that we answered.
  std::optional<std::int64_t> ping_us;     ///< Last round trip.
  std::optional<std::int64_t> min_ping_us; ///< Best round trip.
  std::optional<std::uint64_t> height;     ///< Last height that the peer named.
  std::string version;                     ///< From its `Version`; empty for the reference.
  std::vector<std::string> capabilities;
  std::uint32_t violations = 0; ///< On this connection.
  std::uint64_t unknown_messages = 0;
  std::uint64_t dropped_messages = 0; ///< Over a rate limit.
  bool is_masternode = false;         ///< It announced itself as one on this connection.

  template <class Inspector>
  friend bool inspect(Inspector& f, peer_snapshot& x) {
    return f.object(x).fields(
      f.field("ip", x.ip), f.field("link", x.link), f.field("direction", x.direction),
      f.field("phase", x.phase), f.field("remote", x.remote), f.field("local", x.local),
      f.field("connected_at", x.connected_at), f.field("last_send_at", x.last_send_at),
      f.field("last_received_at", x.last_received_at), f.field("bytes_sent", x.bytes_sent),
      f.field("bytes_received", x.bytes_received), f.field("send_queue_bytes", x.send_queue_bytes),
      f.field("messages_sent", x.messages_sent), f.field("messages_received", x.messages_received),
      f.field("pings_sent", x.pings_sent), f.field("pongs_received", x.pongs_received),
      f.field("pings_answered", x.pings_answered), f.field("ping_us", x.ping_us),
      f.field("min_ping_us", x.min_ping_us), f.field("height", x.height),
      f.field("version", x.version), f.field("capabilities", x.capabilities),
      f.field("violations", x.violations), f.field("unknown_messages", x.unknown_messages),
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
  std::string state;             ///< "established", "waiting-for-their-dial", "backing-off", ...
  std::string rule;              ///< The rule that applies, as a sentence.
  std::int64_t next_step_ms = -1; ///< Until something happens by itself; -1: nothing is due.
  std::uint32_t failures = 0;    ///< Dials in a row that failed.
  std::string last_error;
  bool their_dials_fail = false; ///< They should dial us and did not come: we dial.
  std::vector<link_id> links;

  template <class Inspector>
  friend bool inspect(Inspector& f, known_peer_snapshot& x) {
    return f.object(x).fields(f.field("ip", x.ip), f.field("state", x.state),
                              f.field("rule", x.rule), f.field("next_step_ms", x.next_step_ms),
                              f.field("failures", x.failures),
                              f.field("last_error", x.last_error),
                              f.field("their_dials_fail", x.their_dials_fail),
                              f.field("links", x.links));
  }
};

struct ban_snapshot {
  ip_address ip;
  std::string reason;
  std::string evidence;
  std::int64_t until = 0; ///< Unix seconds.

  template <class Inspector>
  friend bool inspect(Inspector& f, ban_snapshot& x) {
    return f.object(x).fields(f.field("ip", x.ip), f.field("reason", x.reason),
                              f.field("evidence", x.evidence), f.field("until", x.until));
  }
};

struct registry_snapshot {
  std::optional<ip_address> local_ip; ///< Our own, when known.
  std::vector<link_snapshot> links;
  std::vector<known_peer_snapshot> peers;
  std::vector<ban_snapshot> bans;
  std::uint64_t established = 0; ///< Peers (IPs) with an established connection.
  std::map<std::string, std::uint64_t> ended; ///< Connections that ended, by cause.

  template <class Inspector>
  friend bool inspect(Inspector& f, registry_snapshot& x) {
    return f.object(x).fields(f.field("local_ip", x.local_ip), f.field("links", x.links),
                              f.field("peers", x.peers), f.field("bans", x.bans),
                              f.field("established", x.established), f.field("ended", x.ended));
  }
};

// -- directory ----------------------------------------------------------------

struct directory_snapshot {
  std::uint64_t known = 0;      ///< Addresses in the book.
  std::uint64_t configured = 0; ///< Of which configured.
  std::uint64_t wanted = 0;     ///< Asked of the registry and not yet connected.
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
  std::string reason; ///< Why, when not `forward`.

  template <class Inspector>
  friend bool inspect(Inspector& f, flood_judgement& x) {
    return f.object(x).fields(f.field("verdict", x.verdict), f.field("reason", x.reason));
  }
};

struct gossip_snapshot {
  std::uint64_t seen = 0;       ///< Hashes remembered.
  std::uint64_t forwarded = 0;  ///< Items sent on.
  std::uint64_t duplicates = 0; ///< Items that came again.
  std::uint64_t invalid = 0;
  std::uint64_t ignored = 0;    ///< Items that their judge did not want sent on, or did not judge in time.
  std::uint64_t over_limit = 0; ///< Items dropped, for their peer sends too many.
  std::uint64_t without_judge = 0; ///< Items of kinds that nobody here can judge.

  template <class Inspector>
  friend bool inspect(Inspector& f, gossip_snapshot& x) {
    return f.object(x).fields(f.field("seen", x.seen), f.field("forwarded", x.forwarded),
                              f.field("duplicates", x.duplicates), f.field("invalid", x.invalid),
                              f.field("ignored", x.ignored), f.field("over_limit", x.over_limit),
                              f.field("without_judge", x.without_judge));
  }
};

// -- chain --------------------------------------------------------------------

/// Blocks, shared, on their way between actors.
struct block_batch {
  std::vector<block_ptr> blocks;

  template <class Inspector>
  friend bool inspect(Inspector& f, block_batch& x) {
    if constexpr (Inspector::is_loading) {
      std::vector<std::string> texts;
      if (!f.apply(texts))
        return false;
      x.blocks.clear();
      for (const auto& text : texts)
        if (x.blocks.push_back(block_from_text(text)); !x.blocks.back())
          return false;
      return true;
    } else {
      std::vector<std::string> texts;
      for (const auto& y : x.blocks)
        texts.push_back(block_to_text(*y));
      return f.apply(texts);
    }
  }
};

template <class Inspector>
bool inspect(Inspector& f, checked_block& x) {
  auto handle = block_handle{x.block};
  auto bytes = static_cast<std::uint64_t>(x.bytes);
  if (!f.object(x).fields(f.field("block", handle), f.field("hash", x.hash),
                          f.field("txids", x.txids), f.field("bytes", bytes)))
    return false;
  x.block = handle.block;
  x.bytes = static_cast<std::size_t>(bytes);
  return true;
}

/// Blocks that passed `chain::check_block`, in order.
struct checked_batch {
  std::vector<checked_block> blocks;

  template <class Inspector>
  friend bool inspect(Inspector& f, checked_batch& x) {
    return f.object(x).fields(f.field("blocks", x.blocks));
  }
};

/// What the block checker says.
struct check_reply {
  std::vector<checked_block> checked; ///< From the front.
  std::string rejected;               ///< Why the next one was not; empty: all passed.

  template <class Inspector>
  friend bool inspect(Inspector& f, check_reply& x) {
    return f.object(x).fields(f.field("checked", x.checked), f.field("rejected", x.rejected));
  }
};

/// What the keeper says to blocks that it was given.
struct apply_reply {
  chain_tip tip;               ///< Now.
  std::uint64_t applied = 0;   ///< How many from the front are stored.
  std::string rejected;        ///< Why the next one was not; empty: none was refused.
  bool storage_failed = false; ///< The disk is at fault, not the block.

  template <class Inspector>
  friend bool inspect(Inspector& f, apply_reply& x) {
    return f.object(x).fields(f.field("tip", x.tip), f.field("applied", x.applied),
                              f.field("rejected", x.rejected),
                              f.field("storage_failed", x.storage_failed));
  }
};

struct keeper_snapshot {
  chain_tip tip;
  std::uint64_t blocks_applied = 0; ///< Since start.
  std::uint64_t batches = 0;        ///< Store commits since start.
  std::uint64_t blocks_refused = 0;
  std::string storage_error; ///< Empty: the store works.

  template <class Inspector>
  friend bool inspect(Inspector& f, keeper_snapshot& x) {
    return f.object(x).fields(f.field("tip", x.tip), f.field("blocks_applied", x.blocks_applied),
                              f.field("batches", x.batches),
                              f.field("blocks_refused", x.blocks_refused),
                              f.field("storage_error", x.storage_error));
  }
};

/// What the sync engine is at.
struct sync_snapshot {
  std::string state;            ///< "idle", "syncing", "waiting-for-peers", ...
  std::uint64_t height = 0;     ///< Ours.
  std::uint64_t target = 0;     ///< Best claim that has credit; our height when there is none.
  std::uint64_t peers = 0;      ///< That we can ask.
  std::uint64_t outstanding = 0; ///< Requests under way.
  std::uint64_t buffered_blocks = 0; ///< Waiting for their turn.
  std::uint64_t buffered_bytes = 0;
  double blocks_per_second = 0; ///< Over the last seconds.
  std::int64_t eta_seconds = -1; ///< -1: unknown.
  std::map<ip_address, std::uint64_t> claims; ///< Height by peer.

  template <class Inspector>
  friend bool inspect(Inspector& f, sync_snapshot& x) {
    return f.object(x).fields(
      f.field("state", x.state), f.field("height", x.height), f.field("target", x.target),
      f.field("peers", x.peers), f.field("outstanding", x.outstanding),
      f.field("buffered_blocks", x.buffered_blocks), f.field("buffered_bytes", x.buffered_bytes),
      f.field("blocks_per_second", x.blocks_per_second), f.field("eta_seconds", x.eta_seconds),
      f.field("claims", x.claims));
  }
};

// -- masternodes --------------------------------------------------------------

struct masternode_entry {
  ip_address ip;
  std::string reward_address;
  wire::masternode_tier tier = wire::masternode_tier::free;
  public_key key{};
  bool active = false;
  bool ours = false;             ///< This node itself.
  bool connected = false;
  std::int64_t first_seen = 0;   ///< Unix seconds.
  std::int64_t last_seen = 0;    ///< First hand.
  std::uint64_t heartbeat = 0;   ///< Last sequence number.
  std::uint64_t attestations = 0; ///< Of the last heartbeat.
  std::string why;               ///< The last transition's reason.

  template <class Inspector>
  friend bool inspect(Inspector& f, masternode_entry& x) {
    return f.object(x).fields(
      f.field("ip", x.ip), f.field("reward_address", x.reward_address), f.field("tier", x.tier),
      f.field("key", x.key), f.field("active", x.active), f.field("ours", x.ours),
      f.field("connected", x.connected), f.field("first_seen", x.first_seen),
      f.field("last_seen", x.last_seen), f.field("heartbeat", x.heartbeat),
      f.field("attestations", x.attestations), f.field("why", x.why));
  }
};

// -- the whole node -----------------------------------------------------------

/// Everything that RPC, command line and dashboard show, taken within a second.
struct node_snapshot {
  registry_snapshot registry;
  std::vector<peer_snapshot> peers; ///< One for each connection that answered.
  directory_snapshot directory;
  gossip_snapshot gossip;
  keeper_snapshot keeper;
  sync_snapshot sync;
  std::vector<masternode_entry> masternodes;
  std::map<std::string, std::uint64_t> invariant_violations; ///< By name; all zero in a healthy node.
  std::vector<std::string> silent; ///< Actors that did not answer in time.

  template <class Inspector>
  friend bool inspect(Inspector& f, node_snapshot& x) {
    return f.object(x).fields(f.field("registry", x.registry), f.field("peers", x.peers),
                              f.field("directory", x.directory), f.field("gossip", x.gossip),
                              f.field("keeper", x.keeper), f.field("sync", x.sync),
                              f.field("masternodes", x.masternodes),
                              f.field("invariant_violations", x.invariant_violations),
                              f.field("silent", x.silent));
  }
};

// -- type ids -------------------------------------------------------------------

namespace wire {

template <class Inspector>
bool inspect(Inspector& f, masternode_tier& x) {
  return inspect_enum(f, x, masternode_tier::gold);
}

template <class Inspector>
bool inspect(Inspector& f, unknown_message& x) {
  return f.object(x).fields(f.field("name", x.name));
}

template <class Inspector>
bool inspect(Inspector& f, malformed_line& x) {
  return f.object(x).fields(f.field("reason", x.reason), f.field("evidence", x.evidence),
                            f.field("fatal", x.fatal));
}

template <class Inspector>
bool inspect(Inspector& f, received_batch& x) {
  auto bytes = static_cast<std::uint64_t>(x.bytes);
  if (!f.object(x).fields(f.field("lines", x.lines), f.field("bytes", bytes)))
    return false;
  x.bytes = static_cast<std::size_t>(bytes);
  return true;
}

} // namespace wire

} // namespace timenode

// CAF would take the variant apart and want an id for each alternative; it travels as its line instead.
template <>
struct caf::inspector_access<timenode::wire::message>
  : caf::inspector_access_base<timenode::wire::message> {
  template <class Inspector>
  static bool apply(Inspector& f, timenode::wire::message& x) {
    return timenode::wire::inspect(f, x);
  }
};

// Ids are positions: new ones go to the end of the block.
CAF_BEGIN_TYPE_ID_BLOCK(timenode_messages, caf::first_custom_type_id)

  CAF_ADD_TYPE_ID(timenode_messages, (timenode::ip_address))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::endpoint))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::hash256))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::public_key))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::chain_tip))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::block_handle))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::checked_block))
  CAF_ADD_TYPE_ID(timenode_messages, (std::vector<timenode::checked_block>))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::block_batch))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::checked_batch))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::check_reply))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::apply_reply))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::wire::message))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::wire::unknown_message))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::wire::malformed_line))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::wire::decoded))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::wire::received_batch))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::wire::masternode_tier))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::encoded_line))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::link_direction))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::link_phase))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::link_end))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::peer_info))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::link_report))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::violation))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::dial_purpose))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::dial_report))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::peer_snapshot))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::link_snapshot))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::known_peer_snapshot))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::ban_snapshot))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::registry_snapshot))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::directory_snapshot))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::flood_verdict))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::flood_judgement))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::gossip_snapshot))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::keeper_snapshot))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::sync_snapshot))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::masternode_entry))
  CAF_ADD_TYPE_ID(timenode_messages, (std::vector<timenode::masternode_entry>))
  CAF_ADD_TYPE_ID(timenode_messages, (timenode::node_snapshot))
  CAF_ADD_TYPE_ID(timenode_messages, (std::vector<std::string>))

  CAF_ADD_ATOM(timenode_messages, timenode::atom, accepted)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, alive)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, announce)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, apply)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, attach)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, check)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, close)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, closed)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, connected)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, drained)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, failed)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, flood)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, handshaken)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, judge)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, list)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, peer_down)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, peer_up)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, probe)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, roll_back)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, sample)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, serve)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, snapshot)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, stop)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, subscribe)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, tip)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, wake)
  CAF_ADD_ATOM(timenode_messages, timenode::atom, want)

CAF_END_TYPE_ID_BLOCK(timenode_messages)
