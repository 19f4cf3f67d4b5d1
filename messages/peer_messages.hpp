#pragma once

// What actors tell each other of connections, peers and flooded items. Times: `*_at` are Unix
// seconds, other durations as named.

#include "messages/ip_address.hpp"
#include "messages/link_types.hpp"
#include "messages/peer_orders.hpp"
#include "messages/peer_views.hpp"
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
  /// It comes again by itself (`wire::is_told_again`), so that a connection may leave it out for a peer that has much to read.
  bool told_again = false;

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
